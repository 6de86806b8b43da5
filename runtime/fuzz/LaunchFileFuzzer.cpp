//===- LaunchFileFuzzer.cpp - Fuzzes the reader of files of launches ------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "SprintRuntime/LaunchFile.h"

#include <algorithm>
#include <cmath>

using namespace sprint;

/// Requires that a table has as many numbers as it says heads.
static void requireSteps(const StepTable &table) {
  auto require = [&](const std::vector<float> &steps, int64_t heads) {
    fuzz::require(heads > 0 && static_cast<int64_t>(steps.size()) == table.batches * heads,
                  "there is a step for each head of each batch element");
    fuzz::require(std::ranges::all_of(steps, [](float step) { return std::isfinite(step); }),
                  "steps are finite");
  };
  require(table.steps.query, table.heads);
  require(table.steps.key, table.keyHeads);
  require(table.steps.value, table.keyHeads);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::InputFile file(".json");
  std::string error;
  std::optional<LaunchFile> read = readLaunches(file.write(data, size), error);
  if (!read) {
    fuzz::requireMessage(error);
    return 0;
  }
  fuzz::require(!read->launches.empty(), "there is a launch");
  for (const LaunchFile::Cache &cache : read->caches)
    requireSteps(cache.steps);
  for (const LaunchFile::Launch &launch : read->launches) {
    fuzz::require(!launch.cache || *launch.cache < read->caches.size(), "its cache is there");
    fuzz::require(!launch.cache || !launch.steps, "a cache has its own steps");
    if (launch.steps)
      requireSteps(*launch.steps);
  }
  return 0;
}
