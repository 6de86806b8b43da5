//===- Calibration.h - Thresholds from a pruning rate ------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_CALIBRATION_H
#define SPRINTRUNTIME_LIB_SIMULATOR_CALIBRATION_H

#include "Head.h"
#include "Sequencer.h"

#include <vector>

namespace sprint {

/// For each head the threshold, in logits, at which the fraction of its allowed scores that is
/// dropped, over all batch elements and after retries, is nearest to `rate`; of two as near, the
/// one that drops fewer. Thresholds above the lowest one that drops more than `rate` are not tried.
/// Which scores are allowed is what the program's `threshold` commands say; without any, all
/// thresholds are minus infinity. Throws LaunchFailure where a row is thresholded twice.
std::vector<float> calibrate(const DecodedProgram &program, const Operands &operands, double rate);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SIMULATOR_CALIBRATION_H
