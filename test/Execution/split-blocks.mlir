// RUN: sprint-opt %s --sprint-host-split-blocks=max-ops=2 --split-input-file | FileCheck %s

// Pieces take the frame alone. %a is put into it, what is used in one piece alone is not; constants are had anew.
// CHECK-LABEL: llvm.func internal @sprint_piece(
// CHECK-SAME: %[[FRAME:.*]]: !llvm.ptr) attributes {no_inline, optimize_none} {
// CHECK-NEXT: %[[PLACE:.*]] = llvm.getelementptr %[[FRAME]][0] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK-NEXT: %[[A:.*]] = llvm.load %[[PLACE]] {alignment = 16 : i64} : !llvm.ptr -> i64
// CHECK-NEXT: llvm.mlir.constant(2 : i64) : i64
// CHECK-NEXT: llvm.mlir.constant(3 : i64) : i64
// CHECK-NEXT: %[[FIVE:.*]] = llvm.add
// CHECK-NEXT: %[[SUM:.*]] = llvm.add %[[A]], %[[FIVE]] : i64
// CHECK-NEXT: %[[PRODUCT:.*]] = llvm.mul %[[SUM]], %[[A]] : i64
// CHECK-NEXT: %[[RESULT:.*]] = llvm.getelementptr %[[FRAME]][16] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK-NEXT: llvm.store %[[PRODUCT]], %[[RESULT]] {alignment = 16 : i64} : i64, !llvm.ptr
// CHECK-NEXT: llvm.return
// The place of %a is free by now.
// CHECK-LABEL: llvm.func internal @sprint_piece_0(
// CHECK-SAME: %[[FRAME:.*]]: !llvm.ptr) attributes {no_inline, optimize_none} {
// CHECK-NEXT: %[[PLACE:.*]] = llvm.getelementptr %[[FRAME]][16]
// CHECK-NEXT: %[[PRODUCT:.*]] = llvm.load %[[PLACE]]
// CHECK-NEXT: llvm.mlir.constant(2 : i64) : i64
// CHECK-NEXT: llvm.mlir.constant(3 : i64) : i64
// CHECK-NEXT: %[[FIVE:.*]] = llvm.add
// CHECK-NEXT: %[[DIFFERENCE:.*]] = llvm.sub %[[PRODUCT]], %[[FIVE]] : i64
// CHECK-NEXT: %[[RESULT:.*]] = llvm.getelementptr %[[FRAME]][0]
// CHECK-NEXT: llvm.store %[[DIFFERENCE]], %[[RESULT]]
// CHECK-NEXT: llvm.return
// CHECK-LABEL: llvm.func @main(
// CHECK-SAME: %[[A:.*]]: i64) -> i64 {
// CHECK-NEXT: %[[SIZE:.*]] = llvm.mlir.constant(32 : i64) : i64
// CHECK-NEXT: %[[FRAME:.*]] = llvm.call @malloc(%[[SIZE]]) : (i64) -> !llvm.ptr
// CHECK-NEXT: %[[PLACE:.*]] = llvm.getelementptr %[[FRAME]][0]
// CHECK-NEXT: llvm.store %[[A]], %[[PLACE]]
// CHECK-NEXT: llvm.call @sprint_piece(%[[FRAME]]) : (!llvm.ptr) -> ()
// CHECK-NEXT: llvm.call @sprint_piece_0(%[[FRAME]]) : (!llvm.ptr) -> ()
// CHECK-NEXT: %[[PLACE:.*]] = llvm.getelementptr %[[FRAME]][0]
// CHECK-NEXT: %[[RESULT:.*]] = llvm.load %[[PLACE]]
// CHECK-NEXT: llvm.call @free(%[[FRAME]]) : (!llvm.ptr) -> ()
// CHECK-NEXT: llvm.return %[[RESULT]] : i64
llvm.func @main(%a: i64) -> i64 {
  %two = llvm.mlir.constant(2 : i64) : i64
  %three = llvm.mlir.constant(3 : i64) : i64
  // Computed of constants alone.
  %five = llvm.add %two, %three : i64
  %0 = llvm.add %a, %five : i64
  %1 = llvm.mul %0, %a : i64
  %2 = llvm.sub %1, %five : i64
  llvm.return %2 : i64
}

// -----

// What was on the stack is in the frame, also where the block itself uses it.
// CHECK-LABEL: llvm.func internal @sprint_piece(
// CHECK: %[[WORDS:.*]] = llvm.getelementptr %{{.*}}[0]
// CHECK-NEXT: llvm.call @fill(%[[WORDS]])
// CHECK-LABEL: llvm.func @main(
// CHECK-NOT: llvm.alloca
// CHECK: %[[SIZE:.*]] = llvm.mlir.constant(48 : i64)
// CHECK: %[[FRAME:.*]] = llvm.call @malloc(%[[SIZE]])
// CHECK: %[[WORDS:.*]] = llvm.getelementptr %[[FRAME]][0]
// CHECK: llvm.br ^bb1(%[[WORDS]] : !llvm.ptr)
llvm.func @fill(!llvm.ptr)
llvm.func @main() {
  %three = llvm.mlir.constant(5 : i64) : i64
  %words = llvm.alloca %three x i64 : (i64) -> !llvm.ptr
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.br ^bb1(%words : !llvm.ptr)
^bb1(%again: !llvm.ptr):
  llvm.call @fill(%again) : (!llvm.ptr) -> ()
  llvm.return
}

// -----

// Values of other blocks and for other blocks; blocks that are short stay.
// CHECK-LABEL: llvm.func @main(
// CHECK-SAME: %[[A:.*]]: i64, %[[CONDITION:.*]]: i1) -> i64 {
// CHECK: %[[FRAME:.*]] = llvm.call @malloc
// CHECK: llvm.cond_br
// CHECK: ^bb1(%[[B:.*]]: i64):
// CHECK-NEXT: llvm.getelementptr %[[FRAME]]
// CHECK-NEXT: llvm.store
// CHECK-NEXT: llvm.getelementptr %[[FRAME]]
// CHECK-NEXT: llvm.store
// CHECK-NEXT: llvm.call @sprint_piece(%[[FRAME]])
// CHECK-NEXT: llvm.call @sprint_piece_0(%[[FRAME]])
// CHECK-NEXT: llvm.getelementptr %[[FRAME]]
// CHECK-NEXT: %[[C:.*]] = llvm.load
// CHECK-NEXT: llvm.br ^bb2
// CHECK: ^bb2:
// CHECK-NEXT: %[[D:.*]] = llvm.add %[[C]], %[[C]]
// CHECK-NEXT: llvm.call @free(%[[FRAME]])
// CHECK-NEXT: llvm.return %[[D]]
// CHECK: ^bb3:
// CHECK-NEXT: llvm.call @free(%[[FRAME]])
// CHECK-NEXT: llvm.return %[[A]]
llvm.func @main(%a: i64, %condition: i1) -> i64 {
  llvm.cond_br %condition, ^bb1(%a : i64), ^bb3
^bb1(%b: i64):
  %0 = llvm.add %a, %b : i64
  %1 = llvm.add %0, %b : i64
  %2 = llvm.add %1, %b : i64
  llvm.br ^bb2
^bb2:
  %3 = llvm.add %2, %2 : i64
  llvm.return %3 : i64
^bb3:
  llvm.return %a : i64
}

// -----

// Memory on the stack of a size that is not known, or for each of several rounds, stays.
// CHECK-NOT: @sprint_piece
llvm.func @fill(!llvm.ptr)
llvm.func @unknown(%n: i64) {
  %words = llvm.alloca %n x i64 : (i64) -> !llvm.ptr
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.return
}

llvm.func @rounds(%condition: i1) {
  %one = llvm.mlir.constant(1 : i64) : i64
  llvm.br ^bb1
^bb1:
  %words = llvm.alloca %one x i64 : (i64) -> !llvm.ptr
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.call @fill(%words) : (!llvm.ptr) -> ()
  llvm.cond_br %condition, ^bb1, ^bb2
^bb2:
  llvm.return
}
