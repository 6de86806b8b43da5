//===- LaunchFuzzer.cpp - Fuzzes launches of streams ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mutates programs and not bytes, so that what it makes are streams, and launches what the reader
// takes. Machine and operands follow from the bytes.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "Mutation.h"

#include <algorithm>
#include <string_view>

using namespace sprint;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize,
                                          unsigned seed) {
  fuzz::Random random(seed);
  std::string error;
  std::optional<CommandStream> stream = parse({data, size}, error);
  if (!stream || random.oneIn(32))
    return LLVMFuzzerMutate(data, size, maxSize);
  std::vector<uint8_t> bytes = fuzz::mutatedBytes(random, *stream);
  if (bytes.size() > maxSize)
    return size;
  std::ranges::copy(bytes, data);
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<CommandStream> stream = fuzz::readStream(data, size);
  if (!stream)
    return 0;
  fuzz::Random random(std::hash<std::string_view>()({reinterpret_cast<const char *>(data), size}));
  Machine machine = random.oneIn(2) ? fuzz::oddMachine(random) : fuzz::knownMachine("s");
  for (Program &program : stream->programs) {
    program.structure = machine.structureHash();
    fuzz::runSmall(random, program, machine);
  }
  return 0;
}
