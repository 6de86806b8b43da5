// What upstream passes do between ours changes no byte of the stream: they fold loops over one batch element or head and lists of
// arrays, and merge equal ops.

// RUN: sprint-opt %s --sprint-compile | sprint-translate --sprint-isa-to-stream -o %t.direct
// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --canonicalize --cse --sprint-tile-to-crossbar \
// RUN:     --canonicalize --cse --sprint-schedule-fetches --loop-invariant-code-motion --sprint-outline-programs --canonicalize \
// RUN:     --cse --convert-sprint-to-isa | sprint-translate --sprint-isa-to-stream -o %t.cleaned
// RUN: cmp %t.direct %t.cleaned

func.func @one_head(%q: tensor<1x1x6x80xf32>, %k: tensor<1x1x200x80xf32>, %v: tensor<1x1x200x8xf32>) -> tensor<1x1x6x8xf32> {
  %init = tensor.empty() : tensor<1x1x6x8xf32>
  %o = sprint.attention ins(%q, %k, %v : tensor<1x1x6x80xf32>, tensor<1x1x200x80xf32>, tensor<1x1x200x8xf32>)
      outs(%init : tensor<1x1x6x8xf32>) scale(0.125) thresholds([0.5]) -> tensor<1x1x6x8xf32>
  return %o : tensor<1x1x6x8xf32>
}

func.func @one_batch(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>,
    %init: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(0.125) band(<upper = 0, align = end>) -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

func.func @heads_one(%q: tensor<?x1x4x8xf32>, %k: tensor<?x1x4x8xf32>, %v: tensor<?x1x4x8xf32>,
    %init: tensor<?x1x4x8xf32>) -> tensor<?x1x4x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>)
      outs(%init : tensor<?x1x4x8xf32>) scale(0.125) -> tensor<?x1x4x8xf32>
  return %o : tensor<?x1x4x8xf32>
}
