//===- MutatedStreams.cpp - Many streams with faults put into them --------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: MutatedStreams [--first=NUMBER] COUNT SEED STREAM...
// Mutates the test programs and the given streams COUNT times, reads what comes out, and launches
// what the reader takes on a few tokens: none may crash, run long, or take an answer back. At least
// a fifth must pass the reader. Prints what came of them. Where one fails it prints its number,
// with which --first begins.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "Mutation.h"
#include "SprintRuntime/FileIO.h"

#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#ifdef SPRINT_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

using namespace sprint;

namespace {

/// No stream may take longer. Sanitizers make all slower, so they have another limit.
#ifdef SPRINT_SANITIZED
constexpr double kMaxSeconds = 100;
#else
constexpr double kMaxSeconds = 10;
#endif
/// The stream that is running, for who looks into a failure.
volatile uint64_t running = 0;
void sayWhichRuns() { std::fprintf(stderr, "in stream number %" PRIu64 "\n", running); }

/// Of how many streams one must be read.
constexpr uint64_t kReadOneIn = 5;

struct Counts {
  uint64_t read = 0, refusedByReader = 0, refusedByCheck = 0, refusedByLaunch = 0, ran = 0;
  double slowest = 0;
  uint64_t slowestNumber = 0;
};

/// The stream of a number, read or made anew, and the machine that it is for.
class Streams {
public:
  bool add(const char *path) {
    std::string error;
    std::optional<std::string> bytes = readFile(path, kMaxStreamBytes, error);
    std::optional<CommandStream> stream;
    if (bytes)
      stream = parse({reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()}, error);
    if (!stream)
      std::fprintf(stderr, "%s: %s\n", path, error.c_str());
    else
      frozen.push_back(*stream);
    return stream.has_value();
  }

  std::pair<CommandStream, Machine> choose(fuzz::Random &random) const {
    if (!frozen.empty() && random.oneIn(4))
      // The launch takes any machine, as it is given the hash of its structure.
      return {random.pick(frozen), fuzz::knownMachine("s")};
    Machine machine = random.oneIn(3) ? fuzz::oddMachine(random) : fuzz::knownMachine("s");
    return {CommandStream{{fuzz::soundProgram(random, machine)}}, machine};
  }

private:
  std::vector<CommandStream> frozen;
};

void runOne(uint64_t number, uint64_t seed, const Streams &streams, Counts &counts) {
  // A number alone makes the stream, so that one can be had again.
  fuzz::Random random(seed * 1000003 + number);
  auto [stream, machine] = streams.choose(random);
  std::vector<uint8_t> bytes = fuzz::mutatedBytes(random, stream);
  auto begin = std::chrono::steady_clock::now();
  std::string error;
  std::optional<CommandStream> read = parse(bytes, error);
  if (!read) {
    fuzz::requireMessage(error);
    ++counts.refusedByReader;
    return;
  }
  ++counts.read;
  // Of several programs what the first one shows.
  std::optional<fuzz::Outcome> outcome;
  for (Program &program : read->programs) {
    program.structure = machine.structureHash();
    fuzz::Outcome one = fuzz::runSmall(random, program, machine);
    outcome = outcome.value_or(one);
  }
  ++(*outcome == fuzz::Outcome::Ran              ? counts.ran
     : *outcome == fuzz::Outcome::RefusedByCheck ? counts.refusedByCheck
                                                 : counts.refusedByLaunch);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  if (elapsed.count() > counts.slowest) {
    counts.slowest = elapsed.count();
    counts.slowestNumber = number;
  }
  fuzz::require(elapsed.count() <= kMaxSeconds, "no stream runs for more than ten seconds");
}

} // namespace

int main(int argc, char **argv) {
  constexpr std::string_view kFirst = "--first=";
  uint64_t first = 0;
  if (argc > 1 && std::string_view(argv[1]).starts_with(kFirst)) {
    first = std::strtoull(argv[1] + kFirst.size(), nullptr, 10);
    --argc;
    ++argv;
  }
  if (argc < 3) {
    std::fprintf(stderr, "usage: MutatedStreams [--first=NUMBER] COUNT SEED STREAM...\n");
    return 1;
  }
  uint64_t count = std::strtoull(argv[1], nullptr, 10), seed = std::strtoull(argv[2], nullptr, 10);
  Streams streams;
  for (int index = 3; index < argc; ++index)
    if (!streams.add(argv[index]))
      return 1;
  std::signal(SIGABRT, [](int) { sayWhichRuns(); });
#ifdef SPRINT_SANITIZED
  __sanitizer_set_death_callback(sayWhichRuns);
#endif
  Counts counts;
  for (uint64_t number = first; number < first + count; ++number) {
    running = number;
    runOne(number, seed, streams, counts);
    if ((number + 1) % 10000 == 0)
      std::fprintf(stderr, "%" PRIu64 " streams\n", number + 1);
  }
  std::printf("%" PRIu64 " streams: read %" PRIu64 ", refused by reader %" PRIu64
              ", refused by check %" PRIu64 ", refused by launch %" PRIu64 ", ran %" PRIu64
              "; slowest %.2f s (number %" PRIu64 ")\n",
              count, counts.read, counts.refusedByReader, counts.refusedByCheck,
              counts.refusedByLaunch, counts.ran, counts.slowest, counts.slowestNumber);
  // A few show nothing.
  if (count >= 100 && counts.read * kReadOneIn < count) {
    std::fprintf(stderr, "expected the reader to take at least one stream in %" PRIu64 "\n",
                 kReadOneIn);
    return 1;
  }
  return 0;
}
