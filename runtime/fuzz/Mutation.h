//===- Mutation.h - Streams with faults put into them ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mutations of programs that keep the form of a stream, so that most of them get past its reader,
// and launches of what comes out that are small whatever the program says.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_FUZZ_MUTATION_H
#define SPRINTRUNTIME_FUZZ_MUTATION_H

#include "../unittests/TestPrograms.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Device.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace sprint::fuzz {

/// Random choices, the same with every standard library.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}

  uint64_t bits() { return engine(); }
  /// A number from 0 to before `end`; 0 where there is none.
  size_t below(size_t end) { return end == 0 ? 0 : engine() % end; }
  bool oneIn(size_t chances) { return below(chances) == 0; }
  template <typename Range> auto &pick(Range &&range) { return range[below(std::size(range))]; }
  /// A number between `least`, at least 1, and `most`, as often of each magnitude.
  int64_t magnitude(int64_t least, int64_t most);
  /// A number that programs may trip over: mostly small, rarely at the limit of something.
  int64_t number();

private:
  std::mt19937_64 engine;
};

/// A built-in machine, read once.
const Machine &knownMachine(const std::string &name);

/// A machine that is none of the built-in ones: sizes and timings from one end of their ranges to
/// the other.
Machine oddMachine(Random &random);

/// A program that has no faults, of one of the forms that the tests' programs have.
Program soundProgram(Random &random, const Machine &machine);

/// Changes one thing of a program; what comes out may not be well-formed.
void mutate(Random &random, Program &program);

/// The bytes of a stream whose programs have been changed a few times; now and then the bytes are,
/// too.
std::vector<uint8_t> mutatedBytes(Random &random, CommandStream stream);

/// A launch of a program on a few tokens.
class SmallLaunch {
public:
  /// Sizes are those of the program where they are small, and most often what else it asks for is
  /// there. With a cache they are, most often, those that it has.
  SmallLaunch(Random &random, const Program &program, const Cache *cache = nullptr);
  SmallLaunch(const SmallLaunch &) = delete;
  SmallLaunch &operator=(const SmallLaunch &) = delete;

  LaunchOperands operands;
  LaunchOptions options;
  /// Of its heads.
  CacheShape shape;

private:
  std::vector<test::Tensor> tensors;
  std::vector<test::Mask> masks;
  std::vector<test::Segments> segments;
};

/// What came of one program.
enum class Outcome {
  RefusedByCheck,
  RefusedByLaunch,
  Ran,
};

/// Checks a well-formed program and launches it on a machine of its structure, with the checker's
/// consent and without. Ends the process where a promise is not kept.
Outcome runSmall(Random &random, const Program &program, const Machine &machine);

} // namespace sprint::fuzz

#endif // SPRINTRUNTIME_FUZZ_MUTATION_H
