// RUN: sprint-opt %s --sprint-compile=arch=s | FileCheck %s -DNAME=s -DHASH=c6efa207582d51bf
// RUN: sprint-opt %s --sprint-compile=arch=m | FileCheck %s -DNAME=m -DHASH=72439959daeb9a20
// RUN: sprint-opt %s --sprint-compile=arch=l | FileCheck %s -DNAME=l -DHASH=37d3c9a813e4d652
// RUN: sprint-opt %s --sprint-compile=arch=s-paper-widths | FileCheck %s -DNAME=s-paper-widths -DHASH=14ff97bff860cacb

// A description is read once: afterwards its file may be gone.
// RUN: printf 'base: s\nname: other\nwidths: paper\n' > %t.yaml
// RUN: sprint-opt %s --sprint-attach-machine=arch=%t.yaml -o %t.mlir
// RUN: rm %t.yaml
// RUN: sprint-opt %t.mlir "--pass-pipeline=builtin.module(sprint-outline-programs,sprint.program(sprint-schedule-fetches,sprint-tile-to-crossbar,convert-sprint-to-isa,sprint-distribute-units),sprint-finalize-programs)" | FileCheck %s -DNAME=%t.yaml -DHASH=14ff97bff860cacb

// Programs hold the hash of the structure, which is the one of ever; costs are behind them.
// CHECK-NOT: costs
// CHECK: module attributes {sprint.machine = #machine}
// CHECK: sprint_isa.program @{{.*}} machine("[[NAME]]", "[[HASH]]")
func.func @f(%q: tensor<1x2x128x64xf32>, %init: tensor<1x2x128x64xf32>) -> tensor<1x2x128x64xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>)
      outs(%init : tensor<1x2x128x64xf32>) scale(0.125) -> tensor<1x2x128x64xf32>
  return %o : tensor<1x2x128x64xf32>
}
