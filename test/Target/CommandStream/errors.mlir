// What the dialect allows and the container does not.
// RUN: split-file %s %t
// RUN: not sprint-translate --sprint-isa-to-stream %t/none.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not ls %t/none
// RUN: not sprint-translate --sprint-isa-to-stream %t/name.mlir 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not sprint-translate --sprint-isa-to-stream %t/invalid.mlir -o %t/invalid 2>&1 | FileCheck %s --check-prefix=INVALID
// RUN: not ls %t/invalid

//--- none.mlir
// NONE: none.mlir:2:1: error: no command stream can be made: expected at least one program, got none
module {
}

//--- name.mlir
// NAME: error: no command stream can be made: program 0: expected the name of a program to have 1 to 255 printable ASCII characters
sprint_isa.program @"caf\C3\A9" machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 1, queries = 1, keys = 1, head_dim = 1, value_dim = 1, group = 1)
    scale(1.0) {
}

//--- invalid.mlir
// INVALID: invalid.mlir:2:1: error: 'sprint_isa.program' op expected the launch parameter 'keys'
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 1, queries = 1, keys = 0, head_dim = 1, value_dim = 1, group = 1)
    scale(1.0) {
}
