// RUN: sprint-opt %s --sprint-host-check-lowered --split-input-file --verify-diagnostics

llvm.func @lowered(%a: i64) -> i64 {
  llvm.return %a : i64
}

// -----

llvm.func @cast(%a: i64) {
  // expected-error @below {{expected ops that the host can run, got 'builtin.unrealized_conversion_cast'}}
  %0 = builtin.unrealized_conversion_cast %a : i64 to index
  llvm.unreachable
}
