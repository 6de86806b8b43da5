//===- Compiler.cpp - C API of the compiler -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sprint-c/Compiler.h"

#include "CAPI/Arguments.h"
#include "CAPI/Handles.h"
#include "Sprint/Driver/Runs.h"
#include "Sprint/Support/IRFiles.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::sprint;
using PolicyKind = ::sprint::ThresholdPolicy::Kind;

struct SprintModel {
  std::unique_ptr<MLIRContext> context;
  std::optional<Model> model;
  /// What sprintNumHostAttentions found.
  std::vector<::sprint::HostReport> hostAttentions;
};

struct SprintSchedule {
  SprintModel &model;
  ScheduledModel scheduled;
};

struct SprintExecutable {
  CompiledModel compiled;
  /// What `compiled` runs; its thresholds are this executable's alone.
  std::shared_ptr<SprintStream> stream;
};

struct SprintRun {
  std::vector<HostTensor> outputs;
  std::vector<std::unique_ptr<SprintResult>> launches;
};

namespace {
/// What a function returns that has failed.
struct Failure {
  operator bool() const { return false; }
  template <typename Object> operator Object *() const { return nullptr; }
};
} // namespace

static Failure fail(char **error, StringRef message) {
  if (error)
    *error = ::sprint::copyString(message);
  return {};
}

static Failure fail(char **error, llvm::Error failure) {
  return fail(error, llvm::toString(std::move(failure)));
}

/// Begins a function that can fail.
static void begin(char **error) {
  if (error)
    *error = nullptr;
}

/// What the caller says in a struct, all of whose members have, or share, eight bytes; null says
/// nothing. Without a value, the message is stored.
template <typename Struct>
static std::optional<Struct> getKnown(const Struct *given, const char *name, char **error) {
  Struct known = {};
  if (!given)
    return known;
  std::string fault =
      ::sprint::copyKnown(*given, name, sizeof(given->size), sizeof(uint64_t), known);
  if (fault.empty())
    return known;
  fail(error, fault);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static SprintModel *readModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                              const SprintModelOptions *given, char **error) {
  std::optional<SprintModelOptions> options = getKnown(given, "SprintModelOptions", error);
  if (!options)
    return nullptr;
  auto result = std::make_unique<SprintModel>();
  result->context = createModelContext();
  // Errors are returned; what stays on the host is asked for.
  result->context->getDiagEngine().registerHandler([](Diagnostic &) { return success(); });
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  llvm::Expected<Model> model =
      Model::parse(sources, *result->context, options->entry ? options->entry : "",
                   options->arch ? options->arch : SprintAttachMachineOptions().arch);
  if (!model)
    return fail(error, model.takeError());
  result->model = std::move(*model);
  return result.release();
}

SprintModel *sprintLoadModel(const char *path, const SprintModelOptions *options, char **error) {
  begin(error);
  if (!path)
    return fail(error, "expected a path, got null");
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = openIRFile(path);
  if (!buffer)
    return fail(error, buffer.takeError());
  return readModel(std::move(*buffer), options, error);
}

SprintModel *sprintParseModel(const void *bytes, size_t numBytes, const char *name,
                              const SprintModelOptions *options, char **error) {
  begin(error);
  if (!bytes || !name)
    return fail(error, "expected a model and its name, got null");
  StringRef text(static_cast<const char *>(bytes), numBytes);
  if (llvm::Error failure = checkText(text, name))
    return fail(error, std::move(failure));
  return readModel(copyIR(text, name), options, error);
}

void sprintDestroyModel(SprintModel *model) { delete model; }

bool sprintCutModel(SprintModel *model, char **error) {
  begin(error);
  if (!model)
    return fail(error, "expected a model, got null");
  if (llvm::Error failure = model->model->cut())
    return fail(error, std::move(failure));
  return true;
}

size_t sprintNumHostAttentions(SprintModel *model) {
  if (!model)
    return 0;
  model->hostAttentions = model->model->getHostAttentions();
  return model->hostAttentions.size();
}

const char *sprintHostAttentionLocation(SprintModel *model, size_t index) {
  return model && index < model->hostAttentions.size()
             ? model->hostAttentions[index].location.c_str()
             : nullptr;
}

const char *sprintHostAttentionReason(SprintModel *model, size_t index) {
  return model && index < model->hostAttentions.size() ? model->hostAttentions[index].reason.c_str()
                                                       : nullptr;
}

SprintMachine *sprintModelMachine(SprintModel *model, char **error) {
  if (!sprintCutModel(model, error))
    return nullptr;
  return new SprintMachine{*model->model->getMachine()};
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

SprintSchedule *sprintScheduleModel(SprintModel *model, const char *schedule, char **error) {
  begin(error);
  if (!model)
    return fail(error, "expected a model, got null");
  llvm::Expected<ScheduledModel> scheduled =
      model->model->schedule(schedule ? schedule : SprintScheduleFetchesOptions().schedule);
  if (!scheduled)
    return fail(error, scheduled.takeError());
  return new SprintSchedule{*model, std::move(*scheduled)};
}

void sprintDestroySchedule(SprintSchedule *schedule) { delete schedule; }

char *sprintPrintLevel(SprintSchedule *schedule, const char *level, char **error) {
  begin(error);
  if (!schedule || !level)
    return fail(error, "expected a schedule and the name of a level, got null");
  const auto *info = llvm::find_if(
      getLevels(), [&](const LevelInfo &info) { return info.name == StringRef(level); });
  if (info == getLevels().end())
    return fail(error, "expected the name of a level, got '" + std::string(level) + "'");
  if (llvm::Error failure = schedule->scheduled.lowerTo(info->level))
    return fail(error, std::move(failure));
  std::string text;
  llvm::raw_string_ostream os(text);
  schedule->scheduled.getModule(info->level)->print(os);
  return ::sprint::copyString(text + "\n");
}

SprintStream *sprintEmitStream(SprintSchedule *schedule, char **error) {
  begin(error);
  if (!schedule)
    return fail(error, "expected a schedule, got null");
  auto stream = schedule->scheduled.emit();
  if (!stream)
    return fail(error, stream.takeError());
  if (!*stream)
    return fail(error, "expected an attention for the machine, got none");
  return new SprintStream{**stream};
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

SprintExecutable *sprintCompileModel(SprintSchedule *schedule, char **error) {
  begin(error);
  if (!schedule)
    return fail(error, "expected a schedule, got null");
  llvm::Expected<CompiledModel> compiled = schedule->scheduled.compile();
  if (!compiled)
    return fail(error, compiled.takeError());
  auto executable = std::make_unique<SprintExecutable>();
  executable->compiled = std::move(*compiled);
  if (executable->compiled.stream) {
    executable->stream.reset(new SprintStream{*executable->compiled.stream});
    executable->compiled.stream = {executable->stream, &executable->stream->stream};
  }
  return executable.release();
}

void sprintDestroyExecutable(SprintExecutable *executable) { delete executable; }

SprintStream *sprintExecutableStream(SprintExecutable *executable) {
  return executable ? executable->stream.get() : nullptr;
}

static_assert(SPRINT_TYPE_COMPLEX_F64 == static_cast<int>(ElementType::ComplexF64) &&
              SPRINT_TYPE_F32 == static_cast<int>(ElementType::F32));

/// Copies the inputs of `numRuns` runs. Fails, with a message, on what is no tensor.
static std::optional<ModelInputs> getInputs(const SprintModelTensor *inputs, size_t numInputs,
                                            size_t numRuns, char **error) {
  ModelInputs runs(numRuns);
  if (!inputs && numInputs * numRuns != 0) {
    fail(error, "expected inputs, got null");
    return std::nullopt;
  }
  for (size_t index = 0; index < numInputs * numRuns; ++index) {
    const SprintModelTensor &input = inputs[index];
    std::string name = "input " + std::to_string(index);
    if (input.elementType > SPRINT_TYPE_COMPLEX_F64 || (input.rank != 0 && !input.shape)) {
      fail(error, name + ": expected a value of enum SprintElementType and a shape");
      return std::nullopt;
    }
    auto type = static_cast<ElementType>(input.elementType);
    ArrayRef<int64_t> shape(input.shape, input.rank);
    // As many bytes as no tensor has.
    constexpr int64_t kMaxBytes = int64_t(1) << 46;
    auto bytes = static_cast<int64_t>(getElementSize(type));
    bool isEmpty = llvm::is_contained(shape, 0);
    for (int64_t size : shape) {
      if (size < 0 || (!isEmpty && size > kMaxBytes / bytes)) {
        fail(error, name + ": expected sizes of a tensor");
        return std::nullopt;
      }
      bytes *= size;
    }
    if (!input.data && bytes != 0) {
      fail(error, name + ": expected elements, got null");
      return std::nullopt;
    }
    const auto *data = static_cast<const std::byte *>(input.data);
    runs[index / numInputs].push_back(
        {type, SmallVector<int64_t>(shape), std::vector<std::byte>(data, data + bytes)});
  }
  return runs;
}

SprintRun *sprintRunModel(SprintExecutable *executable, const SprintModelTensor *inputs,
                          size_t numInputs, const SprintRunOptions *given, char **error) {
  begin(error);
  if (!executable)
    return fail(error, "expected an executable, got null");
  std::optional<SprintRunOptions> options = getKnown(given, "SprintRunOptions", error);
  if (!options)
    return nullptr;
  ::sprint::LaunchOptions launches;
  std::optional<PolicyKind> policy = ::sprint::policyKindOf(options->thresholdPolicy);
  if (!policy || *policy == PolicyKind::Given || !::sprint::setFlags(options->flags, launches))
    return fail(error, "expected a threshold policy that is not given, and flags of enum "
                       "SprintLaunchFlags");
  launches.thresholds = {*policy, {}, options->fraction};
  std::optional<ModelInputs> copies = getInputs(inputs, numInputs, /*numRuns=*/1, error);
  if (!copies)
    return nullptr;
  const CompiledModel &compiled = executable->compiled;
  llvm::Expected<DeviceRuns> runs = runOnDevice(compiled, *copies, launches, /*keepsResults=*/true);
  if (!runs)
    return fail(error, runs.takeError());
  auto run = std::make_unique<SprintRun>();
  run->outputs = std::move(runs->outputs.front());
  for (CompletedLaunch &launch : runs->launches)
    run->launches.push_back(std::make_unique<SprintResult>(
        compiled.stream->programs[launch.program], std::move(launch.result), *compiled.machine));
  return run.release();
}

void sprintDestroyRun(SprintRun *run) { delete run; }

size_t sprintNumOutputs(const SprintRun *run) { return run ? run->outputs.size() : 0; }

bool sprintRunOutput(const SprintRun *run, size_t index, SprintModelTensor *output) {
  if (index >= sprintNumOutputs(run) || !output)
    return false;
  const HostTensor &tensor = run->outputs[index];
  *output = {static_cast<uint32_t>(tensor.elementType), static_cast<uint32_t>(tensor.shape.size()),
             tensor.shape.data(), tensor.data.data()};
  return true;
}

size_t sprintNumLaunches(const SprintRun *run) { return run ? run->launches.size() : 0; }

const SprintResult *sprintRunLaunch(const SprintRun *run, size_t index) {
  return index < sprintNumLaunches(run) ? run->launches[index].get() : nullptr;
}

bool sprintCalibrateModel(SprintExecutable *executable, const SprintModelTensor *inputs,
                          size_t numInputs, size_t numRuns, uint32_t policy, double fraction,
                          char **error) {
  begin(error);
  if (!executable || numRuns == 0)
    return fail(error, "expected an executable and runs, got none");
  std::optional<PolicyKind> kind = ::sprint::policyKindOf(policy);
  if (kind != PolicyKind::PruneRate && kind != PolicyKind::KeepMass)
    return fail(error, "expected SPRINT_THRESHOLDS_PRUNE_RATE or SPRINT_THRESHOLDS_KEEP_MASS");
  std::optional<ModelInputs> copies = getInputs(inputs, numInputs, numRuns, error);
  if (!copies)
    return false;
  ::sprint::LaunchOptions launches;
  launches.thresholds = {*kind, {}, fraction};
  llvm::Expected<ModelThresholds> thresholds = calibrate(executable->compiled, *copies, launches);
  if (!thresholds)
    return fail(error, thresholds.takeError());
  for (auto [index, row] : llvm::enumerate(*thresholds))
    if (!sprintSetThresholds(executable->stream.get(), index, row.data(), row.size(), error))
      return false;
  return true;
}
