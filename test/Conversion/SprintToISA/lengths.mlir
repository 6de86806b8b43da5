// Lengths stand in the launch parameters and nowhere else, so programs for other lengths differ in nothing else.
// RUN: sprint-opt %s --sprint-compile=arch=s | grep -v '^ *\(func.func\|%\|return\)' > %t.128
// RUN: sed 's/x128x/x100000x/g' %s > %t.mlir
// RUN: sprint-opt %t.mlir --sprint-compile=arch=s | grep -v '^ *\(func.func\|%\|return\)' | sed 's/queries = 100000, keys = 100000/queries = 128, keys = 128/' > %t.100000
// RUN: diff %t.128 %t.100000
// RUN: FileCheck %s < %t.128

// CHECK: parameters(batches = 1, heads = 2, queries = 128, keys = 128, head_dim = 64, value_dim = 64, group = 1)
func.func @f(%q: tensor<1x2x128x64xf32>, %init: tensor<1x2x128x64xf32>) -> tensor<1x2x128x64xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>)
      outs(%init : tensor<1x2x128x64xf32>) scale(0.125) -> tensor<1x2x128x64xf32>
  return %o : tensor<1x2x128x64xf32>
}
