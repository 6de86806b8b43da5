//===- Numerics.h - Arithmetic of a launch -----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of docs/numerics.md, whose section numbers the comments give.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_NUMERICS_H
#define SPRINTRUNTIME_LIB_KERNELS_NUMERICS_H

#include "InnerLoops.h"
#include "SprintRuntime/Buffer.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/NumericsConstants.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// Threshold and requantisation of one head (section 3).
struct HeadParameters {
  int64_t threshold = 0;
  int64_t multiplier = 0;
  int shift = 0;
};

/// Whether there is neither a NaN nor an infinity among `values`.
bool allFinite(std::span<const float> values);

/// Whether there is neither a NaN nor plus infinity among biases.
bool areBiases(std::span<const float> values);

/// Whether every byte is 0 or 1.
bool areBooleans(std::span<const uint8_t> values);

/// The step of one head (section 2).
float quantizationStep(std::span<const float> values, const Widths &widths);

/// The codes of one head at `step` (section 2).
std::vector<int8_t> quantize(std::span<const float> values, float step, const Widths &widths);

/// The codes of one head at `step` that saturate: those that the limit clamps (section 2).
int64_t countSaturated(std::span<const float> values, float step, const Widths &widths);

/// Logits in one unit of exact score: `lambda` of section 3.
double exactUnit(double scale, float queryStep, float keyStep);

/// Logits in one unit of approximate score: `unit` of section 3.
double approximateUnit(double scale, float queryStep, float keyStep);

/// The integer threshold of a threshold in logits (section 3).
int64_t integerThreshold(float theta, double unit);

/// The parameters of a head (section 3).
HeadParameters headParameters(double scale, float queryStep, float keyStep, float theta);

/// The codes of biases in logits (section 3); `lambda` is that of their head. `codes` is as long as
/// `biases`.
void quantizeBiases(std::span<const float> biases, double lambda, std::span<int32_t> codes);

/// How far the code of a bias may lie below the largest of the row's allowed keys without masking
/// its key (section 4).
int64_t biasReach(const HeadParameters &parameters, int64_t headDim);

/// What a code of a bias, other than kMaskedBias, adds to an approximate score (section 4).
inline int32_t approximateBias(int32_t code) {
  return static_cast<int32_t>((code + kApproximateUnit / 2) >> (2 * kLowNibbleBits));
}

/// Retries of a row whose largest allowed approximate score is `maximum` (section 4).
int retriesOf(int64_t threshold, int64_t maximum);

/// The threshold after `retries` retries (section 4).
inline int64_t loweredThreshold(int64_t threshold, int retries) {
  return threshold - ((int64_t(1) << retries) - 1);
}

/// The largest of `scores`, which is not empty.
int32_t largestScore(std::span<const int32_t> scores);

/// The codes of a head's keys, as exact scores take them.
class KeyCodes {
public:
  KeyCodes(std::span<const int8_t> codes, int64_t channels);

  /// Exact scores of the listed keys, without biases (section 5, step 1). Returns their maximum;
  /// the list is not empty.
  int32_t exactScores(const int8_t *query, std::span<const uint32_t> list, int32_t *scores,
                      const InnerLoops &loops = fastestLoops()) const {
    return loops.exactScores(query, codes.data(), channels, list, scores);
  }

private:
  int64_t channels;
  /// InnerLoops::exactScores says how.
  Buffer<uint8_t> codes;
};

/// Weights of a row: exponents (section 5, steps 2 to 4), with early division probabilities (step
/// 6). Returns the sum `Z` of the exponents.
int64_t weights(std::span<const int32_t> scores, int32_t maximum, const HeadParameters &parameters,
                const Widths &widths, uint32_t *result, const InnerLoops &loops = fastestLoops());

/// Weighted sums `N` of the listed values (section 5, step 6), without the clamping; `sums` has
/// `channels` entries.
void weightedSums(const int8_t *values, int64_t channels, std::span<const uint32_t> list,
                  const uint32_t *weights, int64_t *sums, const InnerLoops &loops = fastestLoops());

/// The output code of a weighted sum (section 5, step 6).
int32_t outputCode(int64_t sum, int64_t exponentSum, const Widths &widths);

/// The output codes of weighted sums.
void outputCodes(std::span<const int64_t> sums, int64_t exponentSum, const Widths &widths,
                 int32_t *codes, const InnerLoops &loops = fastestLoops());

/// The output of a code (section 5, step 7).
inline float dequantize(int32_t code, float valueStep) {
  return (static_cast<float>(code) * 0x1p-16f) * valueStep;
}

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_NUMERICS_H
