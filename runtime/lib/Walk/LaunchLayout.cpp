//===- LaunchLayout.cpp - Sizes of a launch's tensors ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchLayout.h"
#include "Sequencer.h"
#include "SprintRuntime/NumericsConstants.h"

#include <algorithm>
#include <span>
#include <string>

using namespace sprint;

namespace {

/// Numbers of an operand or an output.
constexpr int64_t kMaxNumbers = int64_t(1) << 36;

std::string nameOf(MemoryRegion region) { return "the " + std::string(toString(region)); }

/// Bytes of an element on the host, where a boolean takes one.
int64_t bytesOf(ElementType type) { return (bitsOf(type) + 7) / 8; }

/// The sizes of an input.
std::span<const int64_t> shapeOf(const LaunchTensor &input, const InputView &view) {
  return std::span(view.shape).first(input.dimensions.size());
}

/// Checks that sizes of `dimensions` are positive, and that none is too large.
void checkSize(const std::string &name, std::span<const TensorDimension> dimensions,
               std::span<const int64_t> shape) {
  bool fits = true;
  __int128 count = 1;
  std::string text;
  for (size_t index = 0; index < shape.size(); ++index) {
    Dimension dimension = dimensions[index].dimension;
    bool areChannels = dimension == Dimension::D || dimension == Dimension::Dv;
    fits &= shape[index] >= 1 && shape[index] <= (areChannels ? kMaxChannels : kMaxLength);
    // Stays far below what overflows.
    count = fits && count <= kMaxNumbers ? count * shape[index] : kMaxNumbers + 1;
    text += (text.empty() ? "" : "x") + std::to_string(shape[index]);
  }
  if (!fits || count > kMaxNumbers)
    throw LaunchFailure{"expected " + name +
                        " of positive sizes, at most 2^30 tokens, 2^16 channels and 2^36 numbers, "
                        "got " +
                        text};
}

} // namespace

std::string sprint::contentOf(MemoryRegion region) {
  const LaunchTensor &input = inputOf(region);
  bool areBits = input.deviceElement == ElementType::I1;
  bool areCodes = input.deviceElement != input.hostElement;
  return std::string(sprint::toString(region)) + (areBits    ? " bits"
                                                  : areCodes ? " codes"
                                                             : " numbers");
}

LaunchLayout::LaunchLayout(const LaunchOperands &operands, int64_t past) {
  measure(operands, past);
}

void LaunchLayout::measure(const LaunchOperands &operands, int64_t past) {
  // Required inputs stand first, and give every dimension its size.
  std::array<int64_t, kNumDimensions> sizes{};
  for (MemoryRegion region : enumerators<MemoryRegion>) {
    const LaunchTensor &input = inputOf(region);
    const InputView &view = operands[region];
    isThere[static_cast<size_t>(region)] = view.data;
    shapes[static_cast<size_t>(region)] = view.shape;
    if (input.isOptional && !view.data)
      continue;
    checkSize(nameOf(region), input.dimensions, shapeOf(input, view));
    for (size_t index = 0; index < input.dimensions.size(); ++index) {
      auto [dimension, mayBeOne] = input.dimensions[index];
      int64_t &known = sizes[static_cast<size_t>(dimension)];
      // Of keys and values the cache has some.
      int64_t beside = dimension == Dimension::Sk && !input.isOptional ? past : 0;
      int64_t size = view.shape[index] + beside;
      if (known == 0)
        known = size;
      if (size != known && !(mayBeOne && size == 1))
        throw LaunchFailure{"expected dimension " + std::to_string(index) + " (" +
                            std::string(toString(dimension)) + ") of " + nameOf(region) +
                            " to be " + (mayBeOne ? "1 or " : "") + std::to_string(known - beside) +
                            ", got " + std::to_string(view.shape[index])};
    }
    if (!view.data)
      throw LaunchFailure{nameOf(region) + " has no data"};
  }
  dimensions.past = past;
  if (sizes[static_cast<size_t>(Dimension::Sk)] > kMaxLength)
    throw LaunchFailure{"expected at most 2^30 keys, got " +
                        std::to_string(sizes[static_cast<size_t>(Dimension::Sk)])};
  for (size_t index = 0; index < kNumLaunchParameters; ++index) {
    const LaunchParameterInfo &parameter = launchParameters[index];
    if (!parameter.dimension)
      continue;
    int64_t size = sizes[static_cast<size_t>(*parameter.dimension)];
    if (parameter.divisor) {
      int64_t divisor = sizes[static_cast<size_t>(*parameter.divisor)];
      if (size % divisor != 0)
        throw LaunchFailure{"expected " + std::string(toString(*parameter.dimension)) +
                            " to be a multiple of " + std::string(toString(*parameter.divisor)) +
                            " = " + std::to_string(divisor) + ", got " + std::to_string(size)};
      size /= divisor;
    }
    dimensions.*launchSizeMembers[index] = size;
  }
  constexpr TensorDimension kOutput[] = {
      {Dimension::B, false}, {Dimension::H, false}, {Dimension::Sq, false}, {Dimension::Dv, false}};
  checkSize(
      "the output", kOutput,
      std::array{dimensions.batches, dimensions.heads, dimensions.queries, dimensions.valueDim});
}

int64_t LaunchLayout::inputRows(MemoryRegion region) const {
  std::span<const TensorDimension> of = inputOf(region).dimensions;
  for (size_t index = 0; index < of.size(); ++index)
    if (of[index].dimension == Dimension::Sq)
      return shapes[static_cast<size_t>(region)][index];
  return 1;
}

int64_t LaunchLayout::rowOf(MemoryRegion region, int64_t head, int64_t query) const {
  std::span<const TensorDimension> of = inputOf(region).dimensions;
  int64_t row = 0;
  for (size_t index = 0; index < of.size(); ++index) {
    int64_t size = shapes[static_cast<size_t>(region)][index];
    switch (of[index].dimension) {
    case Dimension::B:
      row = row * size + (size == 1 ? 0 : head / dimensions.heads);
      break;
    case Dimension::H:
      row = row * size + (size == 1 ? 0 : head % dimensions.heads);
      break;
    case Dimension::Sq:
      row = row * size + (size == 1 ? 0 : query);
      break;
    default:
      break; // Inside of rows.
    }
  }
  return row;
}

int64_t LaunchLayout::inputRow(MemoryRegion region, int64_t head, int64_t query) const {
  if (inputOf(region).hostElement == inputOf(region).deviceElement)
    return rowOf(region, head, query);
  // The codes depend on the head's steps, even where the numbers are the same for all.
  int64_t rows = inputRows(region);
  return head * rows + (rows == 1 ? 0 : query);
}

int64_t LaunchLayout::numbers(MemoryRegion region) const {
  int64_t count = 1;
  for (size_t index = 0; index < inputOf(region).dimensions.size(); ++index)
    count *= shapes[static_cast<size_t>(region)][index];
  return count;
}

int64_t LaunchLayout::quadraticBytes() const {
  int64_t bytes = 0;
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (brings(region) && inputRows(region) != 1 && inputOf(region).has(Dimension::Sk))
      bytes += bytesOf(inputOf(region).hostElement) * numbers(region);
  return bytes;
}

std::optional<MemoryRegion> LaunchLayout::findStale(const InputRows &rows, int64_t head,
                                                    int64_t query) const {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (brings(region) && rows[static_cast<size_t>(region)] != inputRow(region, head, query))
      return region;
  return std::nullopt;
}
