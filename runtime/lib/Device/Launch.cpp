//===- Launch.cpp - Runs programs -----------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Cache.h"
#include "Calibration.h"
#include "LaunchRun.h"
#include "Operands.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/Messages.h"
#include "SprintRuntime/Simulator.h"
#include "Walk/Sequencer.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <new>

using namespace sprint;

namespace {

/// Checks that the launch has a cache exactly where the program takes one, and that it is one of
/// the device.
void checkCache(const Program &program, const Device::Memory &memory,
                const LaunchOptions &options) {
  if (program.residentCache != (options.cache != nullptr))
    throw LaunchFailure{std::string("expected ") + (program.residentCache ? "a" : "no") +
                        " cache, got " + (program.residentCache ? "none" : "one")};
  if (options.cache && options.cache->contents->memory.get() != &memory)
    throw LaunchFailure{"expected a cache of this device, got one of another"};
  if (options.cache && options.steps)
    throw LaunchFailure{"expected no steps beside a cache, which has its own"};
}

/// Checks that the arrays have room for the keys of the launch beside those of caches.
void checkRoom(const Device::Memory &memory, const Operands &operands, const Cache *cache) {
  const LaunchShape &shape = operands.shape();
  const Structure &structure = memory.machine.structure;
  if (cache) {
    int64_t needed = cache->contents->arraysAt(shape.keys);
    int64_t free =
        structure.arrays() - memory.heldArrays + cache->contents->arraysAt(cache->contents->length);
    if (needed > free)
      throw LaunchFailure{"expected a cache that fits the " + std::to_string(free) +
                          " arrays that machine '" + memory.machine.name + "' has for it, got " +
                          std::to_string(operands.keyHeads()) + " key heads of " +
                          std::to_string(shape.keys) + " keys, which take " +
                          std::to_string(needed)};
    return;
  }
  int64_t capacity = structure.keyCapacity(shape.headDim, structure.arrays() - memory.heldArrays);
  if (shape.keys > capacity)
    throw LaunchFailure{"expected at most " + std::to_string(capacity) +
                        " keys, the capacity of machine '" + memory.machine.name +
                        "' beside what caches hold, got " + std::to_string(shape.keys)};
}

/// Checks that the operands fit the program and the machine.
void checkFit(const Program &program, const Machine &machine, const LaunchLayout &operands) {
  const LaunchShape &shape = operands.shape();
  for (size_t index = 0; index < kNumLaunchParameters; ++index) {
    int64_t size = shape.*launchSizeMembers[index];
    if (program.parameters[index] != Program::kDynamic && program.parameters[index] != size)
      throw LaunchFailure{"expected " + std::string(launchParameters[index].name) + " = " +
                          std::to_string(program.parameters[index]) + ", got " +
                          std::to_string(size)};
  }
  for (MemoryRegion region : enumerators<MemoryRegion>) {
    if (!inputOf(region).isOptional)
      continue;
    bool isTaken = std::ranges::find(program.inputs, region) != program.inputs.end();
    if (isTaken != operands.brings(region))
      throw LaunchFailure{"expected " + std::string(isTaken ? "a " : "no ") +
                          std::string(toString(region)) + " tensor, got " +
                          (isTaken ? "none" : "one")};
  }
  if (std::optional<std::string> obstacle = machine.findCapacityObstacle(
          shape.headDim, shape.valueDim, shape.keys, program.residentCache))
    throw LaunchFailure{*obstacle};
}

std::vector<float> thresholdsOf(const DecodedProgram &program, const Operands &operands,
                                const ThresholdPolicy &policy) {
  if (policy.kind == ThresholdPolicy::Kind::PruneRate ||
      policy.kind == ThresholdPolicy::Kind::KeepMass)
    return calibrate(program, operands, policy);
  std::vector<float> thresholds =
      policy.kind == ThresholdPolicy::Kind::Given ? policy.thresholds : program.source().thresholds;
  int64_t heads = operands.shape().heads;
  if (policy.kind == ThresholdPolicy::Kind::Program && thresholds.empty())
    thresholds = {-std::numeric_limits<float>::infinity()};
  if (std::string fault = findThresholdFault(thresholds, heads); !fault.empty())
    throw LaunchFailure{fault};
  if (thresholds.size() == 1)
    thresholds.assign(heads, thresholds.front());
  return thresholds;
}

/// Refuses what is wrong with the program whatever its operands are. What cannot be decided the
/// launch will show.
void refuseErrors(const Program &program, const Machine &machine) {
  for (const Finding &finding : check(program, machine))
    if (finding.severity == Finding::Severity::Error)
      throw LaunchFailure{toString(program, finding)};
}

LaunchResult runLaunch(const Program &program, Device::Memory &memory,
                       const LaunchOperands &tensors, const LaunchOptions &options,
                       bool isChecked) {
  auto begin = std::chrono::steady_clock::now();
  const Machine &machine = memory.machine;
  checkCache(program, memory, options);
  Operands operands(tensors, machine.structure.widths, options);
  checkFit(program, machine, operands);
  checkRoom(memory, operands, options.cache);
  if (isChecked)
    refuseErrors(program, machine);
  const LaunchShape &shape = operands.shape();
  DecodedProgram decoded(program, shape);

  LaunchResult result;
  result.dimensions = shape;
  result.shape = {shape.batches, shape.heads, shape.queries, shape.valueDim};
  result.thresholds = thresholdsOf(decoded, operands, options.thresholds);
  LaunchRun(decoded, machine, operands, result.thresholds, options).run(result);
  result.statistics.hostQuadraticBytes = operands.quadraticBytes();
  result.statistics.saturatedCodes = operands.saturatedCodes();
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  result.statistics.simulationSeconds = elapsed.count();
  // A launch that fails adds nothing.
  if (options.calibration)
    gather(decoded, operands, *options.calibration->curves);
  if (options.cache)
    operands.addToCache();
  return result;
}

std::string describe(const Program &program, const LaunchFailure &failure) {
  return "program '" + program.name + "': " + failure.message;
}

/// A launch on a machine with nothing in its memory.
std::optional<LaunchResult> launchAlone(const Program &program, const Machine &machine,
                                        const LaunchOperands &operands,
                                        const LaunchOptions &options, bool isChecked,
                                        std::string &error) noexcept try {
  Device::Memory memory = {machine};
  return launchOn(memory, program, operands, options, isChecked, error);
} catch (const std::exception &exception) {
  error = reasonOf(exception);
  return std::nullopt;
}

} // namespace

std::optional<LaunchResult> sprint::launchOn(Device::Memory &memory, const Program &program,
                                             const LaunchOperands &operands,
                                             const LaunchOptions &options, bool isChecked,
                                             std::string &error) noexcept try {
  if (!verify(CommandStream{{program}}, error))
    return std::nullopt;
  try {
    return runLaunch(program, memory, operands, options, isChecked);
  } catch (const LaunchFailure &failure) {
    error = describe(program, failure);
  } catch (const std::bad_alloc &) {
    error = "program '" + program.name + "': not enough memory for this launch";
  }
  return std::nullopt;
} catch (const std::exception &exception) {
  error = reasonOf(exception);
  return std::nullopt;
}

std::string sprint::findOperandFault(const Program &program, const Machine &machine,
                                     const LaunchOperands &operands, int64_t past) noexcept try {
  checkFit(program, machine, LaunchLayout(operands, past));
  return {};
} catch (const LaunchFailure &failure) {
  return describe(program, failure);
} catch (const std::exception &exception) {
  return reasonOf(exception);
}

std::optional<LaunchResult> sprint::launch(const Program &program, const Machine &machine,
                                           const LaunchOperands &operands,
                                           const LaunchOptions &options,
                                           std::string &error) noexcept {
  return launchAlone(program, machine, operands, options, /*isChecked=*/true, error);
}

std::optional<LaunchResult> sprint::launchUnchecked(const Program &program, const Machine &machine,
                                                    const LaunchOperands &operands,
                                                    const LaunchOptions &options,
                                                    std::string &error) noexcept {
  return launchAlone(program, machine, operands, options, /*isChecked=*/false, error);
}
