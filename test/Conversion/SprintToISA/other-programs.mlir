// Commands compute attention, whatever a program says; so a program that says something else is refused. This one is right:
// RUN: sprint-opt %s --sprint-attach-machine --convert-sprint-to-isa -o %t

// DEFINE: %{change} =
// DEFINE: %{check} =
// DEFINE: %{refused} = sed -e '%{change}' %s | not sprint-opt --sprint-attach-machine --convert-sprint-to-isa 2>&1 | FileCheck %s --check-prefix=%{check}

// REDEFINE: %{change} = s/%k\[%b, %h, 0, 0\]/%k[%b, 0, 0, 0]/
// REDEFINE: %{check} = HEAD
// RUN: %{refused}
// HEAD: 'sprint.recompute' op expected its key from argument 1 of the program, at the batch, head and query of the loops

// REDEFINE: %{change} = s/ins(%query, %keys, %values/ins(%query, %keys, %keys/
// REDEFINE: %{check} = VALUE
// RUN: %{refused}
// VALUE: 'sprint.recompute' op expected its value from argument 2

// REDEFINE: %{change} = s/%q\[%b, %h, %i, 0\]/%q[%b, %h, 0, 0]/
// REDEFINE: %{check} = QUERY
// RUN: %{refused}
// QUERY: 'scf.for' op expected a loop over a dimension of argument 0 of the program

// REDEFINE: %{change} = s/%owners, %multiplier, %bits/%owners, %bits, %multiplier/
// REDEFINE: %{check} = MULTIPLIER
// RUN: %{refused}
// MULTIPLIER: 'sprint.recompute' op expected its multiplier from argument 4

// REDEFINE: %{change} = s/sum = 48/sum = 40/
// REDEFINE: %{check} = WIDTHS
// RUN: %{refused}
// WIDTHS: 'sprint.recompute' op expected the machine's widths, {{.*}}sum = 48{{.*}}, got {{.*}}sum = 40

// REDEFINE: %{change} = s/threshold(%bar)/threshold(%zero_i32)/
// REDEFINE: %{check} = THRESHOLD
// RUN: %{refused}
// THRESHOLD: 'sprint.prune' op expected its threshold from argument 3

// REDEFINE: %{change} = s/query(%i) of(%queries)/query(%h) of(%queries)/
// REDEFINE: %{check} = ROW
// RUN: %{refused}
// ROW: 'sprint.prune' op expected the query of the loop, of all queries

// REDEFINE: %{change} = s/zero_i32 = arith.constant 0/zero_i32 = arith.constant 1/
// REDEFINE: %{check} = ZERO
// RUN: %{refused}
// ZERO: 'sprint.prune' op expected scores over all channels, 'sprint.crossbar_score' added up from zero

// REDEFINE: %{change} = s/%low = sprint.crossbar_score ins(%query_1, %keys_1/%low = sprint.crossbar_score ins(%query_2, %keys_2/
// REDEFINE: %{check} = CHANNELS
// RUN: %{refused}
// CHANNELS: 'sprint.crossbar_score' op expected the next channels of the query and keys of 'sprint.recompute'

// REDEFINE: %{change} = s/nibble(centred)/nibble(truncated)/
// REDEFINE: %{check} = NIBBLE
// RUN: %{refused}
// NIBBLE: 'sprint.crossbar_score' op expected the machine's nibble, centred, got truncated

// REDEFINE: %{change} = s/into %codes\[%b, %h, %i, 0\]/into %codes[%b, %h, %h, 0]/
// REDEFINE: %{check} = OUTPUT
// RUN: %{refused}
// OUTPUT: 'tensor.insert_slice' op expected the output row of the batch, head and query of the loops

// REDEFINE: %{change} = s/scf.yield %rows/scf.yield %codes_h/
// REDEFINE: %{check} = CARRIED
// RUN: %{refused}
// CARRIED: 'scf.for' op expected a loop that carries the output codes alone

// REDEFINE: %{change} = s/%b = %zero to %batches/%b = %one to %batches/
// REDEFINE: %{check} = FIRST
// RUN: %{refused}
// FIRST: 'scf.for' op expected a loop from 0 in steps of 1

// REDEFINE: %{change} = s/%i = %zero to %queries/%i = %zero to %heads/
// REDEFINE: %{check} = WHOLE
// RUN: %{refused}
// WHOLE: 'scf.for' op expected a loop over the whole dimension 2 of argument 0 of the program

sprint.program @attention(query %q: tensor<2x3x4x128xi8>, key %k: tensor<2x3x5x128xi8>, value %v: tensor<2x3x5x128xi8>,
    threshold %thresholds: tensor<2x3xi32>, multiplier %multipliers: tensor<2x3xi64>, shift %shifts: tensor<2x3xi64>) -> tensor<2x3x4x128xi32>
    scale(0.125) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %batches = arith.constant 2 : index
  %heads = arith.constant 3 : index
  %queries = arith.constant 4 : index
  %zero_i32 = arith.constant 0 : i32
  %init = tensor.empty() : tensor<2x3x4x128xi32>
  %result = scf.for %b = %zero to %batches step %one iter_args(%codes_b = %init) -> (tensor<2x3x4x128xi32>) {
    %updated = scf.for %h = %zero to %heads step %one iter_args(%codes_h = %codes_b) -> (tensor<2x3x4x128xi32>) {
      %keys = tensor.extract_slice %k[%b, %h, 0, 0] [1, 1, 5, 128] [1, 1, 1, 1] : tensor<2x3x5x128xi8> to tensor<5x128xi8>
      %values = tensor.extract_slice %v[%b, %h, 0, 0] [1, 1, 5, 128] [1, 1, 1, 1] : tensor<2x3x5x128xi8> to tensor<5x128xi8>
      %bar = tensor.extract %thresholds[%b, %h] : tensor<2x3xi32>
      %multiplier = tensor.extract %multipliers[%b, %h] : tensor<2x3xi64>
      %bits = tensor.extract %shifts[%b, %h] : tensor<2x3xi64>
      %rows = scf.for %i = %zero to %queries step %one iter_args(%codes = %codes_h) -> (tensor<2x3x4x128xi32>) {
        %query = tensor.extract_slice %q[%b, %h, %i, 0] [1, 1, 1, 128] [1, 1, 1, 1] : tensor<2x3x4x128xi8> to tensor<1x128xi8>
        %empty = tensor.empty() : tensor<1x5xi32>
        %zeros = linalg.fill ins(%zero_i32 : i32) outs(%empty : tensor<1x5xi32>) -> tensor<1x5xi32>
        %query_1 = tensor.extract_slice %query[0, 0] [1, 64] [1, 1] : tensor<1x128xi8> to tensor<1x64xi8>
        %query_2 = tensor.extract_slice %query[0, 64] [1, 64] [1, 1] : tensor<1x128xi8> to tensor<1x64xi8>
        %keys_1 = tensor.extract_slice %keys[0, 0] [5, 64] [1, 1] : tensor<5x128xi8> to tensor<5x64xi8>
        %keys_2 = tensor.extract_slice %keys[0, 64] [5, 64] [1, 1] : tensor<5x128xi8> to tensor<5x64xi8>
        %low = sprint.crossbar_score ins(%query_1, %keys_1 : tensor<1x64xi8>, tensor<5x64xi8>) outs(%zeros : tensor<1x5xi32>)
            nibble(centred) -> tensor<1x5xi32>
        %scores = sprint.crossbar_score ins(%query_2, %keys_2 : tensor<1x64xi8>, tensor<5x64xi8>) outs(%low : tensor<1x5xi32>)
            nibble(centred) -> tensor<1x5xi32>
        %kept = sprint.prune %scores threshold(%bar) query(%i) of(%queries) : tensor<1x5xi32> -> tensor<1x5xi1>
        %indices, %owners = sprint.gather %kept : tensor<1x5xi1> -> tensor<?xindex>, tensor<1x?xi1>
        %row = tensor.extract_slice %codes[%b, %h, %i, 0] [1, 1, 1, 128] [1, 1, 1, 1] : tensor<2x3x4x128xi32> to tensor<1x128xi32>
        %output = sprint.recompute ins(%query, %keys, %values, %indices, %owners, %multiplier, %bits
            : tensor<1x128xi8>, tensor<5x128xi8>, tensor<5x128xi8>, tensor<?xindex>, tensor<1x?xi1>)
            outs(%row : tensor<1x128xi32>)
            widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x128xi32>
        %written = tensor.insert_slice %output into %codes[%b, %h, %i, 0] [1, 1, 1, 128] [1, 1, 1, 1] : tensor<1x128xi32> into tensor<2x3x4x128xi32>
        scf.yield %written : tensor<2x3x4x128xi32>
      } {sprint.schedule = #sprint.schedule<query_block = 1, lookahead = 1, residency = previous_query>}
      scf.yield %rows : tensor<2x3x4x128xi32>
    }
    scf.yield %updated : tensor<2x3x4x128xi32>
  }
  sprint.return %result : tensor<2x3x4x128xi32>
}
