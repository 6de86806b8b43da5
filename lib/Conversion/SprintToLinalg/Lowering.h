//===- Lowering.h - What the lowerings of Sprint ops share -------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_SPRINTTOLINALG_LOWERING_H
#define SPRINT_LIB_CONVERSION_SPRINTTOLINALG_LOWERING_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint::lowering {

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// An integer, index or float inside a body under construction. An operator builds the signed arith
/// op of that name; a C++ number beside a Scalar becomes a constant of the Scalar's type.
class Scalar {
public:
  Scalar(ImplicitLocOpBuilder &builder, Value value) : builder(&builder), value(value) {}

  operator Value() const { return value; }
  Type getType() const { return value.getType(); }
  ImplicitLocOpBuilder &getBuilder() const { return *builder; }

  /// Constants of this number's type.
  Scalar constant(int64_t number) const;
  Scalar constant(double number) const;
  /// `other` as a number of the same body.
  Scalar with(Value other) const { return {*builder, other}; }

  /// The same number in the wider `type`, or unchanged where it has that type.
  Scalar extend(Type type) const;
  /// The low bits of an integer.
  Scalar truncate(Type type) const;
  /// Quotient rounded towards minus infinity.
  Scalar floorDiv(Scalar divisor) const;
  Scalar atMost(int64_t bound) const;
  Scalar atLeast(int64_t bound) const;
  Scalar max(Scalar other) const;
  /// Element of a tensor that is not an operand of the body.
  Scalar elementOf(Value tensor, ValueRange indices) const;

private:
  ImplicitLocOpBuilder *builder;
  Value value;
};

Scalar operator+(Scalar lhs, Scalar rhs);
Scalar operator-(Scalar lhs, Scalar rhs);
Scalar operator*(Scalar lhs, Scalar rhs);
/// Of floats, or of integers that are not negative.
Scalar operator/(Scalar lhs, Scalar rhs);
Scalar operator<<(Scalar lhs, Scalar rhs);
/// Arithmetic shift.
Scalar operator>>(Scalar lhs, Scalar rhs);
Scalar operator&(Scalar lhs, Scalar rhs);
Scalar operator|(Scalar lhs, Scalar rhs);
/// Comparisons of integers are signed, those of floats ordered.
Scalar operator>=(Scalar lhs, Scalar rhs);
Scalar operator<(Scalar lhs, Scalar rhs);
Scalar operator==(Scalar lhs, Scalar rhs);

#define SPRINT_SCALAR_OPERATOR(op)                                                                 \
  inline Scalar operator op(Scalar lhs, int64_t rhs) { return lhs op lhs.constant(rhs); }          \
  inline Scalar operator op(int64_t lhs, Scalar rhs) { return rhs.constant(lhs) op rhs; }
SPRINT_SCALAR_OPERATOR(+)
SPRINT_SCALAR_OPERATOR(-)
SPRINT_SCALAR_OPERATOR(*)
SPRINT_SCALAR_OPERATOR(/)
SPRINT_SCALAR_OPERATOR(<<)
SPRINT_SCALAR_OPERATOR(>>)
SPRINT_SCALAR_OPERATOR(&)
SPRINT_SCALAR_OPERATOR(>=)
SPRINT_SCALAR_OPERATOR(<)
SPRINT_SCALAR_OPERATOR(==)
#undef SPRINT_SCALAR_OPERATOR

/// `condition ? ifTrue : ifFalse`.
Scalar select(Scalar condition, Scalar ifTrue, Scalar ifFalse);

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// In the place of a loop: the dimension has size 1, and its element is the same for all.
constexpr int64_t kBroadcast = -1;

/// A tensor and the loop that runs over each of its dimensions.
struct Indexed {
  Value tensor;
  SmallVector<int64_t, 4> loops;
};

/// A matrix `[B, columns]` or `[1, columns]` of which all rows of loop `row` have the one.
Indexed indexRows(Value matrix, int64_t row, int64_t column);

/// Builds the results' elements of a body from the operands' elements, inputs first.
using BodyBuilder =
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements)>;

/// A `linalg.generic` over as many nested loops as `inputs` and `outputs` name. A loop that runs
/// over no dimension of any output is a reduction.
SmallVector<Value> createGeneric(ImplicitLocOpBuilder &builder, ArrayRef<Indexed> inputs,
                                 ArrayRef<Indexed> outputs, BodyBuilder body);

/// The same with one output.
Value createGeneric(ImplicitLocOpBuilder &builder, ArrayRef<Indexed> inputs, const Indexed &output,
                    function_ref<Value(ImplicitLocOpBuilder &, ArrayRef<Scalar>)> body);

/// Counter of a loop of the generic whose body this is, an index.
Scalar loopCounter(ImplicitLocOpBuilder &body, int64_t loop);

/// Size of a dimension.
OpFoldResult sizeOf(ImplicitLocOpBuilder &builder, Value tensor, int64_t dim);

/// A tensor of these sizes, without contents.
Value createEmpty(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes, Type elementType);

/// A tensor of these sizes full of `element`.
Value createFilled(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes, TypedAttr element);

/// `value` with the static sizes of `type`; no op where it has them.
Value castTo(ImplicitLocOpBuilder &builder, Value value, Type type);

//===----------------------------------------------------------------------===//
// Numerics that several ops need
//===----------------------------------------------------------------------===//

/// Ends the run with `message` where `check` does not hold for an element of `tensor`.
void createAssertAll(ImplicitLocOpBuilder &builder, Value tensor,
                     function_ref<Scalar(Scalar element)> check, StringRef message);

/// Query heads that share a key head, from the numbers of both. Where they are not static, a run
/// ends whose key heads do not divide its heads.
OpFoldResult createGroup(ImplicitLocOpBuilder &builder, OpFoldResult heads, OpFoldResult keyHeads);

/// Whether each head has a key head of its own.
bool isOneToOne(OpFoldResult group);

/// Key head of head `head`, an index, where `group` heads share one.
Scalar keyHeadOf(Scalar head, OpFoldResult group);

/// Elements of a tensor of key heads `[B, G, ...]` in a generic over heads: an operand of the
/// generic where heads and key heads are one to one, else taken in its body.
class KeyHeadOperand {
public:
  /// `loops` run over the tensor's dimensions, but the second over heads.
  KeyHeadOperand(Value tensor, SmallVector<int64_t, 4> loops, OpFoldResult group)
      : indexed{tensor, std::move(loops)}, group(group) {}

  void addTo(SmallVectorImpl<Indexed> &inputs) const {
    if (isOneToOne(group))
      inputs.push_back(indexed);
  }
  /// The element, of `elements` the next one, if it is among them.
  Scalar take(ImplicitLocOpBuilder &body, ArrayRef<Scalar> &elements) const;

private:
  Indexed indexed;
  OpFoldResult group;
};

/// Index into the exponent tables, not yet clamped, of a difference of exact scores, an i64, with
/// the multiplier and shift of its head (docs/numerics.md, section 5, step 3).
Scalar tableIndex(Scalar delta, Value multiplier, Value shift);

/// What the band adds to a query's position to find its diagonal: 0, or keys - queries
/// (docs/numerics.md, section 4). An index.
Value createBandOffset(ImplicitLocOpBuilder &builder, BandAttr band, OpFoldResult keys,
                       OpFoldResult queries);

/// Whether `band`, or none, allows key `key` for the query whose diagonal lies at `diagonal`, its
/// position plus the band's offset.
Scalar isAllowed(BandAttr band, Scalar diagonal, Scalar key);

//===----------------------------------------------------------------------===//
// Patterns, one an op
//===----------------------------------------------------------------------===//

/// sprint.attention, sprint.fill_empty_rows.
void populateAttentionPatterns(RewritePatternSet &patterns);
/// sprint.quantize, sprint.quantize_at, sprint.quantize_bias, sprint.parameters, sprint.dequantize.
void populateQuantizationPatterns(RewritePatternSet &patterns);
/// sprint.crossbar_score, sprint.prune, sprint.allow, sprint.gather.
void populateSelectionPatterns(RewritePatternSet &patterns);
/// sprint.recompute.
void populateRecomputePatterns(RewritePatternSet &patterns);

/// How the machine that is attached around `launch` makes nibbles.
FailureOr<Nibble> getNibble(Operation *launch);

/// Codes of a launch, `[B, H, Sq, D]`, `[B, G, Sk, D]` and `[B, G, Sk, Dv]`, and their steps.
struct LaunchCodes {
  Value query, key, value;
  Value queryStep, keyStep;
};

/// The output codes that `program` gives: a call of the function that it becomes. Of the optional
/// inputs, floats in the order of their regions, those that there are not are null.
Value createProgramCall(ImplicitLocOpBuilder &builder, ProgramOp program, const LaunchCodes &codes,
                        ArrayRef<Value> optionalInputs);

/// Replaces caches whose programs run on the host by tensors of codes as long as their capacity, a
/// length and the steps, and their launches by calls as above. Those whose programs are commands
/// stay.
LogicalResult lowerCaches(ModuleOp module);

/// Replaces the programs of `module` and what is in them, sprint.attend and sprint.rows, by
/// functions, and their launches by calls between what quantises the operands and what turns codes
/// into floats.
LogicalResult lowerPrograms(ModuleOp module);

} // namespace mlir::sprint::lowering

#endif // SPRINT_LIB_CONVERSION_SPRINTTOLINALG_LOWERING_H
