//===- describe.cpp - Describes the programs of a command stream ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: describe STREAM. Prints the name and the machine of each program.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/FileIO.h"

#include <iostream>

int main(int argc, char **argv) {
  std::string error = "expected STREAM";
  std::optional<std::string> bytes;
  if (argc == 2)
    bytes = sprint::readFile(argv[1], 1 << 20, error);
  std::optional<sprint::CommandStream> stream;
  if (bytes)
    stream =
        sprint::parse({reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()}, error);
  if (!stream) {
    std::cerr << "error: " << error << '\n';
    return 1;
  }
  for (const sprint::Program &program : stream->programs)
    std::cout << program.name << ' ' << program.machine << '\n';
}
