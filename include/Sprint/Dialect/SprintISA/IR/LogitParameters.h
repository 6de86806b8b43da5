//===- LogitParameters.h - Scales and thresholds of ops ----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops of both dialects carry the scale of the logits and the thresholds of the heads
// (docs/numerics.md, section 1). Here are their assembly, as `custom<Scale>` and
// `custom<Thresholds>`, and their checks.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_LOGITPARAMETERS_H
#define SPRINT_DIALECT_SPRINTISA_IR_LOGITPARAMETERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpImplementation.h"

#include <optional>

namespace mlir::sprint_isa {

/// scale ::= float-literal
ParseResult parseScale(OpAsmParser &parser, FloatAttr &scale);

/// Prints as many digits as it takes to read back the same number.
void printScale(OpAsmPrinter &printer, Operation *op, FloatAttr scale);

/// thresholds ::= `[` (float-literal (`,` float-literal)*)? `]`
/// Infinities are their bits in hexadecimal digits, as in float attributes, which the upstream
/// syntax of arrays does not read.
ParseResult parseThresholds(OpAsmParser &parser, DenseF32ArrayAttr &thresholds);
void printThresholds(OpAsmPrinter &printer, Operation *op, DenseF32ArrayAttr thresholds);

/// Checks that a scale is positive and between 2^-100 and 2^100.
LogicalResult verifyScale(Operation *op, const APFloat &scale);

/// Checks that there are no thresholds, one, or one for each head, and that none is NaN. `heads` is
/// empty where their number is known only to the launch, which then takes one threshold.
LogicalResult verifyThresholds(Operation *op, std::optional<ArrayRef<float>> thresholds,
                               std::optional<int64_t> heads);

} // namespace mlir::sprint_isa

#endif // SPRINT_DIALECT_SPRINTISA_IR_LOGITPARAMETERS_H
