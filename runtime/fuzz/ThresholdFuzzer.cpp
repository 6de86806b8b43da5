//===- ThresholdFuzzer.cpp - Fuzzes the reader of files of thresholds -----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "SprintRuntime/ThresholdFile.h"

#include <algorithm>
#include <cmath>

using namespace sprint;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::InputFile file(".json");
  std::string path = file.write(data, size), error;
  std::optional<ThresholdFile> read = readThresholds(path, error);
  if (!read) {
    fuzz::requireMessage(error);
    return 0;
  }
  for (const std::vector<float> &thresholds : read->thresholds) {
    fuzz::require(!thresholds.empty(), "every attention has a threshold");
    // Plus infinity would keep nothing, and files have no word for it.
    fuzz::require(std::ranges::none_of(thresholds,
                                       [](float value) {
                                         return std::isnan(value) ||
                                                (std::isinf(value) && value > 0);
                                       }),
                  "thresholds are finite or minus infinity");
  }
  // What is found by name is what is there.
  std::vector<std::string> names = read->attentions;
  names.resize(read->thresholds.size());
  std::optional<std::vector<std::vector<float>>> found = thresholdsOf(*read, path, names, error);
  fuzz::require(found == read->thresholds, "thresholds are found by their names");
  names.push_back("another");
  if (thresholdsOf(*read, path, names, error))
    fuzz::require(false, "no attention goes without thresholds");
  fuzz::requireMessage(error);
  return 0;
}
