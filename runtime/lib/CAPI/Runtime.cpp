//===- Runtime.cpp - C API of the runtime ---------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sprint-c/Runtime.h"
#include "Arguments.h"
#include "Handles.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Messages.h"
#include "SprintRuntime/NumericsConstants.h"
#include "SprintRuntime/Report.h"
#include "SprintRuntime/Trace.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

using namespace sprint;

namespace {

constexpr uint32_t kVersion = 6;
constexpr const char *kNoProgram = "expected the index of a program of the stream";

/// A failure on its way out of a function of the API.
struct ApiError {
  std::string message;
};

void setError(char **error, const char *message) {
  if (error)
    *error = copyString(message);
}

/// Calls `function`, turning whatever it throws into null, or false, and a message.
template <typename Function> auto guarded(char **error, Function function) -> decltype(function()) {
  if (error)
    *error = nullptr;
  try {
    return function();
  } catch (const ApiError &failure) {
    setError(error, failure.message.c_str());
  } catch (const std::exception &exception) {
    setError(error, reasonOf(exception).c_str());
  }
  return {};
}

void expect(bool isTrue, const char *message) {
  if (!isTrue)
    throw ApiError{message};
}

/// The value of a function that reports failure by a message.
template <typename Value> Value valueOr(std::optional<Value> value, const std::string &error) {
  if (!value)
    throw ApiError{error};
  return *std::move(value);
}

SprintStream *parseStream(const uint8_t *bytes, size_t size, const std::string &place) {
  std::string error;
  std::optional<CommandStream> stream = parse({bytes, size}, error);
  return new SprintStream{valueOr(std::move(stream), place + error)};
}

static_assert(SPRINT_NUM_INPUTS == launchInputs.size() && SPRINT_MAX_RANK == kMaxInputRank);

/// What the caller says of a launch.
SprintLaunch knownOf(const SprintLaunch &launch) {
  SprintLaunch known;
  std::string fault = copyKnown(launch, "SprintLaunch", offsetof(SprintLaunch, inputs),
                                sizeof(SprintTensor), known);
  expect(fault.empty(), fault.c_str());
  return known;
}

LaunchOperands operandsOf(const SprintLaunch &launch) {
  LaunchOperands operands;
  for (size_t index = 0; index < launchInputs.size(); ++index) {
    operands.inputs[index].data = launch.inputs[index].data;
    std::ranges::copy(launch.inputs[index].shape, operands.inputs[index].shape.begin());
  }
  return operands;
}

ThresholdPolicy::Kind kindOf(uint32_t policy) {
  return valueOr(policyKindOf(policy),
                 "expected a value of enum SprintThresholds, got " + std::to_string(policy));
}

ThresholdPolicy policyOf(const SprintLaunch &launch) {
  ThresholdPolicy policy;
  policy.kind = kindOf(launch.thresholdPolicy);
  if (policy.kind == ThresholdPolicy::Kind::Given) {
    expect(launch.thresholds != nullptr, "expected thresholds, got null");
    policy.thresholds.assign(launch.thresholds, launch.thresholds + launch.numThresholds);
  }
  policy.fraction = launch.fraction;
  return policy;
}

/// Stores statistics, as many as the caller knows (sprintGetStatistics).
void store(const Statistics &statistics, SprintStatistics &callers) {
  // Every member behind the size has eight bytes, in the order of the table.
  constexpr size_t kBytes = 8;
  static_assert(sizeof(SprintStatistics) == sizeof(size_t) + std::size(statisticInfos) * kBytes);
  auto *bytes = reinterpret_cast<unsigned char *>(&callers);
  size_t filled = sizeof(size_t);
  for (const StatisticInfo &info : statisticInfos) {
    if (filled + kBytes > callers.size)
      break;
    std::visit(
        [&](auto value) {
          static_assert(sizeof(value) == kBytes);
          std::memcpy(bytes + filled, &value, kBytes);
        },
        info.of(statistics));
    filled += kBytes;
  }
  callers.size = filled;
}

} // namespace

SprintResult::SprintResult(const Program &program, LaunchResult launched, const Machine &machine)
    : program(program.name), result(std::move(launched)),
      statistics(toJson(LaunchReport(program, result))), machine(machine) {}

uint32_t sprintVersion(void) { return kVersion; }

void sprintDestroyString(char *string) { std::free(string); }

void sprintDestroyBytes(uint8_t *bytes) { std::free(bytes); }

SprintStream *sprintLoadStream(const char *path, char **error) {
  return guarded(error, [&] {
    expect(path, "expected a path, got null");
    std::string message;
    std::string bytes = valueOr(readFile(path, kMaxStreamBytes, message), message);
    return parseStream(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                       std::string(path) + ": ");
  });
}

SprintStream *sprintParseStream(const void *bytes, size_t size, char **error) {
  return guarded(error, [&] {
    expect(bytes, "expected bytes, got null");
    return parseStream(static_cast<const uint8_t *>(bytes), size, "");
  });
}

void sprintDestroyStream(SprintStream *stream) { delete stream; }

size_t sprintNumPrograms(const SprintStream *stream) {
  return stream ? stream->stream.programs.size() : 0;
}

const char *sprintProgramName(const SprintStream *stream, size_t program) {
  if (program >= sprintNumPrograms(stream))
    return nullptr;
  return stream->stream.programs[program].name.c_str();
}

const char *sprintProgramMachine(const SprintStream *stream, size_t program) {
  if (program >= sprintNumPrograms(stream))
    return nullptr;
  return stream->stream.programs[program].machine.c_str();
}

bool sprintSetThresholds(SprintStream *stream, size_t program, const float *thresholds,
                         size_t count, char **error) {
  return guarded(error, [&] {
    expect(stream, "expected a stream, got null");
    expect(program < sprintNumPrograms(stream), kNoProgram);
    expect(thresholds || count == 0, "expected thresholds, got null");
    std::string message;
    bool isSet = setThresholds(stream->stream.programs[program], {thresholds, count}, message);
    expect(isSet, message.c_str());
    return true;
  });
}

uint8_t *sprintSerializeStream(const SprintStream *stream, size_t *size, char **error) {
  return guarded(error, [&] {
    expect(stream && size, "expected a stream and a size, got null");
    std::vector<uint8_t> bytes = serialize(stream->stream);
    auto *copy = static_cast<uint8_t *>(std::malloc(bytes.size()));
    if (!copy)
      throw std::bad_alloc();
    std::ranges::copy(bytes, copy);
    *size = bytes.size();
    return copy;
  });
}

SprintMachine *sprintLoadMachine(const char *nameOrPath, char **error) {
  return guarded(error, [&] {
    expect(nameOrPath, "expected the name of a machine, got null");
    std::string message;
    std::optional<Machine> machine = loadMachine(nameOrPath, message);
    return new SprintMachine{valueOr(std::move(machine), message)};
  });
}

void sprintDestroyMachine(SprintMachine *machine) { delete machine; }

char *sprintCheckProgram(const SprintStream *stream, size_t program, const SprintMachine *machine,
                         char **error) {
  return guarded(error, [&] {
    expect(stream && machine, "expected a stream and a machine, got null");
    expect(program < sprintNumPrograms(stream), kNoProgram);
    const Program &checked = stream->stream.programs[program];
    std::string text;
    for (const Finding &finding : check(checked, machine->machine))
      text += std::string(toString(finding.severity)) + ": " + toString(checked, finding) + "\n";
    char *copy = copyString(text);
    if (!copy)
      throw std::bad_alloc();
    return copy;
  });
}

/// Runs what the caller says by `run`, a function of a program, operands and options.
template <typename Run>
static SprintResult *launchKnown(const SprintStream &stream, const Machine &machine,
                                 const SprintLaunch &launch, Run run) {
  expect(launch.program < sprintNumPrograms(&stream), kNoProgram);
  LaunchOptions options;
  expect(setFlags(launch.flags, options), "expected flags of enum SprintLaunchFlags");
  options.thresholds = policyOf(launch);
  if (launch.calibration)
    options.calibration = &launch.calibration->calibration;
  if (launch.cache)
    options.cache = launch.cache->cache.get();
  const Program &program = stream.stream.programs[launch.program];
  std::string message;
  std::optional<LaunchResult> value = run(program, operandsOf(launch), options, message);
  return new SprintResult(program, valueOr(std::move(value), message), machine);
}

SprintResult *sprintLaunch(const SprintStream *stream, const SprintMachine *machine,
                           const SprintLaunch *callers, char **error) {
  return guarded(error, [&] {
    expect(stream && machine && callers, "expected a stream, a machine and a launch, got null");
    SprintLaunch launch = knownOf(*callers);
    expect(!launch.cache, "expected no cache, as none is of a machine without a device");
    return launchKnown(*stream, machine->machine, launch,
                       [&](const Program &program, const LaunchOperands &operands,
                           const LaunchOptions &options, std::string &message) {
                         return sprint::launch(program, machine->machine, operands, options,
                                               message);
                       });
  });
}

SprintDevice *sprintCreateDevice(const SprintMachine *machine, char **error) {
  return guarded(error, [&] {
    expect(machine, "expected a machine, got null");
    return new SprintDevice{Device(machine->machine)};
  });
}

void sprintDestroyDevice(SprintDevice *device) { delete device; }

SprintResult *sprintLaunchOnDevice(SprintDevice *device, const SprintStream *stream,
                                   const SprintLaunch *callers, char **error) {
  return guarded(error, [&] {
    expect(device && stream && callers, "expected a device, a stream and a launch, got null");
    return launchKnown(*stream, device->device.machine(), knownOf(*callers),
                       [&](const Program &program, const LaunchOperands &operands,
                           const LaunchOptions &options, std::string &message) {
                         return device->device.launch(program, operands, options, message);
                       });
  });
}

SprintCache *sprintCreateCache(SprintDevice *device, const SprintCacheOptions *callers,
                               char **error) {
  return guarded(error, [&] {
    expect(device && callers, "expected a device and options of a cache, got null");
    SprintCacheOptions options;
    std::string fault = copyKnown(*callers, "SprintCacheOptions", sizeof(SprintCacheOptions),
                                  sizeof(void *), options);
    expect(fault.empty(), fault.c_str());
    expect(options.querySteps && options.keySteps && options.valueSteps,
           "expected steps of queries, keys and values, got null");
    // Bounds how many steps are read.
    auto isCount = [](int64_t count) { return count >= 1 && count <= kMaxLength; };
    expect(isCount(options.batches) && isCount(options.heads) && isCount(options.keyHeads) &&
               options.batches * options.heads <= kMaxLength && options.keyHeads <= options.heads,
           "expected 1 to 2^30 heads of all batch elements, and no more key heads");
    auto copy = [&](const float *from, int64_t heads) {
      return std::vector<float>(from, from + options.batches * heads);
    };
    std::string message;
    std::unique_ptr<Cache> cache = device->device.createCache(
        {options.batches, options.heads, options.keyHeads, options.headDim, options.valueDim},
        {copy(options.querySteps, options.heads), copy(options.keySteps, options.keyHeads),
         copy(options.valueSteps, options.keyHeads)},
        message);
    expect(cache != nullptr, message.c_str());
    return new SprintCache{std::move(cache)};
  });
}

void sprintDestroyCache(SprintCache *cache) { delete cache; }

int64_t sprintCacheLength(const SprintCache *cache) { return cache->cache->length(); }

void sprintDestroyResult(SprintResult *result) { delete result; }

SprintCalibration *sprintCreateCalibration(void) {
  return guarded(nullptr, [] { return new SprintCalibration; });
}

void sprintDestroyCalibration(SprintCalibration *calibration) { delete calibration; }

const float *sprintCalibratedThresholds(SprintCalibration *calibration, uint32_t policy,
                                        double fraction, size_t *count, char **error) {
  return guarded(error, [&]() -> const float * {
    expect(calibration && count, "expected a calibration and a count, got null");
    std::string message;
    calibration->thresholds =
        valueOr(calibration->calibration.thresholds(kindOf(policy), fraction, message), message);
    *count = calibration->thresholds.size();
    return calibration->thresholds.data();
  });
}

const float *sprintOutput(const SprintResult *result, int64_t shape[4]) {
  std::ranges::copy(result->result.shape, shape);
  return result->result.output.data();
}

const int32_t *sprintOutputCodes(const SprintResult *result) { return result->result.codes.data(); }

const float *sprintThresholds(const SprintResult *result, size_t *count) {
  *count = result->result.thresholds.size();
  return result->result.thresholds.data();
}

const uint8_t *sprintMasks(const SprintResult *result, int64_t shape[3]) {
  const LaunchShape &dimensions = result->result.dimensions;
  shape[0] = dimensions.batches * dimensions.heads;
  shape[1] = dimensions.queries;
  shape[2] = dimensions.keys;
  return result->result.masks.empty() ? nullptr : result->result.masks.data();
}

void sprintGetStatistics(const SprintResult *result, SprintStatistics *statistics) {
  store(result->result.statistics, *statistics);
}

const char *sprintStatistics(const SprintResult *result) { return result->statistics.c_str(); }

char *sprintTrace(const SprintResult *const *results, size_t count, char **error) {
  return guarded(error, [&] {
    expect(results && count > 0, "expected results, got none");
    std::vector<LaunchTrace> launches;
    for (const SprintResult *result : std::span(results, count)) {
      expect(result, "expected results, got null");
      expect(!result->result.trace.empty(), "expected launches with SPRINT_RECORD_TRACE");
      launches.push_back({result->program, result->result.trace, result->result.statistics.cycles,
                          result->result.counters});
    }
    char *trace = copyString(traceToJson(launches, results[0]->machine));
    if (!trace)
      throw std::bad_alloc();
    return trace;
  });
}
