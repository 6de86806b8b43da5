// RUN: sprint-opt %s --sprint-host-split-blocks=max-ops=4 | FileCheck %s

// Calls of pieces are a long block, too, and cut until the block is none: 10 pieces, 3 with these, 2 with those.
// CHECK-COUNT-15: llvm.func internal @sprint_piece
// CHECK-NOT: llvm.func internal @sprint_piece
// CHECK-LABEL: llvm.func @main() {
// CHECK-COUNT-2: llvm.call @sprint_piece
// CHECK-NOT: llvm.call @sprint_piece
llvm.func @other()
llvm.func @main() {
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.call @other() : () -> ()
  llvm.return
}
