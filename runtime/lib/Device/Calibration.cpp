//===- Calibration.cpp - Thresholds from what they keep -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Calibration.h"
#include "Kernels/AllowedScores.h"
#include "Kernels/ApproximateScores.h"
#include "MaskRegisters.h"
#include "SprintRuntime/Messages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <span>

using namespace sprint;

using Curves = Calibration::Curves;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Largest product of two high nibbles.
constexpr int64_t kMaxNibbleProduct = 64;
/// What a bias can add to an approximate score at most.
constexpr double kMaxApproximateBias = static_cast<double>(kMaxBias / kApproximateUnit);
/// How far beyond the largest possible score of a batch element thresholds are tried for the sake
/// of others with larger steps, as a multiple of that score. More would cost much, and every row of
/// that batch element has retried long before.
constexpr int64_t kReach = 4;
/// Units of mass in the softmax of one row. Sums of integers do not depend on their order.
constexpr double kRowMass = 0x1p32;
/// Most rows of a head, so that the sums of their masses fit 64 bits.
constexpr int64_t kMaxRows = int64_t(1) << 30;
/// Mantissa bits that thresholds of several launches keep.
constexpr int kGridBits = 10;

/// The keys of one row that a `threshold` command looks at.
struct ThresholdedRow {
  int64_t query;
  int64_t first;
  int64_t last;
};

/// The rows of each head, in the order in which a program thresholds them.
class ThresholdedRows {
public:
  ThresholdedRows(const DecodedProgram &program, const Operands &operands)
      : shape(operands.shape()), rows(operands.heads()), isSeen(operands.heads() * shape.queries) {
    for (const DecodedUnit &unit : program.units()) {
      if (unit.unit != MachineUnit::Select)
        continue;
      Cursor cursor(program, unit);
      while (!cursor.isDone())
        std::visit([&](const auto &command) { run(cursor, command); }, cursor.command());
    }
  }

  const std::vector<ThresholdedRow> &of(int64_t head) const { return rows[head]; }

private:
  void run(Cursor &cursor, const LoopCommand &command) { cursor.beginLoop(command); }
  void run(Cursor &cursor, const EndLoopCommand &) { cursor.endLoop(); }
  void run(Cursor &cursor, const CopyQueryCommand &command) {
    query = cursor.evaluate(command.query);
    cursor.advance();
  }
  void run(Cursor &cursor, const ThresholdCommand &command) {
    int64_t batch = cursor.evaluate(command.batch);
    int64_t head = cursor.evaluate(command.head);
    if (batch < 0 || batch >= shape.batches || head < 0 || head >= shape.heads || query < 0 ||
        query >= shape.queries)
      throw LaunchFailure{cursor.place() + ": expected a row of the launch"};
    int64_t index = batch * shape.heads + head;
    uint8_t &seen = isSeen[index * shape.queries + query];
    if (seen)
      throw LaunchFailure{cursor.place() + ": thresholds a row twice"};
    seen = 1;
    int64_t first = std::clamp<int64_t>(cursor.evaluate(command.first), 0, shape.keys);
    int64_t last = std::clamp<int64_t>(cursor.evaluate(command.last), first, shape.keys);
    rows[index].push_back({query, first, last});
    cursor.advance();
  }
  /// Other commands do not say which rows are thresholded.
  template <typename Other> void run(Cursor &cursor, const Other &) { cursor.advance(); }

  const LaunchShape &shape;
  std::vector<std::vector<ThresholdedRow>> rows;
  std::vector<uint8_t> isSeen;
  int64_t query = -1;
};

/// Scores and their mass.
struct Amount {
  int64_t scores = 0;
  int64_t mass = 0;

  Amount &operator+=(const Amount &other) {
    scores += other.scores;
    mass += other.mass;
    return *this;
  }
};

/// What one head of one batch element drops, by integer threshold.
class DropCurve {
public:
  /// Of scores from `lowest` on, for thresholds up to `highest`.
  DropCurve(double unit, int64_t lowest, int64_t highest)
      : unit(unit), lowest(lowest), highest(highest), changes(highest - lowest + 1) {}

  /// Adds a row of at least one allowed score. `masses` has one a score, or is empty.
  void addRow(std::span<const int32_t> scores, std::span<const int64_t> masses);
  /// Adds the curve to that of its head.
  void addTo(Curves::Head &head) const;

private:
  void add(int64_t threshold, const Amount &amount) { changes[threshold - lowest] += amount; }

  double unit;
  int64_t lowest;
  int64_t highest;
  /// What is dropped more at a threshold, which begins with `lowest`, than at the one below.
  std::vector<Amount> changes;
  int64_t allowed = 0;
  int64_t rows = 0;
};

void DropCurve::addRow(std::span<const int32_t> scores, std::span<const int64_t> masses) {
  ++rows;
  allowed += static_cast<int64_t>(scores.size());
  int64_t best = largestScore(scores);
  // Up to the best score, a threshold drops the scores below it. From `best + 2^(r - 1)` to
  // `best + 2^r - 1` the row retries r times, which lowers the threshold by `2^r - 1`: there it
  // goes once more from `best - 2^(r - 1) + 1` to `best`.
  std::array<Amount, 64> byWidth{};
  for (size_t index = 0; index < scores.size(); ++index) {
    int64_t score = scores[index];
    if (score == best)
      continue;
    Amount one = {1, masses.empty() ? 0 : masses[index]};
    int width = std::bit_width(static_cast<uint64_t>(best - score));
    byWidth[width] += one;
    add(score + 1, one);
    for (int retries = width + 1; score + (int64_t(1) << retries) <= highest; ++retries)
      add(score + (int64_t(1) << retries), one);
  }
  Amount kept;
  for (int retries = 1; best + (int64_t(1) << (retries - 1)) <= highest; ++retries) {
    kept += byWidth[retries - 1];
    add(best + (int64_t(1) << (retries - 1)), {-kept.scores, -kept.mass});
  }
}

void DropCurve::addTo(Curves::Head &head) const {
  if (rows == 0)
    return;
  head.allowed += allowed;
  head.rows += rows;
  head.unit = std::min(head.unit, unit);
  head.reach = std::min(head.reach, static_cast<double>(highest) * unit);
  for (size_t index = 0; index < changes.size(); ++index)
    if (changes[index].scores != 0 || changes[index].mass != 0)
      head.steps.push_back({static_cast<double>(lowest + static_cast<int64_t>(index) - 1) * unit,
                            changes[index].scores, changes[index].mass});
}

/// The keys' parts of the softmax of a row, in units that sum up to kRowMass. They are rounded up,
/// so that what is left after dropping some is no less than it is taken for.
class RowMasses {
public:
  RowMasses(const Operands &operands, int64_t head, std::span<const int8_t> queryCodes,
            std::span<const int8_t> keyCodes, double scale)
      : channels(operands.shape().headDim), queries(queryCodes), keys(keyCodes, channels) {
    HeadSteps steps = operands.steps(head);
    lambda = exactUnit(scale, steps.query, steps.key);
  }

  std::span<const int64_t> of(int64_t query, const AllowedScores &allowed,
                              std::span<const int32_t> bias) {
    size_t size = allowed.scores().size();
    list.resize(size);
    for (size_t index = 0; index < size; ++index)
      list[index] = allowed.key(index);
    scores.resize(size);
    keys.exactScores(queries.data() + query * channels, list, scores.data());
    if (!bias.empty())
      for (size_t index = 0; index < size; ++index)
        scores[index] += bias[list[index]];
    int64_t maximum = largestScore(scores);
    weights.resize(size);
    double sum = 0;
    for (size_t index = 0; index < size; ++index) {
      weights[index] = std::exp(lambda * static_cast<double>(scores[index] - maximum));
      sum += weights[index];
    }
    masses.resize(size);
    for (size_t index = 0; index < size; ++index)
      masses[index] = static_cast<int64_t>(std::ceil(weights[index] / sum * kRowMass));
    return masses;
  }

private:
  int64_t channels;
  std::span<const int8_t> queries;
  KeyCodes keys;
  double lambda;
  std::vector<uint32_t> list;
  std::vector<int32_t> scores;
  std::vector<double> weights;
  std::vector<int64_t> masses;
};

/// The approximate scores that a head can have.
struct ScoreBounds {
  int64_t lowest;
  int64_t highest;
};

ScoreBounds boundsOf(const Operands &operands, int64_t head, double unit) {
  int64_t product = kMaxNibbleProduct * operands.shape().headDim;
  if (!operands.brings(MemoryRegion::Bias))
    return {-product, product};
  double least = 0;
  double largest = 0;
  for (int64_t row = 0; row < operands.inputRows(MemoryRegion::Bias); ++row)
    for (float bias : operands.row<float>(MemoryRegion::Bias, head, row))
      if (bias > kMaskingBias) {
        least = std::min(least, static_cast<double>(bias));
        largest = std::max(largest, static_cast<double>(bias));
      }
  // One more for the rounding.
  auto lowest = static_cast<int64_t>(std::max(std::floor(least / unit), -kMaxApproximateBias)) - 1;
  auto highest = static_cast<int64_t>(std::min(std::ceil(largest / unit), kMaxApproximateBias)) + 1;
  return {lowest - product, highest + product};
}

/// Finds what thresholds drop in one launch.
class LaunchCurves {
public:
  LaunchCurves(const DecodedProgram &program, const Operands &operands, bool hasMasses)
      : operands(operands), scale(program.source().scale), hasMasses(hasMasses),
        rows(program, operands) {}

  /// The curve of a head over all batch elements.
  Curves::Head of(int64_t head) const;

private:
  double unitOf(int64_t index) const {
    HeadSteps steps = operands.steps(index);
    return approximateUnit(scale, steps.query, steps.key);
  }
  void addRows(int64_t index, DropCurve &curve) const;

  const Operands &operands;
  double scale;
  bool hasMasses;
  ThresholdedRows rows;
};

void LaunchCurves::addRows(int64_t index, DropCurve &curve) const {
  const LaunchShape &shape = operands.shape();
  std::vector<int8_t> queryCodes = operands.queryCodes(index);
  std::vector<int8_t> keyCodes = operands.keyCodes(operands.keyHeadOf(index));
  ApproximateScores approximate(queryCodes, keyCodes, shape.headDim, operands.widths().nibble);
  RowMasses masses(operands, index, queryCodes, keyCodes, scale);
  MaskRegisters registers(operands, scale);
  AllowedScores allowed;
  for (const ThresholdedRow &row : rows.of(index)) {
    registers.loadAll(index, row.query);
    allowed.assign(approximate.row(row.query, row.first, row.last), row.first, registers.masks());
    if (allowed.scores().empty())
      continue;
    curve.addRow(allowed.scores(), hasMasses ? masses.of(row.query, allowed, registers.masks().bias)
                                             : std::span<const int64_t>());
  }
}

/// Sorts steps and joins those of the same threshold.
void joinSteps(std::vector<Curves::Step> &steps) {
  std::ranges::sort(steps, {}, &Curves::Step::theta);
  size_t count = 0;
  for (const Curves::Step &step : steps) {
    if (count == 0 || steps[count - 1].theta != step.theta) {
      steps[count++] = step;
      continue;
    }
    steps[count - 1].scores += step.scores;
    steps[count - 1].mass += step.mass;
  }
  steps.resize(count);
}

Curves::Head LaunchCurves::of(int64_t head) const {
  const LaunchShape &shape = operands.shape();
  std::vector<int64_t> indices;
  std::vector<ScoreBounds> bounds;
  double reach = 0;
  for (int64_t index = head; index < operands.heads(); index += shape.heads) {
    if (rows.of(index).empty())
      continue;
    indices.push_back(index);
    bounds.push_back(boundsOf(operands, index, unitOf(index)));
    reach = std::max(reach, static_cast<double>(bounds.back().highest) * unitOf(index));
  }
  Curves::Head curves;
  curves.unit = curves.reach = kInfinity;
  for (size_t position = 0; position < indices.size(); ++position) {
    double unit = unitOf(indices[position]);
    auto [lowest, largest] = bounds[position];
    auto highest = static_cast<int64_t>(
        std::clamp(std::ceil(reach / unit), double(largest), double(kReach * largest)));
    DropCurve curve(unit, lowest, highest);
    addRows(indices[position], curve);
    curve.addTo(curves);
  }
  if (curves.rows > kMaxRows)
    throw LaunchFailure{"expected at most 2^30 rows of a head to calibrate on, got " +
                        std::to_string(curves.rows)};
  joinSteps(curves.steps);
  return curves;
}

double onGrid(double theta) {
  int exponent = 0;
  double mantissa = std::frexp(theta, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, kGridBits)), exponent - kGridBits);
}

/// The nearest threshold that is a number of f32: where a unit is more than that type has, scores
/// still differ by their sign.
float toThreshold(double theta) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(theta, -kLargest, kLargest));
}

/// The threshold of one head (`calibrate`).
float chooseThreshold(const Curves::Head &head, ThresholdPolicy::Kind kind, double fraction) {
  const std::vector<Curves::Step> &steps = head.steps;
  float best = -std::numeric_limits<float>::infinity();
  if (steps.empty())
    return best;
  // Below the first step, where that is another f32.
  if (float below = toThreshold(steps.front().theta - head.unit / 2); below < steps.front().theta)
    best = below;

  bool isRate = kind == ThresholdPolicy::Kind::PruneRate;
  double target = fraction * static_cast<double>(head.allowed);
  double largestLoss = (1 - fraction) * static_cast<double>(head.rows) * kRowMass;
  int64_t bestDropped = 0;
  Amount dropped;
  for (size_t index = 0; index < steps.size(); ++index) {
    dropped += {steps[index].scores, steps[index].mass};
    // Every threshold above this step, up to the next one, keeps the same; one amid them survives
    // rounding.
    double begin = steps[index].theta;
    double end = index + 1 < steps.size() ? steps[index + 1].theta : begin + head.unit;
    float theta = toThreshold(begin + std::min(end - begin, head.unit) / 2);
    if (!(begin < theta && theta < end && theta < head.reach))
      continue;
    if (!isRate) {
      if (static_cast<double>(dropped.mass) > largestLoss)
        break;
      if (dropped.scores > bestDropped) {
        best = theta;
        bestDropped = dropped.scores;
      }
      continue;
    }
    double distance = std::abs(static_cast<double>(dropped.scores) - target);
    double bestDistance = std::abs(static_cast<double>(bestDropped) - target);
    if (distance < bestDistance || (distance == bestDistance && dropped.scores < bestDropped)) {
      best = theta;
      bestDropped = dropped.scores;
    }
    if (distance == 0 || static_cast<double>(dropped.scores) > target)
      break;
  }
  return best;
}

/// Why thresholds of that kind cannot be chosen, or an empty string.
std::string checkPolicy(ThresholdPolicy::Kind kind, double fraction) {
  bool isRate = kind == ThresholdPolicy::Kind::PruneRate;
  if (!isRate && kind != ThresholdPolicy::Kind::KeepMass)
    return "expected a prune rate or a mass to keep to calibrate for, got neither";
  if (!(fraction >= 0 && fraction <= 1))
    return "expected a " + std::string(isRate ? "prune rate" : "mass to keep") +
           " between 0 and 1, got " + std::to_string(fraction);
  return {};
}

} // namespace

void sprint::gather(const DecodedProgram &program, const Operands &operands, Curves &curves) {
  int64_t heads = operands.shape().heads;
  if (curves.launches > 0 && static_cast<int64_t>(curves.heads.size()) != heads)
    throw LaunchFailure{"expected " + std::to_string(curves.heads.size()) +
                        " heads, as in the launches calibrated on before, got " +
                        std::to_string(heads)};
  LaunchCurves launch(program, operands, /*hasMasses=*/true);
  std::vector<Curves::Head> gathered;
  gathered.reserve(heads);
  for (int64_t head = 0; head < heads; ++head)
    gathered.push_back(launch.of(head));
  if (curves.launches > 0)
    for (int64_t head = 0; head < heads; ++head) {
      Curves::Head &sum = gathered[head];
      const Curves::Head &before = curves.heads[head];
      sum.steps.insert(sum.steps.end(), before.steps.begin(), before.steps.end());
      for (Curves::Step &step : sum.steps)
        step.theta = onGrid(step.theta);
      joinSteps(sum.steps);
      sum.allowed += before.allowed;
      sum.rows += before.rows;
      if (sum.rows > kMaxRows)
        throw LaunchFailure{"expected at most 2^30 rows of a head to calibrate on, got more"};
      // A launch without rows says nothing of the reach.
      if (before.unit < kInfinity)
        sum.reach = sum.unit < kInfinity ? std::max(sum.reach, before.reach) : before.reach;
      sum.unit = std::min(sum.unit, before.unit);
    }
  curves.heads = std::move(gathered);
  ++curves.launches;
}

std::vector<float> sprint::calibrate(const DecodedProgram &program, const Operands &operands,
                                     const ThresholdPolicy &policy) {
  if (std::string error = checkPolicy(policy.kind, policy.fraction); !error.empty())
    throw LaunchFailure{error};
  LaunchCurves launch(program, operands, policy.kind == ThresholdPolicy::Kind::KeepMass);
  int64_t heads = operands.shape().heads;
  std::vector<float> thresholds;
  thresholds.reserve(heads);
  for (int64_t head = 0; head < heads; ++head)
    thresholds.push_back(chooseThreshold(launch.of(head), policy.kind, policy.fraction));
  return thresholds;
}

Calibration::Calibration() : curves(std::make_unique<Curves>()) {}
Calibration::~Calibration() = default;
Calibration::Calibration(Calibration &&) noexcept = default;
Calibration &Calibration::operator=(Calibration &&) noexcept = default;

std::optional<std::vector<float>> Calibration::thresholds(ThresholdPolicy::Kind kind,
                                                          double fraction, std::string &error) const
    try {
  error = checkPolicy(kind, fraction);
  if (error.empty() && curves->launches == 0)
    error = "expected a launch to calibrate on, got none";
  if (!error.empty())
    return std::nullopt;
  std::vector<float> thresholds;
  for (const Curves::Head &head : curves->heads)
    thresholds.push_back(chooseThreshold(head, kind, fraction));
  return thresholds;
} catch (const std::exception &exception) {
  error = reasonOf(exception);
  return std::nullopt;
}
