//===- Calibration.h - Thresholds from what they keep ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_CALIBRATION_H
#define SPRINTRUNTIME_LIB_DEVICE_CALIBRATION_H

#include "Operands.h"
#include "Walk/Sequencer.h"

#include <cstdint>
#include <vector>

namespace sprint {

/// What thresholds drop, by head. One launch is held exactly, one step for each integer threshold
/// of each batch element at which anything changes. From the second launch on the steps' thresholds
/// are rounded to 10 bits of mantissa: that is finer than the integer threshold itself for scores
/// below 512 units, the order of the launches does not matter, and a head cannot take more than the
/// 512 steps that each power of two between the smallest and the largest logit has, some 20,000 or
/// half a megabyte, however many launches there are.
struct Calibration::Curves {
  /// What is dropped more once the threshold is above `theta`, in logits.
  struct Step {
    double theta = 0;
    /// Scores, fewer where rows retry.
    int64_t scores = 0;
    /// Parts of the softmax of their rows, in units of 2^-32.
    int64_t mass = 0;
  };

  /// One head, over all batch elements of all launches.
  struct Head {
    /// In ascending order of `theta`, each once.
    std::vector<Step> steps;
    int64_t allowed = 0;
    /// Rows with any allowed key.
    int64_t rows = 0;
    /// The smallest unit of an integer threshold, in logits; infinity without rows.
    double unit = 0;
    /// Thresholds from here on are not tried. A launch whose steps end below counts from there on
    /// with what it drops at their end, where each of its rows has retried.
    double reach = 0;
  };

  std::vector<Head> heads;
  int64_t launches = 0;
};

/// Adds what thresholds would drop on `operands`. Which keys are allowed is what the program's
/// `threshold` commands and the masks say; a program without such commands adds nothing. Throws
/// LaunchFailure, and adds nothing, where a row is thresholded twice or the heads are not as many
/// as those of the launches before.
void gather(const DecodedProgram &program, const Operands &operands, Calibration::Curves &curves);

/// The thresholds, one a head, that `policy`, of the kind PruneRate or KeepMass, means for one
/// launch. Throws LaunchFailure as `gather` does, and where the fraction is not within 0 to 1.
///
/// PruneRate: the threshold at which the fraction of dropped scores, over all batch elements and
/// after retries, is nearest to the policy's; of two as near, the one that drops fewer. KeepMass:
/// the one that drops most of those that leave at least the fraction of the softmax of the exact
/// scores (docs/numerics.md, section 5) in the mean of all rows. Thresholds above the lowest one
/// that drops too much are not tried: higher ones may do well again, but only because rows retry.
/// Without any step a threshold is minus infinity.
std::vector<float> calibrate(const DecodedProgram &program, const Operands &operands,
                             const ThresholdPolicy &policy);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_CALIBRATION_H
