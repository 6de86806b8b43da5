//===- StreamFuzzer.cpp - Fuzzes the reader of command streams ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/CommandStream.h"

#include <algorithm>

using namespace sprint;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<CommandStream> stream = fuzz::readStream(data, size);
  if (!stream)
    return 0;
  std::string error;
  fuzz::require(verify(*stream, error), "what is read is well-formed");
  fuzz::require(std::ranges::equal(serialize(*stream), std::span(data, size)),
                "what is read is written as it was");
  static const std::optional<Machine> machine = loadMachine("s", error);
  for (Program &program : stream->programs) {
    program.structure = machine->structureHash();
    for (const Finding &finding : check(program, *machine))
      fuzz::requireMessage(toString(program, finding));
  }
  return 0;
}
