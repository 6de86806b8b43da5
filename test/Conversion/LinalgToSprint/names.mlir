// RUN: sprint-opt %s --split-input-file --convert-linalg-to-sprint | FileCheck %s
// RUN: sprint-opt %s --split-input-file --convert-linalg-to-sprint --convert-linalg-to-sprint | FileCheck %s

// The name of an attention is that of its place where the producer gives it one.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @paths
// CHECK: sprint.attention @layers.0.self_attn ins(
// CHECK: sprint.attention @layers.1.self_attn ins(
// CHECK: sprint.attention @layers.2.self_attn ins(
// CHECK: sprint.attention @outer ins(
func.func @paths(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("layers.0.self_attn")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("layers.1.self_attn"("model.py":3:4))
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(fused["model.py":3:4, "layers.2.self_attn"("model.py":5:6)])
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(callsite("outer"("inner"("a.py":1:1)) at "caller"("b.py":2:2)))
  return %3 : !t
}

// -----

// Equal names are told apart in the order of the program; so are those of symbols.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @equal
// CHECK: sprint.attention @path ins(
// CHECK: sprint.attention @path.1 ins(
// CHECK: sprint.attention @path.1.1 ins(
// CHECK: sprint.attention @path.2 ins(
// CHECK: sprint.attention @equal.1 ins(
func.func @equal(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path.1")
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %4 = tm_tensor.attention ins(%3, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("equal")
  return %4 : !t
}

// -----

// A place in a file alone is no name.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @single
// CHECK: sprint.attention @attention ins(
func.func @single(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("model.py":3:4)
  return %0 : !t
}

// -----

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @several
// CHECK: sprint.attention @attention_0 ins(
// CHECK: sprint.attention @path ins(
// CHECK: sprint.attention @attention_1 ins(
// CHECK: sprint.attention @attention_2 ins(
func.func @several(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("")
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(unknown)
  return %3 : !t
}

// -----

// A function may have the name already.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @attention
// CHECK: sprint.attention @attention_0 ins(
func.func @attention(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t
  return %0 : !t
}

// -----

// What is an attention already keeps its name, as far as it is the only one of it, and gets one where it has none.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @given
// CHECK: sprint.attention @mine.2 ins(
// CHECK: sprint.attention @attention ins(
// CHECK: sprint.attention @mine ins(
// CHECK: sprint.attention @mine.1 ins(
func.func @given(%t: !t, %a: !a) -> (!t, !a) {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("mine")
  %1 = sprint.attention ins(%a, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  %2 = sprint.attention @mine ins(%1, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  %3 = sprint.attention @mine ins(%2, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  return %0, %3 : !t, !a
}

// -----

// A command stream holds names of at most 255 printable characters: what is not printable is replaced, and of what is long the end is kept.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @any_text
// CHECK: sprint.attention @"a b\22_\\__" ins(
// CHECK: sprint.attention @{{(x{198})}}.y ins(
func.func @any_text(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("a b\22\0A\5C\C3\A4")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.y")
  return %1 : !t
}
