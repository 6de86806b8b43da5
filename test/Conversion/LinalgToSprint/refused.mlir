// What is no attention stays as it is, and a remark says which condition fails. Every change below is of one of the two
// attentions at the end of this file, which are raised as they stand.

// RUN: split-file %s %t
// DEFINE: %{of} = named.mlir
// DEFINE: %{change} =
// DEFINE: %{check} =
// DEFINE: %{raise} = sprint-opt --convert-linalg-to-sprint
// DEFINE: %{refused} = sed -e '%{change}' %t/%{of} | %{raise} 2>&1 | FileCheck %s --check-prefix=%{check} --implicit-check-not=sprint.attention --implicit-check-not=remark:

// RUN: %{raise} < %t/named.mlir | FileCheck %s --check-prefix=RAISED
// RUN: %{raise} < %t/in-words.mlir | FileCheck %s --check-prefix=RAISED
// RUN: sed -e 's/ins(%%p, /ins(%%safe, /' %t/in-words.mlir | %{raise} | FileCheck %s --check-prefix=RAISED
// RAISED: sprint.attention

//===-- Scores ---===//

// REDEFINE: %{change} = s/arith.mulf %%score, %%half/arith.mulf %%score, %%other/
// REDEFINE: %{check} = TENSOR
// RUN: %{refused}
// TENSOR: remark: attention not raised: the scores are multiplied with a tensor that differs from key to key

// REDEFINE: %{change} = s/arith.mulf %%score, %%half/math.tanh %%score/
// REDEFINE: %{check} = TANH
// RUN: %{refused}
// TANH: remark: attention not raised: the scores are capped by a hyperbolic tangent

// REDEFINE: %{change} = s/%%half = arith.constant 0.5/%%half = arith.constant -0.5/
// REDEFINE: %{check} = NEGATIVE
// RUN: %{refused}
// NEGATIVE: remark: attention not raised: expected a positive scale in 2^-100 .. 2^100, got -0.500000

// REDEFINE: %{change} = s/%%half = arith.constant 0.5/%%half = arith.constant 0.0/
// REDEFINE: %{check} = ZERO
// RUN: %{refused}
// ZERO: remark: attention not raised: expected a positive scale in 2^-100 .. 2^100, got 0.000000

// REDEFINE: %{change} = s/%%y = arith.mulf %%score, %%half/%%biased = arith.addf %%score, %%other : f32\n    %%y = arith.mulf %%biased, %%of_head/
// REDEFINE: %{check} = BIAS
// RUN: %{refused}
// BIAS: remark: attention not raised: masked or biased scores are multiplied with a tensor

// REDEFINE: %{change} = s/arith.mulf %%score, %%half/arith.select %%is_allowed, %%score, %%other/
// REDEFINE: %{check} = SELECTED
// RUN: %{refused}
// SELECTED: remark: attention not raised: what a mask selects instead of the scores is not a constant

// Four channels in two dimensions:
// REDEFINE: %{change} = s/%%s = linalg.batch_matmul .*/%%s = linalg.contract indexing_maps = [#query4, #key4, #score4] ins(%%q4, %%k4 : !t4, !t4) outs(%%zeros : !s) -> !s/
// REDEFINE: %{check} = CHANNELS
// RUN: %{refused}
// CHANNELS: remark: attention not raised: the contraction of query and key sums over several dimensions

// REDEFINE: %{change} = s/f32/f64/g
// REDEFINE: %{check} = DOUBLE
// RUN: %{refused}
// DOUBLE: remark: attention not raised: expected tensors of f32 or a narrower float type, got f64

//===-- The softmax ---===//

// REDEFINE: %{change} = s/dimension(2)/dimension(1)/
// REDEFINE: %{check} = QUERIES
// RUN: %{refused}
// QUERIES: remark: attention not raised: the softmax does not run over the keys

// An attention sink is a key more in the softmax:
// REDEFINE: %{change} = s/%%p = .*/%%joined = tensor.concat dim(2) %%s, %%sink : (!s, tensor<2x8x1xf32>) -> !s9\n  %%e9 = tensor.empty() : !s9\n  %%p9 = linalg.softmax dimension(2) ins(%%joined : !s9) outs(%%e9 : !s9) -> !s9\n  %%p = tensor.extract_slice %%p9[0, 0, 0] [2, 8, 8] [1, 1, 1] : !s9 to !s/
// REDEFINE: %{check} = SINK
// RUN: %{refused}
// SINK: remark: attention not raised: the softmax runs over other elements than the keys, or over more, such as attention sinks

// A sigmoid:
// REDEFINE: %{change} = s/%%y = arith.mulf .*/%%minus = arith.negf %%score : f32\n    %%exp = math.exp %%minus : f32\n    %%sum = arith.addf %%one, %%exp : f32\n    %%y = arith.divf %%one, %%sum : f32/; /%%p = /d; s/ins(%%p, /ins(%%x, /
// REDEFINE: %{check} = EXP
// RUN: %{refused}
// EXP: remark: attention not raised: the probabilities are not exp(x - c) over its sum over the keys

// Without an exponential between the contractions there is nothing to remark:
// REDEFINE: %{change} = /%%p = /d; s/ins(%%p, /ins(%%x, /
// REDEFINE: %{check} = NOTHING
// RUN: %{refused}
// NOTHING: linalg.batch_matmul ins(%{{.*}}, %{{.*}} : tensor<2x8x8xf32>, tensor<2x8x4xf32>)

//===-- The probabilities ---===//

// REDEFINE: %{change} = s/-> !o {/-> (!o, !s) {/; s/return %%o : !o/return %%o, %%p : !o, !s/
// REDEFINE: %{check} = RETURNED
// RUN: %{refused}
// RETURNED: remark: attention not raised: the probabilities are also used elsewhere, by func.return

// REDEFINE: %{change} = s/-> !o {/-> (!o, !s) {/; s/return %%o : !o/return %%o, %%turned : !o, !s/; s/%%p = .*/&\n  %%turned = linalg.transpose ins(%%p : !s) outs(%%e : !s) permutation = [0, 2, 1]/
// REDEFINE: %{check} = TURNED
// RUN: %{refused}
// TURNED: remark: attention not raised: the probabilities are also used elsewhere, by linalg.transpose

// REDEFINE: %{change} = s/%%o = linalg.batch_matmul/%%o = linalg.contract indexing_maps = [#turned, #value, #output]/
// REDEFINE: %{check} = QUERIES
// RUN: %{refused}

// REDEFINE: %{change} = s/outs(%%zero_out : !o)/outs(%%before : !o)/
// REDEFINE: %{check} = BEFORE
// RUN: %{refused}
// BEFORE: remark: attention not raised: the contraction with the values does not start from zero, as in an online recurrence over blocks of keys

//===-- The softmax in words ---===//

// REDEFINE: %{of} = in-words.mlir
// REDEFINE: %{change} = s/%%sum = \(.*\) outs(%%zero_row/%%sum = \1 outs(%%one_row/
// REDEFINE: %{check} = DIVIDED
// RUN: %{refused}
// DIVIDED: remark: attention not raised: the exponentials are divided by something else than their sum over the keys, such as a sum with attention sinks

// REDEFINE: %{change} = s/%%sum = \(.*\) ins(%%exp/%%sum = \1 ins(%%unshifted/
// REDEFINE: %{check} = SHIFTED
// RUN: %{refused}
// SHIFTED: remark: attention not raised: numerator and denominator of the softmax are shifted by different numbers

// REDEFINE: %{change} = s/%%max = linalg.generic #over_keys/%%max = linalg.generic #over_queries/; s/%%shifted = linalg.generic #element_and_row/%%shifted = linalg.generic #element_and_column/
// REDEFINE: %{check} = COMPUTED
// RUN: %{refused}
// COMPUTED: remark: attention not raised: what is added to the scores, or masks them, is computed from them

// REDEFINE: %{change} = s/%%sum = linalg.generic #over_keys/%%sum = linalg.generic #over_queries/; s/%%p = linalg.generic #element_and_row/%%p = linalg.generic #element_and_column/
// REDEFINE: %{check} = QUERIES
// RUN: %{refused}

// REDEFINE: %{change} = s/arith.divf/arith.mulf/
// REDEFINE: %{check} = EXP
// RUN: %{refused}

// Rows of which the probabilities become zero: where a score is NaN, where any score is minus infinity, nowhere.
// REDEFINE: %{change} = s/ins(%%p, /ins(%%safe, /; s/arith.cmpf oeq, %%a, %%ninf/arith.cmpf uno, %%a, %%a/
// REDEFINE: %{check} = ZEROED
// RUN: %{refused}
// ZEROED: remark: attention not raised: the probabilities are zeroed, but not where every score of the row is -inf
// REDEFINE: %{change} = s/ins(%%p, /ins(%%safe, /; s/arith.andi/arith.ori/; s/%%first = arith.constant true/%%first = arith.constant false/
// RUN: %{refused}
// REDEFINE: %{change} = s/ins(%%p, /ins(%%safe, /; s/%%first = arith.constant true/%%first = arith.constant false/
// RUN: %{refused}

// REDEFINE: %{change} = s/ins(%%p, /ins(%%safe, /; s/%%instead = arith.constant dense<0.0>/%%instead = arith.constant dense<1.0>/
// REDEFINE: %{check} = REPLACED
// RUN: %{refused}
// REPLACED: remark: attention not raised: the probabilities are selected, but not as select(condition, 0, probability)

//--- named.mlir
!t = tensor<2x8x4xf32>
!t4 = tensor<2x8x2x2xf32>
!k = tensor<2x4x8xf32>
!s = tensor<2x8x8xf32>
!s9 = tensor<2x8x9xf32>
!o = tensor<2x8x4xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#head = affine_map<(b, i, j) -> (b)>
#elements = {indexing_maps = [#id, #id, #id, #head, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#turned = affine_map<(b, i, j, c) -> (b, j, i)>
#value = affine_map<(b, i, j, c) -> (b, j, c)>
#output = affine_map<(b, i, j, c) -> (b, i, c)>
#query4 = affine_map<(b, i, j, c, d) -> (b, i, c, d)>
#key4 = affine_map<(b, i, j, c, d) -> (b, j, c, d)>
#score4 = affine_map<(b, i, j, c, d) -> (b, i, j)>

func.func @named(%q: !t, %k: !t, %v: !t, %mask: tensor<2x8x8xi1>, %others: !s, %of_heads: tensor<2xf32>, %q4: !t4, %k4: !t4,
                 %sink: tensor<2x8x1xf32>, %before: !o) -> !o {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : !s
  %eo = tensor.empty() : !o
  %ek = tensor.empty() : !k
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !s) -> !s
  %zero_out = linalg.fill ins(%zero : f32) outs(%eo : !o) -> !o
  %kt = linalg.transpose ins(%k : !t) outs(%ek : !k) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : !t, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #elements ins(%s, %mask, %others, %of_heads : !s, tensor<2x8x8xi1>, !s, tensor<2xf32>) outs(%e : !s) {
  ^bb0(%score: f32, %is_allowed: i1, %other: f32, %of_head: f32, %out: f32):
    %y = arith.mulf %score, %half : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(2) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !t) outs(%zero_out : !o) -> !o
  return %o : !o
}

//--- in-words.mlir
!t = tensor<2x8x4xf32>
!k = tensor<2x4x8xf32>
!s = tensor<2x8x8xf32>
!r = tensor<2x8xf32>
!o = tensor<2x8x4xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#column = affine_map<(b, i, j) -> (b, j)>
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element_and_row = {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element_and_column = {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#of_row = {indexing_maps = [#row, #id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#over_keys = {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
#over_queries = {indexing_maps = [#id, #column], iterator_types = ["parallel", "reduction", "parallel"]}

func.func @in_words(%q: !t, %k: !t, %v: !t) -> !o {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : !s
  %eo = tensor.empty() : !o
  %er = tensor.empty() : !r
  %ek = tensor.empty() : !k
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !s) -> !s
  %zero_out = linalg.fill ins(%zero : f32) outs(%eo : !o) -> !o
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : !r) -> !r
  %zero_row = linalg.fill ins(%zero : f32) outs(%er : !r) -> !r
  %one_row = linalg.fill ins(%one : f32) outs(%er : !r) -> !r
  %kt = linalg.transpose ins(%k : !t) outs(%ek : !k) permutation = [0, 2, 1]
  %x = linalg.batch_matmul ins(%q, %kt : !t, !k) outs(%zeros : !s) -> !s
  %unshifted = linalg.generic #element ins(%x : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = math.exp %a : f32
    linalg.yield %y : f32
  } -> !s
  %max = linalg.generic #over_keys ins(%x : !s) outs(%lowest : !r) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.maximumf %a, %out : f32
    linalg.yield %y : f32
  } -> !r
  %shifted = linalg.generic #element_and_row ins(%x, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.subf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %exp = linalg.generic #element ins(%shifted : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = math.exp %a : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.generic #over_keys ins(%exp : !s) outs(%zero_row : !r) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.addf %a, %out : f32
    linalg.yield %y : f32
  } -> !r
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  // Rows whose scores are all minus infinity, and the probabilities with zeros in them.
  %first = arith.constant true
  %instead = arith.constant dense<0.0> : !s
  %em = tensor.empty() : tensor<2x8x8xi1>
  %emr = tensor.empty() : tensor<2x8xi1>
  %start = linalg.fill ins(%first : i1) outs(%emr : tensor<2x8xi1>) -> tensor<2x8xi1>
  %masked = linalg.generic #element ins(%x : !s) outs(%em : tensor<2x8x8xi1>) {
  ^bb0(%a: f32, %out: i1):
    %y = arith.cmpf oeq, %a, %ninf : f32
    linalg.yield %y : i1
  } -> tensor<2x8x8xi1>
  %is_empty = linalg.generic #over_keys ins(%masked : tensor<2x8x8xi1>) outs(%start : tensor<2x8xi1>) {
  ^bb0(%a: i1, %out: i1):
    %y = arith.andi %a, %out : i1
    linalg.yield %y : i1
  } -> tensor<2x8xi1>
  %safe = linalg.generic #of_row ins(%is_empty, %instead, %p : tensor<2x8xi1>, !s, !s) outs(%e : !s) {
  ^bb0(%a: i1, %b: f32, %c: f32, %out: f32):
    %y = arith.select %a, %b, %c : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !t) outs(%zero_out : !o) -> !o
  return %o : !o
}
