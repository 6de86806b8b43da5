//===- Runtime.cpp - C API of the runtime ---------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "sprint-c/Runtime.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Report.h"
#include "SprintRuntime/Simulator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

using namespace sprint;

struct SprintStream {
  CommandStream stream;
};

struct SprintMachine {
  Machine machine;
};

struct SprintResult {
  LaunchResult result;
  std::string statistics;
  std::string trace;
};

namespace {

constexpr uint32_t kVersion = 1;

/// A failure on its way out of a function of the API.
struct ApiError {
  std::string message;
};

void setError(char **error, const char *message) {
  if (!error)
    return;
  size_t size = std::strlen(message) + 1;
  *error = static_cast<char *>(std::malloc(size));
  if (*error)
    std::memcpy(*error, message, size);
}

/// Calls `function`, turning whatever it throws into null and a message.
template <typename Function> auto guarded(char **error, Function function) -> decltype(function()) {
  if (error)
    *error = nullptr;
  try {
    return function();
  } catch (const ApiError &failure) {
    setError(error, failure.message.c_str());
  } catch (const std::exception &exception) {
    setError(error, exception.what());
  }
  return nullptr;
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

TensorView viewOf(const float *data, const int64_t (&shape)[4]) {
  TensorView view;
  view.data = data;
  std::ranges::copy(shape, view.shape.begin());
  return view;
}

ThresholdPolicy policyOf(const SprintLaunch &launch) {
  ThresholdPolicy policy;
  switch (launch.thresholdPolicy) {
  case SPRINT_THRESHOLDS_PROGRAM:
    policy.kind = ThresholdPolicy::Kind::Program;
    break;
  case SPRINT_THRESHOLDS_GIVEN:
    expect(launch.thresholds != nullptr, "expected thresholds, got null");
    policy.kind = ThresholdPolicy::Kind::Given;
    policy.thresholds.assign(launch.thresholds, launch.thresholds + launch.numThresholds);
    break;
  case SPRINT_THRESHOLDS_PRUNE_RATE:
    policy.kind = ThresholdPolicy::Kind::PruneRate;
    policy.rate = launch.pruneRate;
    break;
  default:
    throw ApiError{"expected a value of enum SprintThresholds, got " +
                   std::to_string(launch.thresholdPolicy)};
  }
  return policy;
}

} // namespace

uint32_t sprintVersion(void) { return kVersion; }

void sprintDestroyString(char *string) { std::free(string); }

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

SprintMachine *sprintLoadMachine(const char *nameOrPath, char **error) {
  return guarded(error, [&] {
    expect(nameOrPath, "expected the name of a machine, got null");
    std::string message;
    std::optional<Machine> machine = loadMachine(nameOrPath, message);
    return new SprintMachine{valueOr(std::move(machine), message)};
  });
}

void sprintDestroyMachine(SprintMachine *machine) { delete machine; }

SprintResult *sprintLaunch(const SprintStream *stream, const SprintMachine *machine,
                           const SprintLaunch *launch, char **error) {
  return guarded(error, [&] {
    expect(stream && machine && launch, "expected a stream, a machine and a launch, got null");
    expect(launch->size == sizeof(SprintLaunch),
           "expected a SprintLaunch of this version; is its size set?");
    expect(!launch->cache, "expected no cache; this version has none");
    expect(launch->program < sprintNumPrograms(stream),
           "expected the index of a program of the stream");
    constexpr uint32_t kKnownFlags = SPRINT_RECORD_MASKS | SPRINT_RECORD_TRACE;
    expect((launch->flags & ~kKnownFlags) == 0, "expected flags of enum SprintLaunchFlags");

    LaunchOptions options;
    options.thresholds = policyOf(*launch);
    options.masks = launch->flags & SPRINT_RECORD_MASKS;
    options.trace = launch->flags & SPRINT_RECORD_TRACE;
    const Program &program = stream->stream.programs[launch->program];
    std::string message;
    std::optional<LaunchResult> value =
        sprint::launch(program, machine->machine, viewOf(launch->query, launch->queryShape),
                       viewOf(launch->key, launch->keyShape),
                       viewOf(launch->value, launch->valueShape), options, message);
    LaunchResult result = valueOr(std::move(value), message);
    std::string statistics = toJson(LaunchReport(program.name, result));
    std::string trace;
    if (options.trace)
      trace = traceToJson({&result.trace, 1}, {&result.statistics.cycles, 1}, machine->machine);
    return new SprintResult{std::move(result), std::move(statistics), std::move(trace)};
  });
}

void sprintDestroyResult(SprintResult *result) { delete result; }

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

const char *sprintStatistics(const SprintResult *result) { return result->statistics.c_str(); }

const char *sprintTrace(const SprintResult *result) {
  return result->trace.empty() ? nullptr : result->trace.c_str();
}
