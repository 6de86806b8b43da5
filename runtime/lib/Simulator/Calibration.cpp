//===- Calibration.cpp - Thresholds from a pruning rate -------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sprint;

namespace {

/// Largest product of two high nibbles.
constexpr int64_t kMaxNibbleProduct = 64;
/// How far beyond the largest possible score of a batch element thresholds are tried for the sake
/// of others with larger steps, as a multiple of that score. More would cost much, and every row of
/// that batch element has retried long before.
constexpr int64_t kReach = 4;

/// The allowed keys of one row.
struct AllowedRow {
  int64_t query;
  int64_t first;
  int64_t last;
};

/// The rows of each head, in the order in which a program thresholds them.
class AllowedRows {
public:
  AllowedRows(const DecodedProgram &program, const Operands &operands)
      : shape(operands.shape()), rows(operands.heads()), isSeen(operands.heads() * shape.queries) {
    for (const DecodedUnit &unit : program.units()) {
      if (unit.unit != MachineUnit::Select)
        continue;
      Cursor cursor(program, unit);
      while (!cursor.isDone())
        std::visit([&](const auto &command) { run(cursor, command); }, cursor.command());
    }
  }

  const std::vector<AllowedRow> &of(int64_t head) const { return rows[head]; }

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
  /// Other commands do not say which keys are allowed.
  template <typename Other> void run(Cursor &cursor, const Other &) { cursor.advance(); }

  const LaunchShape &shape;
  std::vector<std::vector<AllowedRow>> rows;
  std::vector<uint8_t> isSeen;
  int64_t query = -1;
};

/// Kept scores of one head of one batch element, by integer threshold.
struct KeptCurve {
  /// Logits in one unit of threshold.
  double unit;
  /// The lowest threshold of the curve, at which all are kept.
  int64_t lowest;
  std::vector<int64_t> kept;
};

/// Adds what one row keeps to a curve.
void addRow(std::span<const int32_t> scores, KeptCurve &curve, std::vector<int64_t> &atLeast) {
  auto [least, largest] = std::ranges::minmax(scores);
  // Scores of at least `least + index`.
  atLeast.assign(largest - least + 1, 0);
  for (int32_t score : scores)
    ++atLeast[score - least];
  for (size_t index = atLeast.size() - 1; index > 0; --index)
    atLeast[index - 1] += atLeast[index];

  int64_t size = static_cast<int64_t>(curve.kept.size());
  int64_t index = 0;
  for (; index <= least - curve.lowest; ++index)
    curve.kept[index] += atLeast[0];
  for (; index <= largest - curve.lowest; ++index)
    curve.kept[index] += atLeast[index + curve.lowest - least];
  for (int retries = 1; index < size; ++index) {
    int64_t lowered = loweredThreshold(index + curve.lowest, retries);
    if (lowered > largest)
      lowered = loweredThreshold(index + curve.lowest, ++retries);
    curve.kept[index] += atLeast[std::max<int64_t>(lowered - least, 0)];
  }
}

/// The curve up to the integer threshold of `reach` logits, if that is not too far.
KeptCurve curveOf(const Operands &operands, const std::vector<AllowedRow> &rows, int64_t head,
                  double unit, double reach) {
  const LaunchShape &shape = operands.shape();
  int64_t bound = kMaxNibbleProduct * shape.headDim;
  int64_t highest = static_cast<int64_t>(
      std::clamp(std::ceil(reach / unit), double(bound), double(kReach * bound)));
  KeptCurve curve = {unit, -bound, std::vector<int64_t>(bound + highest + 1)};
  int64_t saturated = 0;
  ApproximateScores approximate(operands.queryCodes(head, saturated),
                                operands.keyCodes(head, saturated), shape.headDim,
                                operands.widths().nibble);
  std::vector<int64_t> atLeast;
  for (const AllowedRow &row : rows)
    if (row.first < row.last)
      addRow(approximate.row(row.query, row.first, row.last), curve, atLeast);
  return curve;
}

/// The threshold at which the curves together drop a fraction nearest to `rate`.
float nearestThreshold(const std::vector<KeptCurve> &curves, double rate) {
  /// Where a curve's integer threshold goes up by one, and by how much what it keeps changes there.
  struct Step {
    double theta;
    int64_t change;
  };
  std::vector<Step> steps;
  int64_t allowed = 0;
  double unit = std::numeric_limits<double>::infinity();
  double reach = unit;
  for (const KeptCurve &curve : curves) {
    allowed += curve.kept.front();
    unit = std::min(unit, curve.unit);
    reach = std::min(reach, static_cast<double>(curve.lowest + int64_t(curve.kept.size()) - 1) *
                                curve.unit);
    for (size_t index = 1; index < curve.kept.size(); ++index)
      if (int64_t change = curve.kept[index] - curve.kept[index - 1])
        steps.push_back(
            {static_cast<double>(curve.lowest + int64_t(index) - 1) * curve.unit, change});
  }
  std::ranges::sort(steps, {}, &Step::theta);
  if (steps.empty())
    return -std::numeric_limits<float>::infinity();

  double target = rate * static_cast<double>(allowed);
  float best = static_cast<float>(steps.front().theta - unit / 2);
  int64_t bestDropped = 0;
  int64_t dropped = 0;
  for (size_t index = 0; index < steps.size(); ++index) {
    dropped -= steps[index].change;
    // Every threshold above this step, up to the next one, keeps the same; one amid them survives
    // rounding.
    double begin = steps[index].theta;
    double end = index + 1 < steps.size() ? steps[index + 1].theta : begin + unit;
    float theta = static_cast<float>(begin + std::min(end - begin, unit) / 2);
    if (!(begin < theta && theta < end && theta < reach))
      continue;
    double distance = std::abs(static_cast<double>(dropped) - target);
    double bestDistance = std::abs(static_cast<double>(bestDropped) - target);
    if (distance < bestDistance || (distance == bestDistance && dropped < bestDropped)) {
      best = theta;
      bestDropped = dropped;
    }
    // Higher ones may come as near again, but only because rows retry.
    if (distance == 0 || static_cast<double>(dropped) > target)
      break;
  }
  return best;
}

} // namespace

std::vector<float> sprint::calibrate(const DecodedProgram &program, const Operands &operands,
                                     double rate) {
  const LaunchShape &shape = operands.shape();
  AllowedRows rows(program, operands);
  std::vector<float> thresholds;
  for (int64_t head = 0; head < shape.heads; ++head) {
    std::vector<int64_t> thresholded;
    for (int64_t batch = 0; batch < shape.batches; ++batch)
      if (!rows.of(batch * shape.heads + head).empty())
        thresholded.push_back(batch * shape.heads + head);
    auto unitOf = [&](int64_t index) {
      const HeadSteps &steps = operands.steps(index);
      return approximateUnit(program.source().scale, steps.query, steps.key);
    };
    double reach = 0;
    for (int64_t index : thresholded)
      reach =
          std::max(reach, static_cast<double>(kMaxNibbleProduct * shape.headDim) * unitOf(index));
    std::vector<KeptCurve> curves;
    curves.reserve(thresholded.size());
    for (int64_t index : thresholded)
      curves.push_back(curveOf(operands, rows.of(index), index, unitOf(index), reach));
    thresholds.push_back(nearestThreshold(curves, rate));
  }
  return thresholds;
}
