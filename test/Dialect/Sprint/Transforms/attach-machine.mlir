// RUN: sprint-opt %s --sprint-attach-machine | FileCheck %s --check-prefix=S
// RUN: sprint-opt %s --sprint-attach-machine=arch=m | FileCheck %s --check-prefix=M
// RUN: not sprint-opt %s --sprint-attach-machine=arch=q 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not sprint-opt %s --sprint-attach-machine=arch=%t.yaml 2>&1 | FileCheck %s --check-prefix=MISSING

// S: module attributes {sprint.machine = #sprint.machine<"s", structure = "{{[0-9a-f]+}}">}
// M: module attributes {sprint.machine = #sprint.machine<"m", structure = "{{[0-9a-f]+}}">}
// UNKNOWN: error: {{.*}}q
// MISSING: error: {{.*}}attach-machine.mlir.tmp.yaml
module {}
