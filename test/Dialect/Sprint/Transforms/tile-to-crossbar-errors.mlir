// RUN: sprint-opt %s --sprint-attach-machine --sprint-tile-to-crossbar --split-input-file --verify-diagnostics

func.func @dynamic_head(%q: tensor<1x?xi8>, %k: tensor<4x?xi8>, %zero: tensor<1x4xi32>) -> tensor<1x4xi32> {
  // expected-error @below {{expected a static head dimension to tile}}
  %a = sprint.crossbar_score ins(%q, %k : tensor<1x?xi8>, tensor<4x?xi8>) outs(%zero : tensor<1x4xi32>)
      nibble(centred) -> tensor<1x4xi32>
  return %a : tensor<1x4xi32>
}

// -----

func.func @too_long(%q: tensor<1x8193xi8>, %k: tensor<4x8193xi8>, %zero: tensor<1x4xi32>) -> tensor<1x4xi32> {
  // expected-error @below {{expected a head dimension of at most 8192, one key to an array, got 8193}}
  %a = sprint.crossbar_score ins(%q, %k : tensor<1x8193xi8>, tensor<4x8193xi8>) outs(%zero : tensor<1x4xi32>)
      nibble(centred) -> tensor<1x4xi32>
  return %a : tensor<1x4xi32>
}
