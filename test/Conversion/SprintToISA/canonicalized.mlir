// What upstream passes do between ours, on every level, changes no byte of the stream: they move what does not depend on a row out of
// the rows, merge equal ops, fold sizes and make types more static.

// DEFINE: %{schedule} = paper
// DEFINE: %{direct} = sprint-opt %s --sprint-compile=schedule=%{schedule} | sprint-translate --sprint-isa-to-stream -o %t.direct
// DEFINE: %{upstream} = canonicalize,cse,loop-invariant-code-motion,canonicalize,cse
// DEFINE: %{cleaned} = sprint-opt %s "--pass-pipeline=builtin.module(%{upstream},sprint-attach-machine,%{upstream},sprint-outline-programs,%{upstream},sprint.program(%{upstream},sprint-schedule-fetches{schedule=%{schedule}},%{upstream},sprint-tile-to-crossbar,%{upstream},convert-sprint-to-isa,%{upstream},sprint-distribute-units,%{upstream}),%{upstream},sprint-finalize-programs,%{upstream},sprint_isa.program(%{upstream},sprint-check-programs))" \
// DEFINE:   | sprint-translate --sprint-isa-to-stream -o %t.cleaned
// RUN: %{direct}
// RUN: %{cleaned}
// RUN: cmp %t.direct %t.cleaned
// REDEFINE: %{schedule} = resident
// RUN: %{direct}
// RUN: %{cleaned}
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

func.func @masked(%q: tensor<2x6x?x8xf32>, %k: tensor<2x2x?x8xf32>, %valid: tensor<2x?xi1>, %mask: tensor<1x6x1x?xi1>,
    %bias: tensor<2x1x?x?xf32>, %init: tensor<2x6x?x8xf32>) -> tensor<2x6x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %k : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>) key_valid(%valid : tensor<2x?xi1>)
      mask(%mask : tensor<1x6x1x?xi1>) bias(%bias : tensor<2x1x?x?xf32>)
      outs(%init : tensor<2x6x?x8xf32>) scale(0.125) -> tensor<2x6x?x8xf32>
  return %o : tensor<2x6x?x8xf32>
}

func.func @one_row(%q: tensor<2x3x1x8xf32>, %k: tensor<2x1x?x8xf32>, %mask: tensor<2x1x1x?xi1>, %init: tensor<2x3x1x8xf32>) -> tensor<2x3x1x8xf32> {
  %o = sprint.attention ins(%q, %k, %k : tensor<2x3x1x8xf32>, tensor<2x1x?x8xf32>, tensor<2x1x?x8xf32>) mask(%mask : tensor<2x1x1x?xi1>)
      outs(%init : tensor<2x3x1x8xf32>) scale(0.125) select(all) -> tensor<2x3x1x8xf32>
  return %o : tensor<2x3x1x8xf32>
}

func.func @partly(%q: tensor<1x2x?x8xf32>, %k: tensor<?x2x64x8xf32>, %v: tensor<1x2x?x8xf32>, %init: tensor<?x2x16x8xf32>) -> tensor<?x2x16x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<?x2x64x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<?x2x16x8xf32>) scale(0.125) band(<lower = -3, upper = 3>) -> tensor<?x2x16x8xf32>
  return %o : tensor<?x2x16x8xf32>
}
