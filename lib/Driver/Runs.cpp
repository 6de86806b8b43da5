//===- Runs.cpp - Runs of a model -----------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/Runs.h"

#include "Sprint/Driver/Diagnostics.h"
#include "Sprint/Driver/TensorFiles.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::LaunchReport;
using PolicyKind = ::sprint::ThresholdPolicy::Kind;

char RunError::ID;

/// A threshold that drops nothing.
static constexpr float kKeepsAll = -std::numeric_limits<float>::infinity();

/// Tensors as a run takes them.
static SmallVector<TensorRef> toRefs(ArrayRef<HostTensor> tensors) {
  return llvm::map_to_vector(tensors, [](const HostTensor &tensor) {
    return TensorRef{tensor.elementType, tensor.shape, tensor.data.data()};
  });
}

/// Runs the function of run `index`.
static llvm::Expected<std::vector<HostTensor>> runHost(Executable &host,
                                                       ArrayRef<HostTensor> inputs, size_t index) {
  llvm::Expected<std::vector<HostTensor>> outputs = host.run(toRefs(inputs));
  if (!outputs)
    return llvm::make_error<RunError>(index, llvm::toString(outputs.takeError()));
  return outputs;
}

llvm::Expected<DeviceRuns>
mlir::sprint::runOnDevice(const CompiledModel &model, const ModelInputs &inputs,
                          const ::sprint::LaunchOptions &launches, bool keepsResults,
                          MutableArrayRef<::sprint::Calibration> calibrations) {
  DeviceRuns runs;
  int64_t done = 0;
  auto total = static_cast<int64_t>(model.programs.size() * inputs.size());
  // The line of a terminal is wiped at the end, whatever that is.
  llvm::scope_exit end([&] {
    if (launches.progress)
      launches.progress(total, total);
  });
  auto configure = [&](size_t program, ::sprint::LaunchOptions &options) {
    options = launches;
    options.progress = {};
    if (!calibrations.empty())
      options.calibration = &calibrations[program];
    // An attention in a loop is launched more often than once.
    if (launches.progress && done < total)
      launches.progress(done++, total);
  };
  for (auto [index, input] : llvm::enumerate(inputs)) {
    std::optional<LaunchContext> context;
    std::optional<LaunchContext::Scope> scope;
    if (model.stream) {
      context.emplace(*model.stream, *model.machine, configure);
      scope.emplace(*context);
    }
    auto begin = std::chrono::steady_clock::now();
    llvm::Expected<std::vector<HostTensor>> outputs = runHost(*model.host, input, index);
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (!outputs)
      return outputs.takeError();
    runs.outputs.push_back(std::move(*outputs));
    runs.hostSeconds += elapsed.count();
    if (!context)
      continue;
    for (CompletedLaunch &launch : context->takeLaunches()) {
      LaunchReport report(model.stream->programs[launch.program], launch.result);
      report.run = static_cast<int64_t>(index);
      runs.hostSeconds -= report.statistics.simulationSeconds;
      runs.reports.push_back(std::move(report));
      if (keepsResults)
        runs.launches.push_back(std::move(launch));
    }
  }
  return runs;
}

/// Whether the program `name` was launched.
static bool isLaunched(ArrayRef<LaunchReport> reports, StringRef name) {
  return llvm::any_of(reports, [&](const LaunchReport &launch) { return launch.program == name; });
}

llvm::Expected<ModelThresholds> mlir::sprint::calibrate(const CompiledModel &model,
                                                        const ModelInputs &inputs,
                                                        const ::sprint::LaunchOptions &launches) {
  if (model.programs.empty())
    return ModelThresholds();
  std::vector<::sprint::Calibration> calibrations(model.programs.size());
  ::sprint::LaunchOptions keepsAll;
  keepsAll.thresholds = {PolicyKind::Given, {kKeepsAll}, 0};
  keepsAll.progress = launches.progress;
  llvm::Expected<DeviceRuns> runs =
      runOnDevice(model, inputs, keepsAll, /*keepsResults=*/false, calibrations);
  if (!runs)
    return runs.takeError();
  ModelThresholds thresholds;
  for (auto [program, calibration] : llvm::zip_equal(model.programs, calibrations)) {
    if (!isLaunched(runs->reports, program.name)) {
      thresholds.push_back({kKeepsAll});
      continue;
    }
    std::string error;
    std::optional<std::vector<float>> chosen =
        calibration.thresholds(launches.thresholds.kind, launches.thresholds.fraction, error);
    if (!chosen)
      return llvm::createStringError("'" + program.name + "': " + error);
    thresholds.push_back(std::move(*chosen));
  }
  return thresholds;
}

namespace {

/// A model that runs as a request asks.
class ModelRunner {
public:
  ModelRunner(Model &model, const RunRequest &request, const ModelInputs &inputs)
      : model(model), request(request), inputs(inputs) {}

  llvm::Expected<RunResult> run() {
    if (llvm::Error error = runLevel())
      return std::move(error);
    if (request.keepsLevels) {
      if (llvm::Error error = schedule())
        return std::move(error);
      if (llvm::Error error = result.scheduled->emit().takeError())
        return std::move(error);
    }
    return std::move(result);
  }

private:
  bool calibrates() const {
    PolicyKind kind = request.launches.thresholds.kind;
    return kind == PolicyKind::PruneRate || kind == PolicyKind::KeepMass;
  }

  llvm::Error schedule() {
    if (result.scheduled)
      return llvm::Error::success();
    return model.schedule(request.schedule).moveInto(result.scheduled);
  }

  llvm::Error runLevel();
  llvm::Error runHostLevel();
  llvm::Error runBaseline();
  /// Runs with thresholds that each launch finds for itself, where that is one for each program.
  llvm::Error runCalibrating(const CompiledModel &compiled);
  llvm::Error setThresholds(ModelThresholds thresholds);
  llvm::Error runWithThresholds(const CompiledModel &compiled);

  void take(DeviceRuns runs) { static_cast<DeviceRuns &>(result) = std::move(runs); }

  Model &model;
  const RunRequest &request;
  const ModelInputs &inputs;
  RunResult result;
};

} // namespace

llvm::Error ModelRunner::setThresholds(ModelThresholds thresholds) {
  if (llvm::Error error = result.scheduled->setThresholds(thresholds))
    return error;
  result.thresholds = std::move(thresholds);
  return llvm::Error::success();
}

llvm::Error ModelRunner::runHostLevel() {
  take(DeviceRuns());
  std::shared_ptr<Executable> host;
  if (request.level == Level::Attention) {
    if (llvm::Error error = model.compileForHost().moveInto(host))
      return error;
  } else {
    if (llvm::Error error = schedule())
      return error;
    if (llvm::Error error = result.scheduled->compileForHost(request.level).moveInto(host))
      return error;
  }
  for (auto [index, input] : llvm::enumerate(inputs))
    if (llvm::Error error = runHost(*host, input, index).moveInto(result.outputs.emplace_back()))
      return error;
  return llvm::Error::success();
}

llvm::Error ModelRunner::runWithThresholds(const CompiledModel &compiled) {
  ::sprint::LaunchOptions launches = request.launches;
  launches.thresholds = {};
  llvm::Expected<DeviceRuns> runs = runOnDevice(compiled, inputs, launches, request.keepsResults);
  if (!runs)
    return runs.takeError();
  take(std::move(*runs));
  return llvm::Error::success();
}

llvm::Error ModelRunner::runCalibrating(const CompiledModel &compiled) {
  llvm::Expected<DeviceRuns> runs =
      runOnDevice(compiled, inputs, request.launches, request.keepsResults);
  if (!runs)
    return runs.takeError();
  // A program has one set of thresholds, on which the launches of a loop have to agree.
  llvm::StringSet<> launched;
  if (!llvm::all_of(runs->reports, [&](const LaunchReport &launch) {
        return launched.insert(launch.program).second;
      })) {
    llvm::Expected<ModelThresholds> thresholds = calibrate(compiled, inputs, request.launches);
    if (!thresholds)
      return thresholds.takeError();
    if (llvm::Error error = setThresholds(std::move(*thresholds)))
      return error;
    return runWithThresholds(compiled);
  }
  // What was not reached keeps every key.
  ModelThresholds thresholds(compiled.programs.size(), {kKeepsAll});
  for (auto [row, program] : llvm::zip_equal(thresholds, compiled.programs))
    for (const LaunchReport &launch : runs->reports)
      if (launch.program == program.name)
        row = launch.thresholds;
  take(std::move(*runs));
  return setThresholds(std::move(thresholds));
}

llvm::Error ModelRunner::runBaseline() {
  llvm::Expected<ScheduledModel> dense = model.schedule(kDenseSchedule);
  if (!dense)
    return dense.takeError();
  llvm::Expected<CompiledModel> compiled = dense->compile();
  if (!compiled)
    return compiled.takeError();
  ::sprint::LaunchOptions launches;
  launches.progress = request.launches.progress;
  llvm::Expected<DeviceRuns> runs = runOnDevice(*compiled, inputs, launches);
  if (!runs)
    return runs.takeError();
  result.baseline = std::move(runs->reports);
  return llvm::Error::success();
}

llvm::Error ModelRunner::runLevel() {
  // The other levels have no calibration of their own, and take thresholds that are compiled in.
  bool isStream = request.level == Level::Stream;
  if (!isStream && request.launches.thresholds.kind == PolicyKind::Program)
    return runHostLevel();
  if (llvm::Error error = schedule())
    return error;
  if (isStream)
    result.programs = model.getPrograms();

  std::optional<CompiledModel> compiled;
  if (isStream || calibrates())
    if (llvm::Error error = result.scheduled->compile().moveInto(compiled))
      return error;
  // One input alone calibrates each attention on what reaches it when those before are pruned;
  // several have to agree, so each is calibrated on what reaches it when nothing is.
  if (calibrates() && inputs.size() == 1 && !request.calibratesTogether) {
    if (llvm::Error error = runCalibrating(*compiled))
      return error;
  } else {
    llvm::Expected<ModelThresholds> thresholds =
        calibrates() ? calibrate(*compiled, inputs, request.launches) : request.thresholds;
    if (!thresholds)
      return thresholds.takeError();
    if (!thresholds->empty())
      if (llvm::Error error = setThresholds(std::move(*thresholds)))
        return error;
    if (isStream)
      if (llvm::Error error = runWithThresholds(*compiled))
        return error;
  }
  if (!isStream)
    return runHostLevel();
  return request.baseline ? runBaseline() : llvm::Error::success();
}

llvm::Expected<RunResult> mlir::sprint::runModel(Model &model, const RunRequest &request,
                                                 const ModelInputs &inputs) {
  return ModelRunner(model, request, inputs).run();
}

::sprint::RunReport mlir::sprint::makeReport(const Model &model, const RunResult &result) {
  ::sprint::RunReport report;
  report.machine = model.getArch();
  report.attentions = result.reports;
  report.baseline = result.baseline;
  report.hostSeconds = result.hostSeconds;
  report.host = model.getHostAttentions();
  if (!model.hasAttentions() && model.getPrograms().empty() && report.host.empty())
    report.host.push_back(
        {"model", describeLocation(model.getFunction().getLoc()), "no attention was found"});
  return report;
}

/// The relative error (Frobenius) of `result` against `reference`, which has its shape.
static double getRelativeError(const HostTensor &result, const HostTensor &reference) {
  double difference = 0, norm = 0;
  for (auto [expected, got] : llvm::zip_equal(toDoubles(reference), toDoubles(result))) {
    difference += (got - expected) * (got - expected);
    norm += expected * expected;
  }
  // What is zero and should be has no error.
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

llvm::Expected<std::vector<double>> mlir::sprint::compareResults(const RunResult &result,
                                                                 ArrayRef<HostTensor> references,
                                                                 ArrayRef<std::string> paths) {
  SmallVector<const HostTensor *> results;
  for (const std::vector<HostTensor> &tensors : result.outputs)
    for (const HostTensor &tensor : tensors)
      results.push_back(&tensor);
  std::vector<double> errors;
  for (auto [path, reference, got] : llvm::zip(paths, references, results)) {
    if (reference.shape != got->shape)
      return llvm::createStringError(
          path + ": expected the shape of result " + std::to_string(errors.size()) + ", " +
          llvm::formatv("{0:$[x]}", llvm::make_range(got->shape.begin(), got->shape.end())).str());
    errors.push_back(getRelativeError(*got, reference));
  }
  return errors;
}
