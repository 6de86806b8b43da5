//===- Session.cpp - One run of sprint-run --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "ModelRunner.h"

#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Npy.h"
#include "SprintRuntime/Report.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

/// The schedule of `--baseline`.
static constexpr llvm::StringLiteral kBaselineSchedule = "dense";

static LogicalResult fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "sprint-run") << message << "\n";
  return failure();
}

namespace {

/// One run: what was read, what has been found out so far, and the files to be written.
class Session {
public:
  explicit Session(const RunOptions &options) : options(options) {
    DialectRegistry registry;
    mlir::sprint::registerAllDialects(registry);
    registerExecution(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  LogicalResult run();

private:
  LogicalResult readInputs();
  /// Sets the thresholds that are known before the model has run.
  LogicalResult setGivenThresholds(ModelRunner &runner);
  /// Sets the thresholds that `run` has calibrated.
  LogicalResult setCalibratedThresholds(ModelRunner &runner, const DeviceRun &run);
  FailureOr<DeviceRun> runOnDevice(ModelRunner &runner, StringRef schedule, bool calibrate);
  /// Runs the level asked for; the results of the model.
  FailureOr<std::vector<HostTensor>> runLevel(ModelRunner &runner);
  LogicalResult addOutputs(ArrayRef<HostTensor> outputs);
  LogicalResult addDumps(const DeviceRun &run);
  LogicalResult addArtifacts(ModelRunner &runner);
  void addLaunches(const DeviceRun &run, std::vector<::sprint::LaunchReport> &launches) const;

  /// Reports what failed while the model ran, with its inputs, as it may be about their values. An
  /// error without a message has been reported as a diagnostic.
  LogicalResult fail(llvm::Error error) const {
    std::string message = llvm::toString(std::move(error));
    if (message.empty())
      return failure();
    return ::fail(options.model + ": " + message + " (inputs: " + llvm::join(options.inputs, ", ") +
                  ")");
  }
  LogicalResult addText(const std::string &path, StringRef text) {
    std::string error;
    if (!files.add(path, std::string_view(text), error))
      return ::fail(error);
    paths.push_back(path);
    return success();
  }
  /// `added` is what adding `path` returned.
  LogicalResult noteFile(bool added, const std::string &path, const std::string &error) {
    if (!added)
      return ::fail(error);
    paths.push_back(path);
    return success();
  }

  void printReport() const;
  LogicalResult checkReferences(ArrayRef<HostTensor> outputs) const;
  void printErrors(ArrayRef<HostTensor> outputs) const;

  const RunOptions &options;
  MLIRContext context;
  std::vector<::sprint::FloatArray> arrays, references;
  SmallVector<TensorRef> inputs;
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

static LogicalResult readArrays(ArrayRef<std::string> from,
                                std::vector<::sprint::FloatArray> &arrays) {
  for (const std::string &path : from) {
    std::string error;
    std::optional<::sprint::FloatArray> array = ::sprint::readNpy(path, error);
    if (!array)
      return fail(error);
    arrays.push_back(std::move(*array));
  }
  return success();
}

LogicalResult Session::readInputs() {
  if (failed(readArrays(options.inputs, arrays)) ||
      failed(readArrays(options.references, references)))
    return failure();
  for (const ::sprint::FloatArray &array : arrays)
    inputs.push_back({ElementType::F32, array.shape, array.data.data()});
  return success();
}

LogicalResult Session::setGivenThresholds(ModelRunner &runner) {
  ModelThresholds thresholds;
  if (options.threshold) {
    thresholds.assign(runner.countAttentions(), {*options.threshold});
  } else if (!options.thresholdsFile.empty()) {
    std::string error;
    std::optional<ModelThresholds> read = ::sprint::readThresholds(options.thresholdsFile, error);
    if (!read)
      return ::fail(error);
    thresholds = std::move(*read);
  } else {
    return success();
  }
  if (llvm::Error error = runner.setThresholds(thresholds))
    return ::fail(options.thresholdsFile + ": " + llvm::toString(std::move(error)));
  return success();
}

LogicalResult Session::setCalibratedThresholds(ModelRunner &runner, const DeviceRun &run) {
  ModelThresholds thresholds(runner.countAttentions(), {0.0f});
  for (auto [program, launch] : llvm::zip_equal(run.programs, run.launches))
    thresholds[program] = launch.thresholds;
  if (llvm::Error error = runner.setThresholds(thresholds))
    return fail(std::move(error));
  return success();
}

FailureOr<DeviceRun> Session::runOnDevice(ModelRunner &runner, StringRef schedule, bool calibrate) {
  ::sprint::LaunchOptions launch;
  launch.masks = !options.masksFile.empty();
  launch.trace = !options.traceFile.empty();
  launch.progress = ::sprint::terminalProgress(options.model);
  if (calibrate) {
    launch.thresholds.kind = ::sprint::ThresholdPolicy::Kind::PruneRate;
    launch.thresholds.rate = *options.pruneRate;
  }
  llvm::Expected<DeviceRun> run = runner.runOnDevice(schedule, inputs, launch);
  if (!run)
    return fail(run.takeError());
  return std::move(*run);
}

void Session::addLaunches(const DeviceRun &run,
                          std::vector<::sprint::LaunchReport> &launches) const {
  for (auto [name, launch] : llvm::zip_equal(run.programNames, run.launches))
    launches.emplace_back(name, launch);
}

FailureOr<std::vector<HostTensor>> Session::runLevel(ModelRunner &runner) {
  bool calibrate = options.pruneRate.has_value();
  std::optional<DeviceRun> pruned;
  // The other levels have no calibration of their own.
  if (options.level == Level::Stream || calibrate) {
    FailureOr<DeviceRun> run = runOnDevice(runner, options.schedule, calibrate);
    if (failed(run) || (calibrate && failed(setCalibratedThresholds(runner, *run))))
      return failure();
    pruned = std::move(*run);
  }
  if (options.level != Level::Stream) {
    llvm::Expected<std::vector<HostTensor>> outputs =
        runner.runOnHost(options.level, options.schedule, inputs);
    if (!outputs)
      return fail(outputs.takeError());
    return std::move(*outputs);
  }
  addLaunches(*pruned, report.attentions);
  if (options.baseline) {
    FailureOr<DeviceRun> dense = runOnDevice(runner, kBaselineSchedule, /*calibrate=*/false);
    if (failed(dense))
      return failure();
    addLaunches(*dense, report.baseline);
  }
  if (failed(addDumps(*pruned)))
    return failure();
  return std::move(pruned->outputs);
}

LogicalResult Session::addOutputs(ArrayRef<HostTensor> outputs) {
  if (options.outputDir.empty())
    return success();
  for (auto [index, output] : llvm::enumerate(outputs)) {
    if (output.elementType != ElementType::F32)
      return ::fail(options.model + ": expected results of f32, got " +
                    stringifyElementType(output.elementType) + " for result " + Twine(index));
    std::string path = join(options.outputDir, Twine(index) + ".npy");
    std::string error;
    if (failed(noteFile(
            ::sprint::addNpy(files, path, output.shape, output.getElements<float>(), error), path,
            error)))
      return failure();
  }
  return success();
}

LogicalResult Session::addDumps(const DeviceRun &run) {
  std::vector<std::vector<::sprint::TraceEvent>> traces;
  std::vector<double> cycles;
  size_t count = run.launches.size();
  for (auto [index, launch] : llvm::enumerate(run.launches)) {
    std::string error;
    if (!options.masksFile.empty()) {
      const ::sprint::LaunchShape &sizes = launch.dimensions;
      const int64_t shape[] = {sizes.batches * sizes.heads, sizes.queries, sizes.keys};
      std::string path = ::sprint::numberedPath(options.masksFile, index, count);
      if (failed(noteFile(::sprint::addNpy(files, path, shape, launch.masks, error), path, error)))
        return failure();
    }
    if (!options.codesFile.empty()) {
      std::string path = ::sprint::numberedPath(options.codesFile, index, count);
      if (failed(noteFile(::sprint::addNpy(files, path, launch.shape, launch.codes, error), path,
                          error)))
        return failure();
    }
    traces.push_back(launch.trace);
    cycles.push_back(launch.statistics.cycles);
  }
  if (options.traceFile.empty())
    return success();
  return addText(options.traceFile, ::sprint::traceToJson(traces, cycles, *run.machine));
}

LogicalResult Session::addArtifacts(ModelRunner &runner) {
  if (options.artifactsDir.empty())
    return success();
  static constexpr std::pair<Level, StringLiteral> kLevels[] = {{Level::Attention, "attention"},
                                                                {Level::Ops, "ops"},
                                                                {Level::Tiled, "tiled"},
                                                                {Level::Scheduled, "scheduled"},
                                                                {Level::Stream, "stream"}};
  for (const auto &[level, name] : kLevels) {
    FailureOr<OwningOpRef<ModuleOp>> module = runner.compile(level, options.schedule);
    if (failed(module))
      return failure();
    std::string text;
    llvm::raw_string_ostream os(text);
    (*module)->print(os);
    if (failed(addText(join(options.artifactsDir, name + ".mlir"), text + "\n")))
      return failure();
  }
  if (runner.countAttentions() == 0)
    return success();
  llvm::Expected<::sprint::CommandStream> stream = runner.compileStream(options.schedule);
  if (!stream)
    return fail(stream.takeError());
  std::vector<uint8_t> bytes = ::sprint::serialize(*stream);
  return addText(join(options.artifactsDir, "stream.sprint"),
                 StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
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

void Session::printReport() const {
  llvm::raw_ostream &os = llvm::outs();
  static constexpr const char *kRow = "{0,-20} {1,-34} {2,10} {3,14} {4,14} {5,12}\n";
  if (!report.attentions.empty())
    os << llvm::formatv(kRow, "attention", "heads x queries x keys x channels", "pruned", "cycles",
                        "resident", "energy, uJ");
  for (const ::sprint::LaunchReport &launch : report.attentions) {
    const ::sprint::LaunchShape &sizes = launch.dimensions;
    const ::sprint::Statistics &statistics = launch.statistics;
    std::string shape = llvm::formatv("{0} x {1} x {2} x {3}", sizes.batches * sizes.heads,
                                      sizes.queries, sizes.keys, sizes.headDim);
    os << llvm::formatv(kRow, launch.program, shape, percent(statistics.prunedFraction()),
                        wholeCycles(statistics.cycles), wholeCycles(statistics.cyclesResident),
                        microjoules(statistics.totalEnergy()));
  }
  for (const ::sprint::HostReport &host : report.host)
    os << host.location << ": stays on the host: " << host.reason << "\n";
  if (report.attentions.empty() || report.baseline.empty())
    return;
  ::sprint::Statistics pruned = ::sprint::sumStatistics(report.attentions);
  ::sprint::Statistics dense = ::sprint::sumStatistics(report.baseline);
  os << llvm::formatv(kRow, "dense baseline", "", "", wholeCycles(dense.cycles),
                      wholeCycles(dense.cyclesResident), microjoules(dense.totalEnergy()));
  auto ratio = [](double a, double b) -> std::string { return llvm::formatv("{0:F2}x", a / b); };
  os << llvm::formatv(kRow, "better by", "", "", ratio(dense.cycles, pruned.cycles),
                      ratio(dense.cyclesResident, pruned.cyclesResident),
                      ratio(dense.totalEnergy(), pruned.totalEnergy()));
}

LogicalResult Session::checkReferences(ArrayRef<HostTensor> outputs) const {
  if (references.size() > outputs.size())
    return ::fail(Twine("--reference: expected at most ") + Twine(outputs.size()) +
                  ", a file a result, got " + Twine(references.size()));
  for (auto [index, path, reference] : llvm::enumerate(options.references, references))
    if (outputs[index].elementType != ElementType::F32 ||
        ArrayRef(reference.shape) != ArrayRef(outputs[index].shape))
      return ::fail(path + ": expected the shape of result " + Twine(index));
  return success();
}

void Session::printErrors(ArrayRef<HostTensor> outputs) const {
  for (auto [index, path, reference] : llvm::enumerate(options.references, references)) {
    double difference = 0, norm = 0;
    for (auto [expected, got] :
         llvm::zip_equal(reference.data, outputs[index].getElements<float>())) {
      difference += (double(got) - expected) * (double(got) - expected);
      norm += double(expected) * expected;
    }
    llvm::outs() << llvm::formatv("result {0}: relative error {1} (Frobenius) against {2}\n", index,
                                  percent(std::sqrt(difference / norm)), path);
  }
}

LogicalResult Session::run() {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(options.model, &message);
  if (!file)
    return ::fail(message);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  SourceMgrDiagnosticHandler sourceHandler(sources, &context);
  // What is not raised is a row of the report, too.
  ScopedDiagnosticHandler remarkHandler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Remark) {
      std::string location;
      llvm::raw_string_ostream(location) << diagnostic.getLocation();
      report.host.push_back({"attention", location, diagnostic.str()});
    }
    return failure();
  });

  OwningOpRef<ModuleOp> model = parseSourceFile<ModuleOp>(sources, &context);
  if (!model || failed(readInputs()))
    return failure();
  report.machine = options.arch;
  ModelRunner runner(std::move(model), options.entry, options.arch);
  if (failed(runner.raise()) || failed(setGivenThresholds(runner)))
    return failure();
  FailureOr<std::vector<HostTensor>> outputs = runLevel(runner);
  if (failed(outputs) || failed(addOutputs(*outputs)) || failed(addArtifacts(runner)))
    return failure();
  if (!options.statsFile.empty() && failed(addText(options.statsFile, ::sprint::toJson(report))))
    return failure();
  if (failed(checkReferences(*outputs)))
    return failure();
  std::string error;
  if (!files.commit(error))
    return ::fail(error);
  printReport();
  printErrors(*outputs);
  for (const std::string &path : paths)
    llvm::outs() << "written: " << path << "\n";
  return success();
}

LogicalResult mlir::sprint::runModel(const RunOptions &options) { return Session(options).run(); }
