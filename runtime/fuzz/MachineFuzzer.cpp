//===- MachineFuzzer.cpp - Fuzzes the reader of machine descriptions ------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "SprintRuntime/Machine.h"

using namespace sprint;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::InputFile file(".yaml");
  std::string error;
  std::optional<Machine> machine = loadMachine(file.write(data, size), error);
  if (!machine) {
    fuzz::requireMessage(error);
    return 0;
  }
  fuzz::require(machine->structure.widths.check().empty(), "widths fit the arithmetic");
  fuzz::require(machine->structure.keyCapacity(1) >= 0, "capacities do not overflow");
  fuzz::require(machine->structureHash().size() == 16, "a hash has 16 digits");
  return 0;
}
