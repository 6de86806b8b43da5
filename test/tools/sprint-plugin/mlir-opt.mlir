// DEFINE: %{mlir-opt} = mlir-opt --load-dialect-plugin=%sprint_plugin --load-pass-plugin=%sprint_plugin

// Stock mlir-opt raises and outlines what torch-mlir printed.
// RUN: %{mlir-opt} %sprint_src/examples/sdpa.mlir \
// RUN:   --pass-pipeline='builtin.module(convert-linalg-to-sprint,sprint-attach-machine{arch=m},sprint-outline-programs)' \
// RUN:   | FileCheck %s

// CHECK: #[[MACHINE:.*]] = #sprint.machine<"m"
// CHECK: module attributes {{{.*}}sprint.machine = #[[MACHINE]]}
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[Q:.*]]: tensor<1x4x128x64xf32>, %[[K:.*]]: tensor<1x4x128x64xf32>, %[[V:.*]]: tensor<1x4x128x64xf32>)
// CHECK-NOT: linalg
// CHECK: %[[R:.*]] = sprint.launch @attention ins(%[[Q]], %[[K]], %[[V]] :
// CHECK: return %[[R]]
// CHECK: sprint.program @attention
// CHECK: sprint.attend

// All the way down, it prints what sprint-opt prints, and reads it again.
// RUN: %{mlir-opt} %s --pass-pipeline='builtin.module(sprint-compile{arch=s})' -o %t.plugin.mlir
// RUN: sprint-opt %s --sprint-compile=arch=s -o %t.mlir
// RUN: diff %t.plugin.mlir %t.mlir
// RUN: %{mlir-opt} %t.plugin.mlir --pass-pipeline='builtin.module(sprint_isa.program(sprint-check-programs))' \
// RUN:   -o %t.again.mlir
// RUN: diff %t.again.mlir %t.mlir
// RUN: FileCheck %s --check-prefix=STREAM < %t.mlir

// STREAM: sprint_isa.program @attention
func.func @main(%q: tensor<4x16x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x12xf32>) -> tensor<4x16x12xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x16x12xf32>
  %o = tm_tensor.attention ins(%q, %k, %v : tensor<4x16x8xf32>, tensor<4x9x8xf32>, tensor<4x9x12xf32>) outs(%zero : tensor<4x16x12xf32>) -> tensor<4x16x12xf32>
  return %o : tensor<4x16x12xf32>
}
