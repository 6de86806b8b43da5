// RUN: sprint-opt %s --sprint-host-approximate-math | FileCheck %s

// CHECK-LABEL: func.func @polynomials(
// CHECK-NOT: math.{{exp|erf|tanh}}
// CHECK: return
func.func @polynomials(%x: f32) -> (f32, f32, f32) {
  %0 = math.exp %x : f32
  %1 = math.erf %x : f32
  %2 = math.tanh %x : f32
  return %0, %1, %2 : f32, f32, f32
}

// Of f64 there are none, and a call of libm is right for the other functions.
// CHECK-LABEL: func.func @functions(
// CHECK: math.exp %{{.*}} : f64
// CHECK: math.log %{{.*}} : f32
// CHECK: math.sin %{{.*}} : f32
func.func @functions(%x: f32, %y: f64) -> (f64, f32, f32) {
  %0 = math.exp %y : f64
  %1 = math.log %x : f32
  %2 = math.sin %x : f32
  return %0, %1, %2 : f64, f32, f32
}
