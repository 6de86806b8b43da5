// RUN: sprint-opt %s --sprint-host-keep-roundings | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK: arith.extf %{{.*}} : bf16 to f32
// Other ops keep their flags.
// CHECK: arith.addf %{{.*}} fastmath<nnan> : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @f(%x: bf16) -> bf16 {
  %0 = arith.extf %x fastmath<contract> : bf16 to f32
  %1 = arith.addf %0, %0 fastmath<nnan> : f32
  %2 = arith.truncf %1 fastmath<contract> : f32 to bf16
  return %2 : bf16
}
