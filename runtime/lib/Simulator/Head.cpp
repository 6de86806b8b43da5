//===- Head.cpp - Codes of one head ---------------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Head.h"
#include "Sequencer.h"

#include <algorithm>

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

} // namespace

Operands::Operands(const TensorView &query, const TensorView &key, const TensorView &value,
                   const Widths &widths)
    : query(query), key(key), value(value), machineWidths(&widths) {
  checkSize("the query", query);
  checkSize("the key", key);
  checkSize("the value", value);
  checkEqual("the batch size of the key", query.shape[0], key.shape[0]);
  checkEqual("the heads of the key", query.shape[1], key.shape[1]);
  checkEqual("the channels of the key", query.shape[3], key.shape[3]);
  checkEqual("the batch size of the value", query.shape[0], value.shape[0]);
  checkEqual("the heads of the value", query.shape[1], value.shape[1]);
  checkEqual("the tokens of the value", key.shape[2], value.shape[2]);
  dimensions = {query.shape[0], query.shape[1], query.shape[2],
                key.shape[2],   query.shape[3], value.shape[3]};
  checkSize("the output",
            {query.data, {query.shape[0], query.shape[1], query.shape[2], value.shape[3]}});

  const std::pair<const char *, const TensorView &> tensors[] = {
      {"the query", query}, {"the key", key}, {"the value", value}};
  allSteps.resize(heads());
  for (int64_t head = 0; head < heads(); ++head) {
    for (const auto &[name, tensor] : tensors)
      if (!allFinite(headOf(tensor, head)))
        throw LaunchFailure{"expected finite numbers, got NaN or infinity in " + std::string(name) +
                            " of batch " + std::to_string(head / dimensions.heads) + ", head " +
                            std::to_string(head % dimensions.heads)};
    allSteps[head] = {quantizationStep(headOf(query, head), widths),
                      quantizationStep(headOf(key, head), widths),
                      quantizationStep(headOf(value, head), widths)};
  }
}

std::span<const float> Operands::headOf(const TensorView &tensor, int64_t head) {
  int64_t size = tensor.shape[2] * tensor.shape[3];
  return {tensor.data + head * size, static_cast<size_t>(size)};
}

std::vector<int8_t> Operands::queryCodes(int64_t head, int64_t &saturated) const {
  return quantize(headOf(query, head), steps(head).query, widths(), saturated);
}

std::vector<int8_t> Operands::keyCodes(int64_t head, int64_t &saturated) const {
  return quantize(headOf(key, head), steps(head).key, widths(), saturated);
}

std::vector<int8_t> Operands::valueCodes(int64_t head, int64_t &saturated) const {
  return quantize(headOf(value, head), steps(head).value, widths(), saturated);
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
