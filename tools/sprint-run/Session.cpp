//===- Session.cpp - One run of sprint-run --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "ModelRunner.h"
#include "Tensors.h"

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "Sprint/Target/CommandStream.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Npy.h"
#include "SprintRuntime/Progress.h"
#include "SprintRuntime/Report.h"
#include "SprintRuntime/ThresholdFile.h"
#include "SprintRuntime/Trace.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

static LogicalResult fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "sprint-run") << message << "\n";
  return failure();
}

namespace {

/// What thresholds are calibrated for.
struct CalibrationTarget {
  /// PruneRate or KeepMass, as the report and the C API call it.
  ::sprint::ThresholdPolicy::Kind kind;
  uint32_t policy;
  double fraction;
};

/// How far the launches of a run go and what they leave behind.
struct LaunchPlan {
  /// Of each program; empty takes those compiled in, or `policy`.
  ModelThresholds thresholds;
  /// One of enum SprintThresholds, where `thresholds` is empty.
  uint32_t policy = SPRINT_THRESHOLDS_PROGRAM;
  double fraction = 0;
  /// Gathers over all runs, one a program; may be empty.
  ArrayRef<SprintCalibration *> calibrations;
  uint32_t flags = 0;
};

/// What the runs of a model on the machine leave behind.
struct DeviceRuns {
  /// Of each run.
  std::vector<std::vector<HostTensor>> outputs;
  std::vector<::sprint::LaunchReport> reports;
  /// The launches themselves; empty where nothing but the report is asked for.
  std::vector<CompletedLaunch> launches;
  double hostSeconds = 0;
};

/// One call of the tool: what was read, what has been found out so far, and the files to be
/// written.
class Session {
public:
  explicit Session(const RunOptions &options) : options(options) {
    using Kind = ::sprint::ThresholdPolicy::Kind;
    if (options.pruneRate)
      target = {Kind::PruneRate, SPRINT_THRESHOLDS_PRUNE_RATE, *options.pruneRate};
    else if (options.keepMass)
      target = {Kind::KeepMass, SPRINT_THRESHOLDS_KEEP_MASS, *options.keepMass};
    DialectRegistry registry;
    mlir::sprint::registerAllDialects(registry);
    registerExecution(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  LogicalResult run();

private:
  /// Refuses, before there is anything to lose, paths at which no file can be written.
  LogicalResult checkOutputPaths() const;
  LogicalResult readInputs(ModelRunner &runner);
  /// Reads what is expected of the results; to be called when it is known how many runs there are.
  LogicalResult readReferences(ModelRunner &runner);
  /// Compares the results with what was expected.
  LogicalResult compareReferences();
  /// Thresholds that are known before the model has run; empty where there are none.
  FailureOr<ModelThresholds> readGivenThresholds(const CompiledModel &model);
  /// Runs all inputs with every key kept, and chooses thresholds that suit them together.
  FailureOr<ModelThresholds> calibrate(CompiledModel &model);
  LogicalResult addThresholds(const CompiledModel &model, const ModelThresholds &thresholds);
  /// How the launches find their thresholds; those that are known are compiled in, too. With
  /// `isGathered` they are calibrated on all launches together.
  FailureOr<LaunchPlan> planLaunches(ModelRunner &runner, CompiledModel &model, bool isGathered);
  /// Gives what is compiled from now on its thresholds; none leave it as it is.
  LogicalResult compileIn(ModelRunner &runner, const CompiledModel &model,
                          const ModelThresholds &thresholds);
  FailureOr<DeviceRuns> runOnDevice(CompiledModel &model, const LaunchPlan &plan);
  /// Runs the level asked for; sets `outputs`.
  LogicalResult runLevel(ModelRunner &runner);
  LogicalResult runHostLevel(ModelRunner &runner);
  LogicalResult runBaseline(ModelRunner &runner);
  LogicalResult addOutputs();
  LogicalResult addDumps(const DeviceRuns &runs);
  LogicalResult addArtifacts(ModelRunner &runner);

  /// Adds a remark to the report; false where an earlier compilation has told the same.
  bool noteRemark(const Diagnostic &diagnostic);
  /// To be called before the model is compiled again.
  void forgetRemarks() { remarks.clear(); }

  /// Whether what a launch leaves behind is needed beyond its report.
  bool needsLaunches() const {
    return !options.masksFile.empty() || !options.codesFile.empty() || !options.traceFile.empty();
  }

  /// Reports what failed while the model ran, with its inputs, as it may be about their values. An
  /// error without a message has been reported as a diagnostic.
  LogicalResult fail(llvm::Error error, size_t run = 0) const {
    std::string message = llvm::toString(std::move(error));
    if (message.empty())
      return failure();
    size_t count = inputPaths.size() / std::max<size_t>(inputs.size(), 1);
    return ::fail(options.model + ": " + message + " (inputs: " +
                  llvm::join(ArrayRef(inputPaths).slice(run * count, count), ", ") + ")");
  }
  LogicalResult addText(const std::string &path, StringRef text) {
    std::string error;
    return noteFile(files.add(path, std::string_view(text), error), path, error);
  }
  /// `added` is what adding `path` returned.
  LogicalResult noteFile(bool added, const std::string &path, const std::string &error) {
    if (!added)
      return ::fail(error);
    paths.push_back(path);
    return success();
  }

  void printReport() const;
  void printErrors() const;

  const RunOptions &options;
  /// Nothing where thresholds are not calibrated.
  std::optional<CalibrationTarget> target;
  MLIRContext context;
  /// Of all runs, one after another.
  std::vector<std::string> inputPaths;
  /// Of each run.
  std::vector<std::vector<HostTensor>> inputs, outputs;
  /// Of the results of all runs, one after another, as far as they are given.
  std::vector<HostTensor> references;
  std::vector<ProgramInfo> programs;
  /// Of the compilation under way.
  std::vector<::sprint::HostReport> remarks;
  ::sprint::RunReport report;
  ::sprint::OutputFiles files;
  /// Of the files, for the terminal.
  std::vector<std::string> paths;
};

} // namespace

/// A path in folder `folder`.
static std::string join(StringRef folder, const Twine &name) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

/// Refuses a path at which no file can be written, as far as can be told before.
static LogicalResult checkOutputPath(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return fail(path + ": is a folder");
  SmallString<128> folder(path);
  if (std::error_code code = llvm::sys::fs::make_absolute(folder))
    return fail(path + ": cannot be written: " + code.message());
  // Folders that do not exist are made.
  do
    llvm::sys::path::remove_filename(folder);
  while (!llvm::sys::fs::exists(folder) && llvm::sys::path::has_relative_path(folder));
  if (!llvm::sys::fs::is_directory(folder))
    return fail(path + ": cannot make the folder: " + folder + " is a file");
  if (std::error_code code = llvm::sys::fs::access(folder, llvm::sys::fs::AccessMode::Write))
    return fail(path + ": cannot be written: " + code.message());
  return success();
}

LogicalResult Session::checkOutputPaths() const {
  for (const std::string &path : {options.calibrateFile, options.statsFile, options.traceFile,
                                  options.masksFile, options.codesFile})
    if (!path.empty() && failed(checkOutputPath(path)))
      return failure();
  for (const auto &[folder, file] :
       {std::pair(options.outputDir, "0.npy"), {options.artifactsDir, "attention.mlir"}})
    if (!folder.empty() && failed(checkOutputPath(join(folder, file))))
      return failure();
  return success();
}

LogicalResult Session::readInputs(ModelRunner &runner) {
  func::FuncOp function = runner.getFunction();
  FailureOr<SmallVector<Signature>> arguments =
      getSignatures(function, "argument", function.getArgumentTypes());
  llvm::Expected<std::vector<std::string>> expanded = expandFolders(options.inputs);
  if (!expanded)
    return ::fail(llvm::toString(expanded.takeError()));
  if (failed(arguments))
    return failure();
  inputPaths = std::move(*expanded);
  size_t count = arguments->size();
  if (inputPaths.empty() ? count != 0 : count == 0 || inputPaths.size() % count != 0)
    return ::fail(options.model + ": expected " + Twine(count) + " inputs for each run of '" +
                  function.getName() + "', got " + Twine(inputPaths.size()));
  inputs.resize(count == 0 ? 1 : inputPaths.size() / count);
  for (auto [index, path] : llvm::enumerate(inputPaths)) {
    size_t number = index % count;
    std::string place = llvm::formatv("argument {0} of '{1}', a {2}", number, function.getName(),
                                      function.getArgumentTypes()[number]);
    llvm::Expected<HostTensor> tensor = readTensor(path, (*arguments)[number], place);
    if (!tensor)
      return ::fail(llvm::toString(tensor.takeError()));
    inputs[index / count].push_back(std::move(*tensor));
  }
  return success();
}

LogicalResult Session::readReferences(ModelRunner &runner) {
  func::FuncOp function = runner.getFunction();
  FailureOr<SmallVector<Signature>> results =
      getSignatures(function, "result", function.getResultTypes());
  if (failed(results))
    return failure();
  size_t count = results->size() * inputs.size();
  if (options.references.size() > count)
    return ::fail("--reference: expected at most " + Twine(count) + ", a file a result, got " +
                  Twine(options.references.size()));
  for (auto [index, path] : llvm::enumerate(options.references)) {
    size_t number = index % results->size();
    std::string place = llvm::formatv("result {0} of '{1}', a {2}", number, function.getName(),
                                      function.getResultTypes()[number]);
    llvm::Expected<HostTensor> tensor = readTensor(path, (*results)[number], place);
    if (!tensor)
      return ::fail(llvm::toString(tensor.takeError()));
    references.push_back(std::move(*tensor));
  }
  return success();
}

/// A tensor as a run takes it.
static SmallVector<TensorRef> toRefs(ArrayRef<HostTensor> tensors) {
  return llvm::map_to_vector(tensors, [](const HostTensor &tensor) {
    return TensorRef{tensor.elementType, tensor.shape, tensor.data.data()};
  });
}

FailureOr<ModelThresholds> Session::readGivenThresholds(const CompiledModel &model) {
  if (options.threshold)
    return ModelThresholds(model.getPrograms().size(), {*options.threshold});
  if (options.thresholdsFile.empty())
    return ModelThresholds();
  std::string error;
  std::optional<::sprint::ThresholdFile> file =
      ::sprint::readThresholds(options.thresholdsFile, error);
  std::vector<std::string> names;
  for (const ProgramInfo &program : model.getPrograms())
    names.push_back(program.name);
  std::optional<ModelThresholds> thresholds;
  if (file)
    thresholds = ::sprint::thresholdsOf(*file, options.thresholdsFile, names, error);
  if (!thresholds)
    return ::fail(error);
  return std::move(*thresholds);
}

FailureOr<DeviceRuns> Session::runOnDevice(CompiledModel &model, const LaunchPlan &plan) {
  DeviceRuns runs;
  auto progress = ::sprint::terminalProgress(options.model, "launches");
  int64_t done = 0;
  auto total = static_cast<int64_t>(model.getPrograms().size() * inputs.size());
  auto configure = [&](SprintLaunch &launch) {
    launch.flags = plan.flags;
    launch.thresholdPolicy = plan.policy;
    launch.fraction = plan.fraction;
    if (!plan.thresholds.empty()) {
      const std::vector<float> &thresholds = plan.thresholds[launch.program];
      launch.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
      launch.thresholds = thresholds.data();
      launch.numThresholds = thresholds.size();
    }
    if (!plan.calibrations.empty())
      launch.calibration = plan.calibrations[launch.program];
    // An attention in a loop is launched more often than once.
    if (progress && done < total)
      progress(done++, total);
  };
  for (auto [index, input] : llvm::enumerate(inputs)) {
    llvm::Expected<ModelRun> run = model.run(toRefs(input), configure);
    if (!run) {
      if (progress)
        progress(total, total);
      return fail(run.takeError(), index);
    }
    runs.hostSeconds += run->seconds;
    for (CompletedLaunch &launch : run->launches) {
      std::string error;
      std::optional<::sprint::LaunchReport> launchReport =
          ::sprint::launchReportFromJson(sprintStatistics(launch.result.get()), error);
      if (!launchReport)
        return ::fail(error);
      launchReport->run = static_cast<int64_t>(index);
      runs.hostSeconds -= launchReport->statistics.simulationSeconds;
      runs.reports.push_back(std::move(*launchReport));
      if (needsLaunches())
        runs.launches.push_back(std::move(launch));
    }
    runs.outputs.push_back(std::move(run->outputs));
  }
  if (progress)
    progress(total, total);
  return runs;
}

FailureOr<ModelThresholds> Session::calibrate(CompiledModel &model) {
  struct Destroy {
    void operator()(SprintCalibration *calibration) const { sprintDestroyCalibration(calibration); }
  };
  if (model.getPrograms().empty())
    return ModelThresholds();
  std::vector<std::unique_ptr<SprintCalibration, Destroy>> owned;
  std::vector<SprintCalibration *> calibrations;
  for ([[maybe_unused]] const ProgramInfo &program : model.getPrograms()) {
    owned.emplace_back(sprintCreateCalibration());
    calibrations.push_back(owned.back().get());
  }
  LaunchPlan plan;
  plan.thresholds.assign(calibrations.size(), {-std::numeric_limits<float>::infinity()});
  plan.calibrations = calibrations;
  FailureOr<DeviceRuns> runs = runOnDevice(model, plan);
  if (failed(runs))
    return failure();

  ModelThresholds thresholds;
  for (auto [program, calibration] : llvm::zip_equal(model.getPrograms(), calibrations)) {
    // What is not reached keeps every key.
    if (llvm::none_of(runs->reports, [&](const ::sprint::LaunchReport &launch) {
          return launch.program == program.name;
        })) {
      thresholds.push_back({-std::numeric_limits<float>::infinity()});
      continue;
    }
    size_t count = 0;
    char *message = nullptr;
    const float *chosen =
        sprintCalibratedThresholds(calibration, target->policy, target->fraction, &count, &message);
    if (!chosen) {
      std::string text = message ? message : "out of memory";
      sprintDestroyString(message);
      return ::fail(options.model + ": '" + program.name + "': " + text);
    }
    thresholds.emplace_back(chosen, chosen + count);
  }
  return thresholds;
}

LogicalResult Session::addThresholds(const CompiledModel &model,
                                     const ModelThresholds &thresholds) {
  ::sprint::ThresholdFile file;
  file.thresholds = thresholds;
  for (const ProgramInfo &program : model.getPrograms())
    file.attentions.push_back(program.name);
  file.kind = target->kind;
  file.fraction = target->fraction;
  file.inputs = static_cast<int64_t>(inputs.size());
  std::string error;
  return noteFile(::sprint::addThresholds(files, options.calibrateFile, file, error),
                  options.calibrateFile, error);
}

LogicalResult Session::runHostLevel(ModelRunner &runner) {
  forgetRemarks();
  llvm::Expected<CompiledModel> model = runner.compileForHost(options.level, options.schedule);
  if (!model)
    return fail(model.takeError());
  for (auto [index, input] : llvm::enumerate(inputs)) {
    llvm::Expected<ModelRun> run = model->run(toRefs(input));
    if (!run)
      return fail(run.takeError(), index);
    outputs.push_back(std::move(run->outputs));
  }
  return success();
}

LogicalResult Session::runBaseline(ModelRunner &runner) {
  forgetRemarks();
  llvm::Expected<CompiledModel> dense = runner.compileForDevice(kDenseSchedule);
  if (!dense)
    return fail(dense.takeError());
  FailureOr<DeviceRuns> runs = runOnDevice(*dense, LaunchPlan());
  if (failed(runs))
    return failure();
  report.baseline = std::move(runs->reports);
  return success();
}

FailureOr<LaunchPlan> Session::planLaunches(ModelRunner &runner, CompiledModel &model,
                                            bool isGathered) {
  LaunchPlan plan;
  plan.flags = (options.masksFile.empty() ? 0 : SPRINT_RECORD_MASKS) |
               (options.traceFile.empty() ? 0 : SPRINT_RECORD_TRACE);
  if (target && !isGathered) {
    plan.policy = target->policy;
    plan.fraction = target->fraction;
    return plan;
  }
  FailureOr<ModelThresholds> thresholds =
      isGathered ? calibrate(model) : readGivenThresholds(model);
  if (failed(thresholds) || failed(compileIn(runner, model, *thresholds)))
    return failure();
  plan.thresholds = std::move(*thresholds);
  if (!options.calibrateFile.empty() && failed(addThresholds(model, plan.thresholds)))
    return failure();
  return plan;
}

LogicalResult Session::compileIn(ModelRunner &runner, const CompiledModel &model,
                                 const ModelThresholds &thresholds) {
  if (thresholds.empty())
    return success();
  if (llvm::Error error = runner.setThresholds(model, thresholds))
    return ::fail(options.thresholdsFile + ": " + llvm::toString(std::move(error)));
  return success();
}

LogicalResult Session::runLevel(ModelRunner &runner) {
  // The other levels have no calibration of their own, and take thresholds that are compiled in.
  bool isStream = options.level == Level::Stream;
  if (!isStream && !target && !options.threshold && options.thresholdsFile.empty())
    return runHostLevel(runner);

  forgetRemarks();
  llvm::Expected<CompiledModel> model = runner.compileForDevice(options.schedule);
  if (!model)
    return fail(model.takeError());
  programs = model->getPrograms();
  // One input alone calibrates each attention on what reaches it when those before are pruned;
  // several have to agree, so each is calibrated on what reaches it when nothing is.
  bool isGathered = target && (inputs.size() > 1 || !options.calibrateFile.empty());
  FailureOr<LaunchPlan> plan = planLaunches(runner, *model, isGathered);
  if (failed(plan))
    return failure();
  bool calibratesAsItRuns = plan->policy != SPRINT_THRESHOLDS_PROGRAM;
  if (!isStream && !calibratesAsItRuns)
    return runHostLevel(runner);

  FailureOr<DeviceRuns> runs = runOnDevice(*model, *plan);
  if (failed(runs))
    return failure();
  if (calibratesAsItRuns) {
    // A program has one set of thresholds, on which the launches of a loop have to agree.
    llvm::StringSet<> launched;
    if (!llvm::all_of(runs->reports, [&](const ::sprint::LaunchReport &launch) {
          return launched.insert(launch.program).second;
        })) {
      plan = planLaunches(runner, *model, /*isGathered=*/true);
      if (failed(plan) || failed(runs = runOnDevice(*model, *plan)))
        return failure();
    } else {
      // What was not reached keeps every key.
      ModelThresholds thresholds(programs.size(), {-std::numeric_limits<float>::infinity()});
      for (auto [index, program] : llvm::enumerate(programs))
        for (const ::sprint::LaunchReport &launch : runs->reports)
          if (launch.program == program.name)
            thresholds[index] = launch.thresholds;
      if (failed(compileIn(runner, *model, thresholds)))
        return failure();
    }
  }
  if (!isStream)
    return runHostLevel(runner);

  if (failed(addDumps(*runs)) || (options.baseline && failed(runBaseline(runner))))
    return failure();
  outputs = std::move(runs->outputs);
  report.attentions = std::move(runs->reports);
  report.hostSeconds = runs->hostSeconds;
  return success();
}

LogicalResult Session::addOutputs() {
  if (options.outputDir.empty())
    return success();
  for (auto [run, tensors] : llvm::enumerate(outputs)) {
    std::string folder =
        outputs.size() == 1 ? options.outputDir : join(options.outputDir, Twine(run));
    for (auto [index, tensor] : llvm::enumerate(tensors)) {
      std::string path = join(folder, Twine(index) + ".npy");
      if (llvm::Error error = addTensor(files, path, tensor))
        return ::fail(llvm::toString(std::move(error)));
      paths.push_back(path);
    }
  }
  return success();
}

LogicalResult Session::addDumps(const DeviceRuns &runs) {
  size_t count = runs.launches.size();
  std::string error;
  std::vector<const SprintResult *> results;
  for (auto [index, launch] : llvm::enumerate(runs.launches)) {
    const SprintResult *result = launch.result.get();
    results.push_back(result);
    if (!options.masksFile.empty()) {
      int64_t shape[3];
      const uint8_t *masks = sprintMasks(result, shape);
      std::string path = ::sprint::numberedPath(options.masksFile, index, count);
      if (failed(noteFile(::sprint::addNpy(files, path, shape,
                                           ArrayRef(masks, shape[0] * shape[1] * shape[2]), error),
                          path, error)))
        return failure();
    }
    if (!options.codesFile.empty()) {
      int64_t shape[4];
      sprintOutput(result, shape);
      ArrayRef<int32_t> codes(sprintOutputCodes(result), shape[0] * shape[1] * shape[2] * shape[3]);
      std::string path = ::sprint::numberedPath(options.codesFile, index, count);
      if (failed(noteFile(::sprint::addNpy(files, path, shape, codes, error), path, error)))
        return failure();
    }
  }
  if (options.traceFile.empty())
    return success();
  if (results.empty()) {
    std::optional<::sprint::Machine> machine = ::sprint::loadMachine(options.arch, error);
    return machine ? addText(options.traceFile, ::sprint::traceToJson({}, *machine))
                   : ::fail(error);
  }
  char *message = nullptr;
  char *trace = sprintTrace(results.data(), count, &message);
  if (!trace) {
    std::string text = message ? message : "out of memory";
    sprintDestroyString(message);
    return ::fail(text);
  }
  LogicalResult added = addText(options.traceFile, trace);
  sprintDestroyString(trace);
  return added;
}

LogicalResult Session::addArtifacts(ModelRunner &runner) {
  if (options.artifactsDir.empty())
    return success();
  static constexpr std::pair<Level, StringLiteral> kLevels[] = {{Level::Attention, "attention"},
                                                                {Level::Scheduled, "scheduled"},
                                                                {Level::Tiled, "tiled"},
                                                                {Level::Stream, "stream"}};
  for (const auto &[level, name] : kLevels) {
    forgetRemarks();
    FailureOr<OwningOpRef<ModuleOp>> module = runner.lowerTo(level, options.schedule);
    if (failed(module))
      return failure();
    std::string text;
    llvm::raw_string_ostream os(text);
    (*module)->print(os);
    if (failed(addText(join(options.artifactsDir, name + ".mlir"), text + "\n")))
      return failure();
    if (level != Level::Stream || (*module)->getOps<sprint_isa::ProgramOp>().empty())
      continue;
    FailureOr<::sprint::CommandStream> stream = sprint_isa::translateToCommandStream(**module);
    if (failed(stream))
      return failure();
    std::vector<uint8_t> bytes = ::sprint::serialize(*stream);
    if (failed(addText(join(options.artifactsDir, "stream.sprint"),
                       StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()))))
      return failure();
  }
  return success();
}

/// A fraction as percent.
static std::string percent(double fraction) { return llvm::formatv("{0:F2} %", fraction * 100); }

/// Cycles as a whole number, its thousands apart.
static std::string wholeCycles(double cycles) {
  return llvm::formatv("{0:N}", static_cast<int64_t>(std::llround(cycles)));
}

/// An energy in microjoules.
static std::string microjoules(double picojoules) {
  return llvm::formatv("{0:F2}", picojoules * 1e-6);
}

using LengthOfShape = int64_t(::sprint::LaunchShape::*);

/// A length, or the range of several.
static std::string lengths(ArrayRef<const ::sprint::LaunchReport *> launches,
                           LengthOfShape length) {
  int64_t least = launches.front()->dimensions.*length, most = least;
  for (const ::sprint::LaunchReport *launch : launches) {
    least = std::min(least, launch->dimensions.*length);
    most = std::max(most, launch->dimensions.*length);
  }
  return least == most ? std::to_string(least) : std::to_string(least) + "-" + std::to_string(most);
}

void Session::printReport() const {
  llvm::raw_ostream &os = llvm::outs();
  static constexpr const char *kRow = "{0} {1,-34} {2,-16} {3,10} {4,14} {5,14} {6,12}\n";
  size_t width = 20;
  for (const ProgramInfo &program : programs)
    width = std::max(width, program.name.size());
  auto first = [&](StringRef text) { return llvm::left_justify(text, width); };
  using Shape = ::sprint::LaunchShape;
  if (!report.attentions.empty())
    os << llvm::formatv(kRow, first("attention"), "heads x queries x keys x channels", "masks",
                        "pruned", "cycles", "resident", "energy, uJ");
  std::vector<std::string> notes;
  for (const ProgramInfo &program : programs) {
    std::vector<::sprint::LaunchReport> ofProgram;
    for (const ::sprint::LaunchReport &launch : report.attentions)
      if (launch.program == program.name)
        ofProgram.push_back(launch);
    if (ofProgram.empty()) {
      // Not even at another level, which has no launches at all.
      if (options.level == Level::Stream)
        notes.push_back(program.name + ": was not reached");
      continue;
    }
    auto pointers = llvm::map_to_vector(
        ofProgram, [](const ::sprint::LaunchReport &launch) { return &launch; });
    const Shape &sizes = ofProgram.front().dimensions;
    std::string heads = std::to_string(sizes.batches * sizes.heads);
    if (sizes.group != 1)
      heads += "/" + std::to_string(sizes.batches * sizes.keyHeads());
    std::string shape =
        llvm::formatv("{0} x {1} x {2} x {3}", heads, lengths(pointers, &Shape::queries),
                      lengths(pointers, &Shape::keys), sizes.headDim);
    ::sprint::Statistics statistics = ::sprint::sumStatistics(ofProgram);
    os << llvm::formatv(kRow, first(program.name), shape, program.masks,
                        percent(statistics.prunedFraction()), wholeCycles(statistics.cycles),
                        wholeCycles(statistics.cyclesResident),
                        microjoules(statistics.totalEnergy()));
    if (statistics.hostQuadraticBytes != 0)
      notes.push_back(llvm::formatv(
          "{0}: {1:N} bytes of masks and biases with a row for each query come from the host",
          program.name, statistics.hostQuadraticBytes));
  }
  ::sprint::Statistics total = ::sprint::sumStatistics(report.attentions);
  if (total.clampedBiases != 0)
    notes.push_back(llvm::formatv("{0} biases of allowed scores at the bound of their codes",
                                  total.clampedBiases));
  if (total.rowsMaskedByBias != 0)
    notes.push_back(llvm::formatv("{0} rows without a key, as every finite bias masks",
                                  total.rowsMaskedByBias));
  if (options.level == Level::Stream && report.attentions.empty())
    for (const auto &[option, path] :
         {std::pair("--dump-masks", options.masksFile), {"--dump-codes", options.codesFile}})
      if (!path.empty())
        notes.push_back(std::string(option) + ": no attention ran on the machine, no file written");
  for (const std::string &note : notes)
    os << note << "\n";
  for (const ::sprint::HostReport &host : report.host)
    os << host.location << ": " << host.reason << "\n";
  if (report.attentions.empty() || !report.baseline)
    return;
  ::sprint::Statistics pruned = ::sprint::sumStatistics(report.attentions);
  ::sprint::Statistics dense = ::sprint::sumStatistics(*report.baseline);
  os << llvm::formatv(kRow, first("dense baseline"), "", "", "", wholeCycles(dense.cycles),
                      wholeCycles(dense.cyclesResident), microjoules(dense.totalEnergy()));
  auto ratio = [](double a, double b) -> std::string { return llvm::formatv("{0:F2}x", a / b); };
  os << llvm::formatv(kRow, first("better by"), "", "", "", ratio(dense.cycles, pruned.cycles),
                      ratio(dense.cyclesResident, pruned.cyclesResident),
                      ratio(dense.totalEnergy(), pruned.totalEnergy()));
}

/// `FILE:LINE:COLUMN` of the first place in a file that `location` knows, with its name where it
/// has one; or all that it knows.
static std::string describe(Location location) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place) {
    os << location;
    return text;
  }
  os << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn();
  if (auto named = location->findInstanceOf<NameLoc>())
    (os << " (").write_escaped(named.getName().getValue()) << ")";
  return text;
}

bool Session::noteRemark(const Diagnostic &diagnostic) {
  remarks.push_back({"attention", describe(diagnostic.getLocation()), diagnostic.str()});
  // A model that is compiled again says again what it said before.
  if (llvm::count(remarks, remarks.back()) <= llvm::count(report.host, remarks.back()))
    return false;
  report.host.push_back(remarks.back());
  return true;
}

LogicalResult Session::compareReferences() {
  std::vector<const HostTensor *> results;
  for (const std::vector<HostTensor> &tensors : outputs)
    for (const HostTensor &tensor : tensors)
      results.push_back(&tensor);
  for (auto [path, reference, result] : llvm::zip(options.references, references, results)) {
    if (reference.shape != result->shape)
      return ::fail(
          path + ": expected the shape of result " + Twine(report.referenceErrors.size()) + ", " +
          llvm::formatv("{0:$[x]}", llvm::make_range(result->shape.begin(), result->shape.end()))
              .str());
    double difference = 0, norm = 0;
    for (auto [expected, got] : llvm::zip_equal(toDoubles(reference), toDoubles(*result))) {
      difference += (got - expected) * (got - expected);
      norm += expected * expected;
    }
    // What is zero and should be has no error.
    report.referenceErrors.push_back(difference == 0 ? 0 : std::sqrt(difference / norm));
  }
  return success();
}

void Session::printErrors() const {
  for (auto [index, path, error] : llvm::enumerate(options.references, report.referenceErrors))
    llvm::outs() << llvm::formatv("result {0}: relative error {1} (Frobenius) against {2}\n", index,
                                  percent(error), path);
}

LogicalResult Session::run() {
  if (failed(checkOutputPaths()))
    return failure();
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(options.model, &message);
  if (!file)
    return ::fail(message);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  SourceMgrDiagnosticHandler sourceHandler(sources, &context);
  // What is not raised is a row of the report, too.
  ScopedDiagnosticHandler remarkHandler(&context, [&](Diagnostic &diagnostic) {
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Remark &&
                   !noteRemark(diagnostic));
  });

  OwningOpRef<ModuleOp> model = parseSourceFile<ModuleOp>(sources, &context);
  if (!model)
    return failure();
  report.machine = options.arch;
  ModelRunner runner(std::move(model), options.entry, options.arch);
  if (failed(runner.raise()) || failed(readInputs(runner)) || failed(readReferences(runner)))
    return failure();
  if (!runner.hasAttentions() && report.host.empty())
    report.host.push_back(
        {"model", describe(runner.getFunction().getLoc()), "no attention was found"});
  if (failed(runLevel(runner)) || failed(compareReferences()) || failed(addOutputs()) ||
      failed(addArtifacts(runner)))
    return failure();
  if (!options.statsFile.empty() && failed(addText(options.statsFile, ::sprint::toJson(report))))
    return failure();
  std::string error;
  if (!files.commit(error))
    return ::fail(error);
  printReport();
  printErrors();
  // A line for each of many runs would hide what is above.
  static constexpr size_t kMaxPaths = 32;
  for (const std::string &path : ArrayRef(paths).take_front(kMaxPaths))
    llvm::outs() << "written: " << path << "\n";
  if (paths.size() > kMaxPaths)
    llvm::outs() << "written: " << paths.size() - kMaxPaths << " more files\n";
  return success();
}

LogicalResult mlir::sprint::runModel(const RunOptions &options) { return Session(options).run(); }
