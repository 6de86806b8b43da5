// A program lowers to what it says, or is refused at the op that no command can say. Every change below is of the program at the
// end of this file. What lowers runs as a stream, and its output is that of the level above, byte for byte.

// RUN: %python %S/Inputs/write_inputs.py %t.inputs
// DEFINE: %{change} = s/nothing/nothing/
// DEFINE: %{check} =
// DEFINE: %{inputs} = --input=%t.inputs/query.npy --input=%t.inputs/key.npy --input=%t.inputs/value.npy --input=%t.inputs/key_valid.npy --input=%t.inputs/mask.npy --input=%t.inputs/bias.npy
// DEFINE: %{compile} = sed -n '/^#head/,$p' %s | sed -e '%{change}' > %t.mlir && sprint-opt %t.mlir --sprint-compile | sprint-translate --sprint-isa-to-stream -o %t.stream
// DEFINE: %{stream} = sprint-sim %t.stream %{inputs} --output-dir=%t.stream.out
// DEFINE: %{tiled} = sprint-run %t.mlir --level=tiled %{inputs} --output-dir=%t.tiled.out
// DEFINE: %{same} = cmp %t.stream.out/0.npy %t.tiled.out/0.npy
// DEFINE: %{right} = rm -rf %t.stream.out %t.tiled.out && %{compile} && %{stream} && %{tiled} && %{same}
// DEFINE: %{refused} = sed -n '/^#head/,$p' %s | sed -e '%{change}' | not sprint-opt --sprint-compile 2>&1 | FileCheck %s --check-prefix=%{check}

// As it stands:
// RUN: %{right}
// RUN: cp %t.stream.out/0.npy %t.first.npy

//===-- What is the same in other words ---===//

// Slices where they are used, what is not used at all:
// REDEFINE: %{change} = s/^    %%threshold = .*/    %%used = arith.constant 1 : index/; s/^    %%kept = /    %%threshold = tensor.extract_slice %%t[%%b, %%h] [1, 1] [1, 1] : tensor<2x4xi32> to tensor<1xi32>\n&/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// A score that nobody reads:
// REDEFINE: %{change} = s/^    %%scores = \(.*\)/&\n    %%unread = \1/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// The rows from last to first:
// REDEFINE: %{change} = s/(%%b, %%g, %%r, %%i) to/(%%b, %%g, %%r, %%x) to/; s/^    %%h = .*/&\n    %%i = affine.apply affine_map<(x) -> (4 - x)>(%%x)/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Key heads around batch elements:
// REDEFINE: %{change} = s/(%%b, %%g, %%r, %%i) to (batches, heads floordiv 2, 2, queries)/(%%g, %%b, %%r, %%i) to (heads floordiv 2, batches, 2, queries)/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Extents in numbers:
// REDEFINE: %{change} = s/to (batches, heads floordiv 2, 2, queries)/to (2, 2, 2, 5)/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Sizes that are read from arguments:
// REDEFINE: %{change} = s/%%queries = arith.constant 5 : index/%%two = arith.constant 2 : index\n  %%queries = tensor.dim %%q, %%two : tensor<2x4x5x16xi8>/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Masks in another order, one of them twice:
// REDEFINE: %{change} = s/masks(%%real, %%seen : tensor<1x7xi1>, tensor<1x7xi1>)/masks(%%seen, %%real, %%seen : tensor<1x7xi1>, tensor<1x7xi1>, tensor<1x7xi1>)/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Zeros as a constant:
// REDEFINE: %{change} = s/outs(%%zeros/outs(%%none/; s/^    %%zeros = .*/    %%none = arith.constant dense<0> : tensor<1x7xi32>/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

//===-- What says something else, and runs as it says ---===//

// Every key that the masks allow:
// REDEFINE: %{change} = s/band(<upper = 1, align = end>)//
// RUN: %{right}
// RUN: not cmp %t.stream.out/0.npy %t.first.npy

// Another band:
// REDEFINE: %{change} = s/band(<upper = 1, align = end>)/band(<lower = -1, upper = 2>)/
// RUN: %{right}
// RUN: not cmp %t.stream.out/0.npy %t.first.npy

// Another order of writes, another residency, another distance:
// REDEFINE: %{change} = s/ahead = 1, residency = previous_query, writes = \[key, value, query, key_valid, mask, bias\]/ahead = 3, residency = pinned, writes = [bias, mask, value, query, key_valid, key]/
// RUN: %{right}
// RUN: cmp %t.stream.out/0.npy %t.first.npy

// Nothing pruned:
// REDEFINE: %{change} = s/^    %%kept = .*/    %%kept = sprint.allow keys(%%keys_of) queries(%%position of %%queries : tensor<1xindex>)/; s/: tensor<1x7xi32> -> tensor<1x7xi1>/: tensor<1x7xi1>/; s/^  %%queries = /  %%keys_of = arith.constant 7 : index\n&/
// RUN: %{right}
// RUN: not cmp %t.stream.out/0.npy %t.first.npy

//===-- What no command can say ---===//

// REDEFINE: %{change} = s/%%k\[%%b, %%g, 0, 0\]/%%k[%%b, 0, 0, 0]/
// REDEFINE: %{check} = HEAD
// RUN: %{refused}
// HEAD: error: 'sprint.crossbar_score' op expected keys and values of the batch element and key head of its query

// REDEFINE: %{change} = s/%%k\[%%b, %%g, 0, 0\]/%%k[0, %%g, 0, 0]/
// REDEFINE: %{check} = BATCH
// RUN: %{refused}
// BATCH: error: 'sprint.crossbar_score' op expected keys and values of the batch element and key head of its query

// REDEFINE: %{change} = s/%%v\[%%b, %%g, 0, 0\]/%%v[%%b, %%r, 0, 0]/
// REDEFINE: %{check} = VALUE
// RUN: %{refused}
// VALUE: error: 'sprint.recompute' op expected keys and values of the batch element and key head of its query

// REDEFINE: %{change} = s/ins(%%query, %%keys, %%values/ins(%%query, %%keys, %%more/; s/^    %%values = .*/    %%more = tensor.extract_slice %%k[%%b, %%g, 0, 0] [1, 1, 7, 8] [1, 1, 1, 1] : tensor<2x2x7x16xi8> to tensor<7x8xi8>/
// REDEFINE: %{check} = KEYS
// RUN: %{refused}
// KEYS: error: 'sprint.recompute' op expected its value to be a part of the program's value

// REDEFINE: %{change} = s/-> (g \* 2 + m)/-> (g + m)/
// REDEFINE: %{check} = GROUP
// RUN: %{refused}
// GROUP: error: 'sprint.crossbar_score' op expected keys and values of the batch element and key head of its query

// REDEFINE: %{change} = s/%%k\[%%b, %%g, 0, 0\] \[1, 1, 7, 16\] \[1, 1, 1, 1\]/%%k[%%b, %%g, 0, 0] [1, 1, 7, 16] [1, 1, 1, -1]/
// REDEFINE: %{check} = STRIDE
// RUN: %{refused}
// STRIDE: error: 'sprint.crossbar_score' op expected its key to be a part of the program's key

// REDEFINE: %{change} = s/%%k\[%%b, %%g, 0, 0\] \[1, 1, 7, 16\]\(.*\)tensor<7x16xi8>/%%k[%%b, %%g, 1, 0] [1, 1, 7, 16]\1tensor<7x16xi8>/
// REDEFINE: %{check} = SOME
// RUN: %{refused}
// SOME: error: slice along dimension 2 runs out-of-bounds

// REDEFINE: %{change} = s/%%q\[%%b, %%h, %%i, 0\]/%%q[%%b, %%h, 0, 0]/
// REDEFINE: %{check} = QUERY
// RUN: %{refused}
// QUERY: error: 'sprint.prune' op expected the row of 'mask' that belongs to its query

// REDEFINE: %{change} = s/recompute ins(%%query,/recompute ins(%%other,/; s/^    %%values = /    %%other = tensor.extract_slice %%q[%%b, %%h, 0, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<2x4x5x16xi8> to tensor<1x16xi8>\n&/
// REDEFINE: %{check} = OTHERQUERY
// RUN: %{refused}
// OTHERQUERY: error: 'sprint.recompute' op expected the query and keys that its keys were selected for

// REDEFINE: %{change} = s/%%owners, %%multiplier, %%shift/%%owners, %%shift, %%multiplier/
// REDEFINE: %{check} = MULTIPLIER
// RUN: %{refused}
// MULTIPLIER: error: 'sprint.recompute' op expected its multiplier to be a part of the program's multiplier

// REDEFINE: %{change} = s/bias(%%added, %%multiplier, %%shift/bias(%%added, %%multiplier, %%multiplier/
// REDEFINE: %{check} = SHIFT
// RUN: %{refused}
// SHIFT: error: 'sprint.prune' op expected its shift to be a part of the program's shift

// REDEFINE: %{change} = s/sum = 48/sum = 40/
// REDEFINE: %{check} = WIDTHS
// RUN: %{refused}
// WIDTHS: error: 'sprint.recompute' op expected the machine's widths, {{.*}}sum = 48{{.*}}, got {{.*}}sum = 40

// REDEFINE: %{change} = s/%%t\[%%b, %%h\]/%%t[%%b, 0]/
// REDEFINE: %{check} = THRESHOLD
// RUN: %{refused}
// THRESHOLD: error: 'sprint.prune' op expected the threshold of the head of its query

// REDEFINE: %{change} = s/from_elements %%i/from_elements %%h/
// REDEFINE: %{check} = POSITION
// RUN: %{refused}
// POSITION: error: 'sprint.prune' op expected its query, of all queries

// REDEFINE: %{change} = s/from_elements %%i/from_elements %%next/; s/^    %%h = /    %%next = affine.apply affine_map<(i) -> (i + 1)>(%%i)\n&/
// REDEFINE: %{check} = NEXT
// RUN: %{refused}
// NEXT: error: 'sprint.prune' op expected its query, of all queries

// REDEFINE: %{change} = s/%%queries = arith.constant 5/%%queries = arith.constant 7/
// REDEFINE: %{check} = OF
// RUN: %{refused}
// OF: error: 'sprint.prune' op expected its query, of all queries

// What has one row for all queries has not their number.
// REDEFINE: %{change} = s/%%queries = arith.constant 5 : index/%%two = arith.constant 2 : index\n  %%queries = tensor.dim %%bias, %%two : tensor<2x4x1x7xi32>/
// REDEFINE: %{check} = OFONE
// RUN: %{refused}
// OFONE: error: 'sprint.prune' op expected its query, of all queries

// REDEFINE: %{change} = s/%%queries = arith.constant 5 : index/%%nine = arith.constant 9 : index\n  %%queries = tensor.dim %%q, %%nine : tensor<2x4x5x16xi8>/
// REDEFINE: %{check} = BEYOND
// RUN: %{refused}
// BEYOND: error: 'sprint.prune' op expected its query, of all queries

// REDEFINE: %{change} = s/%%channels = arith.constant 16/%%channels = arith.constant 8/
// REDEFINE: %{check} = DIMS
// RUN: %{refused}
// DIMS: error: 'sprint.prune' op expected the channels of its query

// REDEFINE: %{change} = s/%%zero = arith.constant 0/%%zero = arith.constant 1/
// REDEFINE: %{check} = ZERO
// RUN: %{refused}
// ZERO: error: 'sprint.crossbar_score' op expected scores that begin with zeros

// REDEFINE: %{change} = s/nibble(centred)/nibble(truncated)/
// REDEFINE: %{check} = NIBBLE
// RUN: %{refused}
// NIBBLE: error: 'sprint.crossbar_score' op expected the machine's nibble, centred, got truncated

// REDEFINE: %{change} = s/%%mask\[0, %%h, %%i, 0\]/%%mask[0, 0, %%i, 0]/
// REDEFINE: %{check} = MASKHEAD
// RUN: %{refused}
// MASKHEAD: error: 'sprint.prune' op expected the row of 'mask' that belongs to its query

// REDEFINE: %{change} = s/%%mask\[0, %%h, %%i, 0\]/%%mask[0, %%h, 0, 0]/
// REDEFINE: %{check} = MASKROW
// RUN: %{refused}
// MASKROW: error: 'sprint.prune' op expected the row of 'mask' that belongs to its query

// REDEFINE: %{change} = s/%%valid\[%%b, 0\]/%%valid[0, 0]/
// REDEFINE: %{check} = PADDING
// RUN: %{refused}
// PADDING: error: 'sprint.prune' op expected the row of 'key_valid' that belongs to its query

// REDEFINE: %{change} = s/masks(%%real, %%seen/masks(%%real, %%both/; s/^    %%kept = /    %%both = arith.andi %%real, %%seen : tensor<1x7xi1>\n&/
// REDEFINE: %{check} = COMPUTED
// RUN: %{refused}
// COMPUTED: error: 'sprint.prune' op expected masks and biases that are rows of the program's

// REDEFINE: %{change} = s/%%bias\[%%b, %%h, 0, 0\]/%%bias[%%b, 0, 0, 0]/
// REDEFINE: %{check} = BIASHEAD
// RUN: %{refused}
// BIASHEAD: error: 'sprint.prune' op expected the row of 'bias' that belongs to its query

// REDEFINE: %{change} = s/bias(%%added : tensor<1x7xi32>)//
// REDEFINE: %{check} = NOBIAS
// RUN: %{refused}
// NOBIAS: error: 'sprint.recompute' op expected the biases that its keys were selected with

// REDEFINE: %{change} = s/bias(%%added, %%multiplier[^)]*)//
// REDEFINE: %{check} = LATEBIAS
// RUN: %{refused}
// LATEBIAS: error: 'sprint.recompute' op expected the biases that its keys were selected with

// Nor is a bias dropped that is none of the program's.
// REDEFINE: %{change} = s/bias(%%added, %%multiplier[^)]*)//; s/bias(%%added :/bias(%%five :/; s/^    %%kept = /    %%five = arith.constant dense<5> : tensor<1x7xi32>\n&/
// REDEFINE: %{check} = CONSTANTBIAS
// RUN: %{refused}
// CONSTANTBIAS: error: 'sprint.recompute' op expected the biases that its keys were selected with

// The launch brings a mask that would not be read.
// REDEFINE: %{change} = s/masks(%%real, %%seen : tensor<1x7xi1>, tensor<1x7xi1>)/masks(%%real : tensor<1x7xi1>)/
// REDEFINE: %{check} = NOMASK
// RUN: %{refused}
// NOMASK: error: 'sprint_isa.program' op expected a command that {{.*}} the mask, which the program takes, got none

// REDEFINE: %{change} = s/%%indices, %%owners, %%multiplier/%%indices, %%every, %%multiplier/; s/^    %%row = /    %%length = tensor.dim %%indices, %%zeroth : tensor<?xindex>\n    %%every = tensor.splat %%true[%%length] : tensor<1x?xi1>\n&/; s/^  %%queries = /  %%zeroth = arith.constant 0 : index\n  %%true = arith.constant true\n&/
// REDEFINE: %{check} = OWNERS
// RUN: %{refused}
// OWNERS: error: 'sprint.recompute' op expected indices and owners of one 'sprint.gather' of its block

// REDEFINE: %{change} = s/%%indices, %%owners = .*/%%owned = arith.constant dense<true> : tensor<1x7xi1>\n    %%indices, %%owners = sprint.gather %%owned : tensor<1x7xi1> -> tensor<?xindex>, tensor<1x?xi1>/
// REDEFINE: %{check} = LIST
// RUN: %{refused}
// LIST: error: 'sprint.gather' op expected what 'sprint.prune' or 'sprint.allow' keeps

// REDEFINE: %{change} = s/prune %%scores/prune %%zeros/
// REDEFINE: %{check} = SCORES
// RUN: %{refused}
// SCORES: error: 'sprint.prune' op expected its scores from 'sprint.crossbar_score'

// REDEFINE: %{change} = s/into %%codes\[%%b, %%h, %%i, 0\]/into %%codes[%%b, %%h, %%h, 0]/
// REDEFINE: %{check} = OUTPUT
// RUN: %{refused}
// OUTPUT: error: 'tensor.insert_slice' op expected the output row of the query

// REDEFINE: %{change} = s/^    %%written = \(.*\)%%codes\(.*\)/    %%first = \1%%codes\2\n    %%written = \1%%codes\2\n    %%third = \1%%first\2/; s/yield %%written/yield %%third/
// REDEFINE: %{check} = DROPPED
// RUN: %{refused}
// DROPPED: error: 'tensor.insert_slice' op expected one in the body of 'sprint.rows', for one block

// REDEFINE: %{change} = s/^    %%written = \(.*\)%%codes\(.*\)/    %%first = \1%%codes\2\n    %%written = \1%%first\2/
// REDEFINE: %{check} = TWICE
// RUN: %{refused}
// TWICE: error: 'tensor.insert_slice' op expected one in the body of 'sprint.rows', for one block

// REDEFINE: %{change} = s/yield %%written/yield %%codes/
// REDEFINE: %{check} = CARRIED
// RUN: %{refused}
// CARRIED: error: {{.*}}expected

// REDEFINE: %{change} = s/%%init = tensor.empty() : tensor<2x4x5x8xi32>/%%init = arith.constant dense<1> : tensor<2x4x5x8xi32>/
// REDEFINE: %{check} = EMPTY
// RUN: %{refused}
// EMPTY: error: 'sprint.rows' op expected to begin with an empty tensor

// REDEFINE: %{change} = s/, 2, queries) step/, 2, queries - 1) step/
// REDEFINE: %{check} = WHOLE
// RUN: %{refused}
// WHOLE: error: {{.*}}expected

// REDEFINE: %{change} = s/, 2, queries) step/, 2, keys) step/
// REDEFINE: %{check} = MORE
// RUN: %{refused}
// MORE: error: {{.*}}expected

// REDEFINE: %{change} = s/floordiv 2, 2, queries) step/floordiv 2, 1, queries) step/
// REDEFINE: %{check} = MEMBERS
// RUN: %{refused}
// MEMBERS: error: {{.*}}expected

// REDEFINE: %{change} = s/step (1, 1, 1, 1)/step (1, 1, 1, 2)/
// REDEFINE: %{check} = STEP
// RUN: %{refused}
// STEP: error: 'sprint.rows' op expected blocks of one row, as the machine has lists of single rows alone, got steps

// REDEFINE: %{change} = s/, 2, queries) step/, 2, min(queries, 5)) step/
// REDEFINE: %{check} = MIN
// RUN: %{refused}
// MIN: error: 'sprint.rows' op expected affine extents, got

// REDEFINE: %{change} = s/(%%b, %%g, %%r, %%i) to (batches, heads floordiv 2, 2, queries)/(%%b, %%g, %%i, %%r) to (batches, heads floordiv 2, queries, 2)/
// REDEFINE: %{check} = INSIDE
// RUN: %{refused}
// INSIDE: error: 'sprint.crossbar_score' op expected the loops over batch elements and heads around all others

// REDEFINE: %{change} = s/(%%b, %%g, %%r, %%i) to (batches, heads floordiv 2, 2, queries)/(%%b, %%r, %%g, %%i) to (batches, 2, heads floordiv 2, queries)/
// REDEFINE: %{check} = AROUND
// RUN: %{refused}
// AROUND: error: 'sprint.prune' op expected the loops over batch elements and heads around all others

// REDEFINE: %{change} = s/(%%b, %%g, %%r, %%i) to (batches, heads floordiv 2, 2, queries) step (1, 1, 1, 1)/(%%b, %%g, %%r, %%i, %%x) to (batches, heads floordiv 2, 2, queries, 3) step (1, 1, 1, 1, 1)/
// REDEFINE: %{check} = AGAIN
// RUN: %{refused}
// AGAIN: error: {{.*}}expected

// REDEFINE: %{change} = s/key_valid, mask, bias\]/key_valid, bias]/
// REDEFINE: %{check} = WRITES
// RUN: %{refused}
// WRITES: error: 'sprint.prune' op expected 'mask' among the writes of the schedule, as it is read from ReRAM

// REDEFINE: %{change} = s/^    %%zeros = .*//; s/^    %%scores = .*//; s/^    %%empty = .*//; s/^  %%result = /  %%keys_0 = tensor.extract_slice %%k[0, 0, 0, 0] [1, 1, 7, 16] [1, 1, 1, 1] : tensor<2x2x7x16xi8> to tensor<7x16xi8>\n  %%query_0 = tensor.extract_slice %%q[0, 0, 0, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<2x4x5x16xi8> to tensor<1x16xi8>\n  %%zeros = arith.constant dense<0> : tensor<1x7xi32>\n  %%scores = sprint.crossbar_score ins(%%query_0, %%keys_0 : tensor<1x16xi8>, tensor<7x16xi8>) outs(%%zeros : tensor<1x7xi32>) nibble(centred) -> tensor<1x7xi32>\n&/
// REDEFINE: %{check} = OUTSIDE
// RUN: %{refused}
// OUTSIDE: error: 'sprint.crossbar_score' op expected it in 'sprint.rows'

// Numbers of the program are none of the machine's, where they are too large.
// REDEFINE: %{change} = s/band(<upper = 1, align = end>)/band(<upper = 9000000000000000000, align = end>)/
// REDEFINE: %{check} = NUMBER
// RUN: %{refused}
// NUMBER: error: 'sprint_isa.value.threshold' op expected constants of magnitude up to 2147483648, got 90

// REDEFINE: %{change} = s/^    %%h = /    cf.assert %%true, "no command"\n&/; s/^  %%queries = /  %%true = arith.constant true\n&/
// REDEFINE: %{check} = EFFECT
// RUN: %{refused}
// EFFECT: error: 'cf.assert' op expected an op that commands can say

// The select unit holds one query, and the capacities are those of one block.
// REDEFINE: %{change} = s/^    %%scores = \(.*\)ins(%%query,\(.*\)/    %%other = tensor.extract_slice %%q[%%b, %%h, 0, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<2x4x5x16xi8> to tensor<1x16xi8>\n    %%first = \1ins(%%query,\2\n    %%second = \1ins(%%other,\2\n    %%scores = arith.addi %%first, %%second : tensor<1x7xi32>/
// REDEFINE: %{check} = BLOCKS
// RUN: %{refused}
// BLOCKS: error: 'sprint.crossbar_score' op expected one in the body of 'sprint.rows', for one block

// REDEFINE: %{change} = s/^  sprint.return .*/  %%more = sprint.rows (%%i) to (queries) step (1) outs(%%c = %%result : tensor<2x4x5x8xi32>) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = []>) {\n    sprint.yield %%c : tensor<2x4x5x8xi32>\n  }\n  sprint.return %%more : tensor<2x4x5x8xi32>/
// REDEFINE: %{check} = NESTS
// RUN: %{refused}
// NESTS: error: 'sprint.rows' op expected one 'sprint.rows' in a program

#head = affine_map<(g, m) -> (g * 2 + m)>

func.func @main(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>, %valid: tensor<2x7xi1>,
    %mask: tensor<1x4x5x7xi1>, %bias: tensor<1x1x1x7xf32>) -> tensor<2x4x5x8xf32> {
  %init = tensor.empty() : tensor<2x4x5x8xf32>
  %o = sprint.launch @p ins(%q, %k, %v : tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>)
      key_valid(%valid : tensor<2x7xi1>) mask(%mask : tensor<1x4x5x7xi1>) bias(%bias : tensor<1x1x1x7xf32>)
      outs(%init : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

sprint.program @p(query %q: tensor<2x4x5x16xi8>, key %k: tensor<2x2x7x16xi8>, value %v: tensor<2x2x7x8xi8>,
    threshold %t: tensor<2x4xi32>, multiplier %m: tensor<2x4xi64>, shift %s: tensor<2x4xi64>,
    key_valid %valid: tensor<2x7xi1>, mask %mask: tensor<1x4x5x7xi1>, bias %bias: tensor<2x4x1x7xi32>)
    -> tensor<2x4x5x8xi32> scale(0.25) thresholds([0.5, -0.25, 0.0, 1.0]) {
  %channels = arith.constant 16 : index
  %queries = arith.constant 5 : index
  %zero = arith.constant 0 : i32
  %init = tensor.empty() : tensor<2x4x5x8xi32>
  %result = sprint.rows (%b, %g, %r, %i) to (batches, heads floordiv 2, 2, queries) step (1, 1, 1, 1)
      outs(%codes = %init : tensor<2x4x5x8xi32>)
      schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [key, value, query, key_valid, mask, bias]>) {
    %h = affine.apply #head(%g, %r)
    %query = tensor.extract_slice %q[%b, %h, %i, 0] [1, 1, 1, 16] [1, 1, 1, 1] : tensor<2x4x5x16xi8> to tensor<1x16xi8>
    %keys = tensor.extract_slice %k[%b, %g, 0, 0] [1, 1, 7, 16] [1, 1, 1, 1] : tensor<2x2x7x16xi8> to tensor<7x16xi8>
    %values = tensor.extract_slice %v[%b, %g, 0, 0] [1, 1, 7, 8] [1, 1, 1, 1] : tensor<2x2x7x8xi8> to tensor<7x8xi8>
    %threshold = tensor.extract_slice %t[%b, %h] [1, 1] [1, 1] : tensor<2x4xi32> to tensor<1xi32>
    %multiplier = tensor.extract_slice %m[%b, %h] [1, 1] [1, 1] : tensor<2x4xi64> to tensor<1xi64>
    %shift = tensor.extract_slice %s[%b, %h] [1, 1] [1, 1] : tensor<2x4xi64> to tensor<1xi64>
    %real = tensor.extract_slice %valid[%b, 0] [1, 7] [1, 1] : tensor<2x7xi1> to tensor<1x7xi1>
    %seen = tensor.extract_slice %mask[0, %h, %i, 0] [1, 1, 1, 7] [1, 1, 1, 1] : tensor<1x4x5x7xi1> to tensor<1x7xi1>
    %added = tensor.extract_slice %bias[%b, %h, 0, 0] [1, 1, 1, 7] [1, 1, 1, 1] : tensor<2x4x1x7xi32> to tensor<1x7xi32>
    %position = tensor.from_elements %i : tensor<1xindex>
    %empty = tensor.empty() : tensor<1x7xi32>
    %zeros = linalg.fill ins(%zero : i32) outs(%empty : tensor<1x7xi32>) -> tensor<1x7xi32>
    %scores = sprint.crossbar_score ins(%query, %keys : tensor<1x16xi8>, tensor<7x16xi8>) outs(%zeros : tensor<1x7xi32>) nibble(centred) -> tensor<1x7xi32>
    %kept = sprint.prune %scores threshold(%threshold : tensor<1xi32>) queries(%position of %queries : tensor<1xindex>)
        band(<upper = 1, align = end>) masks(%real, %seen : tensor<1x7xi1>, tensor<1x7xi1>)
        bias(%added, %multiplier, %shift, %channels : tensor<1x7xi32>, tensor<1xi64>, tensor<1xi64>) : tensor<1x7xi32> -> tensor<1x7xi1>
    %indices, %owners = sprint.gather %kept : tensor<1x7xi1> -> tensor<?xindex>, tensor<1x?xi1>
    %row = tensor.extract_slice %codes[%b, %h, %i, 0] [1, 1, 1, 8] [1, 1, 1, 1] : tensor<2x4x5x8xi32> to tensor<1x8xi32>
    %output = sprint.recompute ins(%query, %keys, %values, %indices, %owners, %multiplier, %shift
        : tensor<1x16xi8>, tensor<7x16xi8>, tensor<7x8xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
        bias(%added : tensor<1x7xi32>) outs(%row : tensor<1x8xi32>)
        widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
    %written = tensor.insert_slice %output into %codes[%b, %h, %i, 0] [1, 1, 1, 8] [1, 1, 1, 1] : tensor<1x8xi32> into tensor<2x4x5x8xi32>
    sprint.yield %written : tensor<2x4x5x8xi32>
  }
  sprint.return %result : tensor<2x4x5x8xi32>
}
