//===- Head.cpp - Codes and masks of heads --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Head.h"
#include "Sequencer.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

using namespace sprint;

namespace {

/// Longest length and widest head: keys are counted in 32 bits, and an exact score of 2^16 channels
/// is below 2^31.
constexpr int64_t kMaxLength = int64_t(1) << 30;
/// Numbers of an operand or an output.
constexpr int64_t kMaxNumbers = int64_t(1) << 36;

std::string toText(const std::array<int64_t, 4> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

void checkSize(const char *name, const TensorView &tensor) {
  const auto &[batches, heads, tokens, channels] = tensor.shape;
  bool fits = batches >= 1 && heads >= 1 && tokens >= 1 && channels >= 1 && batches <= kMaxLength &&
              heads <= kMaxLength && tokens <= kMaxLength && channels <= kMaxChannels;
  if (!fits || __int128(batches) * heads * tokens * channels > kMaxNumbers)
    throw LaunchFailure{"expected " + std::string(name) +
                        " of positive sizes, at most 2^30 tokens, 2^16 channels and 2^36 numbers, "
                        "got " +
                        toText(tensor.shape)};
  if (!tensor.data)
    throw LaunchFailure{std::string(name) + " has no data"};
}

void checkEqual(const char *what, int64_t expected, int64_t got) {
  if (got != expected)
    throw LaunchFailure{"expected " + std::string(what) + " to be " + std::to_string(expected) +
                        ", got " + std::to_string(got)};
}

/// Checks the shape of an input against the sizes that its dimensions have where it is not the same
/// for all, of which the first three may be 1.
void checkInputShape(MemoryRegion region, const std::array<int64_t, 4> &full,
                     const std::array<int64_t, 4> &shape) {
  bool fits = shape[3] == full[3];
  for (size_t dim = 0; dim < 3; ++dim)
    fits &= shape[dim] == full[dim] || shape[dim] == 1;
  if (!fits)
    throw LaunchFailure{"expected the " + std::string(toString(region)) + " of shape " +
                        toText(full) + ", or 1 instead of the first three sizes, got " +
                        toText(shape)};
  if (__int128(shape[0]) * shape[1] * shape[2] * shape[3] > kMaxNumbers)
    throw LaunchFailure{"expected the " + std::string(toString(region)) +
                        " of at most 2^36 numbers, got " + toText(shape)};
}

/// All numbers of a tensor whose shape was checked.
template <typename View> auto numbersOf(const View &view) {
  const auto &[batches, heads, rows, keys] = view.shape;
  return std::span(view.data, static_cast<size_t>(batches * heads * rows * keys));
}

} // namespace

Operands::Operands(const LaunchOperands &operands, const Widths &widths)
    : tensors(operands), machineWidths(&widths) {
  const auto &[query, key, value, keyValid, mask, bias] = tensors;
  checkSize("the query", query);
  checkSize("the key", key);
  checkSize("the value", value);
  checkEqual("the batch size of the key", query.shape[0], key.shape[0]);
  if (query.shape[1] % key.shape[1] != 0)
    throw LaunchFailure{"expected the heads of the key to divide the " +
                        std::to_string(query.shape[1]) + " heads of the query, got " +
                        std::to_string(key.shape[1])};
  checkEqual("the channels of the key", query.shape[3], key.shape[3]);
  checkEqual("the batch size of the value", query.shape[0], value.shape[0]);
  checkEqual("the heads of the value", key.shape[1], value.shape[1]);
  checkEqual("the tokens of the value", key.shape[2], value.shape[2]);
  dimensions = {query.shape[0],
                query.shape[1],
                query.shape[2],
                key.shape[2],
                query.shape[3],
                value.shape[3],
                query.shape[1] / key.shape[1]};
  checkSize("the output",
            {query.data, {query.shape[0], query.shape[1], query.shape[2], value.shape[3]}});
  checkTokens();
  checkInputs();
  for (int64_t head = 0; head < heads(); ++head)
    querySteps.push_back(quantizationStep(headOf(query, head), widths));
  for (int64_t head = 0; head < keyHeads(); ++head)
    tokenSteps.emplace_back(quantizationStep(headOf(key, head), widths),
                            quantizationStep(headOf(value, head), widths));
}

void Operands::checkTokens() const {
  const std::pair<const char *, const TensorView &> named[] = {
      {"the query", tensors.query}, {"the key", tensors.key}, {"the value", tensors.value}};
  for (const auto &[name, tensor] : named) {
    int64_t perBatch = tensor.shape[1];
    for (int64_t head = 0; head < dimensions.batches * perBatch; ++head)
      if (!allFinite(headOf(tensor, head)))
        throw LaunchFailure{"expected finite numbers, got NaN or infinity in " + std::string(name) +
                            " of batch " + std::to_string(head / perBatch) + ", head " +
                            std::to_string(head % perBatch)};
  }
}

void Operands::checkInputs() const {
  const auto &[batches, heads, queries, keys, headDim, valueDim, group] = dimensions;
  if (brings(MemoryRegion::KeyValid) &&
      tensors.keyValid.shape != std::array<int64_t, 4>{batches, 1, 1, keys})
    throw LaunchFailure{"expected the key_valid of shape " + std::to_string(batches) + "x" +
                        std::to_string(keys) + ", got " +
                        std::to_string(tensors.keyValid.shape[0]) + "x" +
                        std::to_string(tensors.keyValid.shape[3])};
  const std::array<int64_t, 4> full = {batches, heads, queries, keys};
  if (brings(MemoryRegion::Mask))
    checkInputShape(MemoryRegion::Mask, full, tensors.mask.shape);
  if (brings(MemoryRegion::Bias))
    checkInputShape(MemoryRegion::Bias, full, tensors.bias.shape);
  const std::pair<MemoryRegion, const MaskView &> named[] = {
      {MemoryRegion::KeyValid, tensors.keyValid}, {MemoryRegion::Mask, tensors.mask}};
  for (const auto &[region, view] : named)
    if (view.data && !areBooleans(numbersOf(view)))
      throw LaunchFailure{"expected bytes of 0 or 1 in the " + std::string(toString(region)) +
                          ", got others"};
  if (tensors.bias.data && !areBiases(numbersOf(tensors.bias)))
    throw LaunchFailure{"expected finite numbers or minus infinity in the bias, got NaN or plus "
                        "infinity"};
}

std::span<const float> Operands::headOf(const TensorView &tensor, int64_t head) {
  int64_t size = tensor.shape[2] * tensor.shape[3];
  return {tensor.data + head * size, static_cast<size_t>(size)};
}

std::vector<int8_t> Operands::queryCodes(int64_t head) const {
  return quantize(headOf(tensors.query, head), querySteps[head], widths());
}

std::vector<int8_t> Operands::keyCodes(int64_t keyHead) const {
  return quantize(headOf(tensors.key, keyHead), tokenSteps[keyHead].first, widths());
}

std::vector<int8_t> Operands::valueCodes(int64_t keyHead) const {
  return quantize(headOf(tensors.value, keyHead), tokenSteps[keyHead].second, widths());
}

bool Operands::brings(MemoryRegion region) const {
  switch (region) {
  case MemoryRegion::KeyValid:
    return tensors.keyValid.data;
  case MemoryRegion::Mask:
    return tensors.mask.data;
  case MemoryRegion::Bias:
    return tensors.bias.data;
  case MemoryRegion::Query:
  case MemoryRegion::Key:
  case MemoryRegion::Value:
    break;
  }
  return false;
}

int64_t Operands::inputRows(MemoryRegion region) const {
  if (region == MemoryRegion::Bias)
    return tensors.bias.shape[2];
  return region == MemoryRegion::Mask ? tensors.mask.shape[2] : 1;
}

int64_t Operands::rowOf(const std::array<int64_t, 4> &shape, int64_t head, int64_t query) const {
  int64_t batch = shape[0] == 1 ? 0 : head / dimensions.heads;
  int64_t inBatch = shape[1] == 1 ? 0 : head % dimensions.heads;
  return (batch * shape[1] + inBatch) * shape[2] + (shape[2] == 1 ? 0 : query);
}

int64_t Operands::inputRow(MemoryRegion region, int64_t head, int64_t query) const {
  if (region == MemoryRegion::KeyValid)
    return head / dimensions.heads;
  if (region == MemoryRegion::Mask)
    return rowOf(tensors.mask.shape, head, query);
  // The codes depend on the head's steps, even where the bias is the same for all.
  int64_t rows = tensors.bias.shape[2];
  return head * rows + (rows == 1 ? 0 : query);
}

std::optional<MemoryRegion> Operands::findStale(const InputRows &rows, int64_t head,
                                                int64_t query) const {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (brings(region) && rows[static_cast<size_t>(region)] != inputRow(region, head, query))
      return region;
  return std::nullopt;
}

std::span<const uint8_t> Operands::maskRow(MemoryRegion region, int64_t head, int64_t query) const {
  const MaskView &view = region == MemoryRegion::KeyValid ? tensors.keyValid : tensors.mask;
  return {view.data + rowOf(view.shape, head, query) * dimensions.keys,
          static_cast<size_t>(dimensions.keys)};
}

std::span<const float> Operands::biasRow(int64_t head, int64_t query) const {
  return {tensors.bias.data + rowOf(tensors.bias.shape, head, query) * dimensions.keys,
          static_cast<size_t>(dimensions.keys)};
}

void MaskRegisters::load(MemoryRegion region, int64_t head, int64_t query) {
  int64_t row = operands.inputRow(region, head, query);
  int64_t &last = loadedRows[static_cast<size_t>(region)];
  if (last == row)
    return;
  last = row;
  if (region != MemoryRegion::Bias) {
    (region == MemoryRegion::Mask ? loaded.mask : loaded.keyValid) =
        operands.maskRow(region, head, query);
    return;
  }
  HeadSteps steps = operands.steps(head);
  biasCodes.resize(operands.shape().keys);
  loaded.biasLogits = operands.biasRow(head, query);
  quantizeBiases(loaded.biasLogits, exactUnit(scale, steps.query, steps.key), biasCodes);
  loaded.bias = biasCodes;
  loaded.reach = biasReach(headParameters(scale, steps.query, steps.key, /*theta=*/0),
                           operands.shape().headDim);
}

void MaskRegisters::loadAll(int64_t head, int64_t query) {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (operands.brings(region))
      load(region, head, query);
}

/// Calls `visitKey` for every key of the range, with whether key_valid and mask allow it and its
/// bias is at least `leastBias`.
template <typename Visit>
static void forEachKey(int64_t first, int64_t last, const RowMasks &masks, int64_t leastBias,
                       Visit visitKey) {
  // Which masks there are is settled outside of the loop over keys.
  auto visit = [&](auto keyValid, auto mask, auto bias) {
    for (int64_t key = first; key < last; ++key) {
      bool isAllowed = true;
      if constexpr (keyValid())
        isAllowed &= masks.keyValid[key];
      if constexpr (mask())
        isAllowed &= masks.mask[key];
      if constexpr (bias())
        isAllowed &= masks.bias[key] >= leastBias;
      visitKey(key, isAllowed);
    }
  };
  auto choose = [](bool isThere, auto next) {
    isThere ? next(std::true_type()) : next(std::false_type());
  };
  choose(!masks.keyValid.empty(), [&](auto keyValid) {
    choose(!masks.mask.empty(), [&](auto mask) {
      choose(!masks.bias.empty(), [&](auto bias) { visit(keyValid, mask, bias); });
    });
  });
}

void sprint::appendAllowed(int64_t first, int64_t last, const RowMasks &masks,
                           std::vector<uint32_t> &list) {
  int64_t leastBias = kMaskedBias;
  if (!masks.bias.empty()) {
    int32_t largest = kMaskedBias;
    forEachKey(first, last, masks, kMaskedBias, [&](int64_t key, bool isAllowed) {
      largest = isAllowed ? std::max(largest, masks.bias[key]) : largest;
    });
    leastBias = std::max<int64_t>(int64_t(kMaskedBias) + 1, largest - masks.reach);
  }
  size_t count = list.size();
  list.resize(count + static_cast<size_t>(last - first));
  forEachKey(first, last, masks, leastBias, [&](int64_t key, bool isAllowed) {
    list[count] = static_cast<uint32_t>(key);
    count += isAllowed;
  });
  list.resize(count);
}

bool sprint::areMaskedByFiniteBias(int64_t first, int64_t last, const RowMasks &masks) {
  if (masks.bias.empty())
    return false;
  bool isFinite = false;
  forEachKey(first, last, masks, kMaskedBias, [&](int64_t key, bool isAllowed) {
    isFinite |= isAllowed && std::isfinite(masks.biasLogits[key]);
  });
  return isFinite;
}

void AllowedScores::assign(std::span<const int32_t> scores, int64_t first, const RowMasks &masks) {
  this->first = first;
  isMasked = !masks.isEmpty();
  if (!isMasked) {
    allowed = scores;
    return;
  }
  keys.clear();
  appendAllowed(first, first + static_cast<int64_t>(scores.size()), masks, keys);
  maskedScores.resize(keys.size());
  for (size_t index = 0; index < keys.size(); ++index)
    maskedScores[index] = scores[keys[index] - first];
  if (!masks.bias.empty())
    for (size_t index = 0; index < keys.size(); ++index)
      maskedScores[index] += approximateBias(masks.bias[keys[index]]);
  allowed = maskedScores;
}

void AllowedScores::appendKept(int64_t threshold, std::vector<uint32_t> &list) const {
  size_t begin = list.size();
  sprint::appendKept(allowed, threshold, isMasked ? 0 : static_cast<uint32_t>(first), list);
  if (isMasked)
    for (size_t index = begin; index < list.size(); ++index)
      list[index] = keys[list[index]];
}

ApproximateScores::ApproximateScores(std::span<const int8_t> queryCodes,
                                     std::span<const int8_t> keyCodes, int64_t channels,
                                     Nibble nibble)
    : keys(keyCodes, channels, nibble), channels(channels) {
  queries.reserve(queryCodes.size());
  for (int8_t code : queryCodes)
    queries.push_back(highNibble(code, nibble));
  isTileDone.resize(keys.tiles());
  scores.resize(kBlockQueries * keys.tiles() * kTileKeys);
}

std::span<const int32_t> ApproximateScores::row(int64_t query, int64_t first, int64_t last) {
  int64_t begin = query - query % kBlockQueries;
  if (begin != blockBegin) {
    blockBegin = begin;
    std::ranges::fill(isTileDone, 0);
  }
  int64_t end =
      std::min<int64_t>(begin + kBlockQueries, static_cast<int64_t>(queries.size()) / channels);
  int64_t stride = keys.tiles() * kTileKeys;
  for (int64_t tile = first / kTileKeys; tile * kTileKeys < last; ++tile) {
    if (isTileDone[tile])
      continue;
    isTileDone[tile] = 1;
    for (int64_t other = begin; other < end; ++other)
      keys.scores(queries.data() + other * channels, tile,
                  scores.data() + (other - begin) * stride + tile * kTileKeys);
  }
  return {scores.data() + (query - begin) * stride + first, static_cast<size_t>(last - first)};
}
