//===- Session.cpp - One run of sprint-run --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Sprint/Driver/Diagnostics.h"
#include "Sprint/Driver/RunFiles.h"
#include "Sprint/Driver/Runs.h"
#include "Sprint/Driver/TensorFiles.h"

#include "SprintRuntime/Progress.h"
#include "SprintRuntime/Report.h"

#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::sprint;

static LogicalResult fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "sprint-run") << message << "\n";
  return failure();
}

namespace {

/// One call of the tool: what was read, what has been found out, and the files to be written.
class Session {
public:
  Session(const RunOptions &options, const ConfigurePasses &configure)
      : options(options), configure(configure), context(createModelContext()) {}

  LogicalResult run();

private:
  /// Refuses, before there is anything to lose, paths at which no file can be written.
  LogicalResult checkOutputPaths() const;
  LogicalResult readTensors(func::FuncOp function);
  FailureOr<RunRequest> getRequest(Model &model) const;
  /// The thresholds that are given.
  llvm::Expected<ModelThresholds> readThresholds(ArrayRef<ProgramInfo> programs) const;
  LogicalResult addFiles(const Model &model, const RunResult &result);
  void print(const RunResult &result) const;
  /// Reports an error; one about values of a run with that run's inputs. Diagnostics have been
  /// printed.
  LogicalResult fail(llvm::Error error, const Twine &about) const;

  const RunOptions &options;
  const ConfigurePasses &configure;
  std::unique_ptr<MLIRContext> context;
  /// Of all runs, one after another.
  std::vector<std::string> inputPaths;
  ModelInputs inputs;
  /// Of the results of all runs, one after another, as far as they are given.
  std::vector<HostTensor> references;
  ::sprint::RunReport report;
  RunFiles files;
};

} // namespace

LogicalResult Session::fail(llvm::Error error, const Twine &about) const {
  llvm::handleAllErrors(
      std::move(error), [](const CompileError &) {},
      [&](const RunError &error) {
        size_t count = inputPaths.size() / inputs.size();
        (void)::fail(about + error.getMessage() + " (inputs: " +
                     llvm::join(ArrayRef(inputPaths).slice(error.getRun() * count, count), ", ") +
                     ")");
      },
      [&](const llvm::ErrorInfoBase &error) { (void)::fail(about + error.message()); });
  return failure();
}

LogicalResult Session::checkOutputPaths() const {
  std::vector<std::string> outputs = {options.calibrateFile, options.files.stats,
                                      options.files.trace, options.files.masks,
                                      options.files.codes};
  for (const auto &[folder, file] :
       {std::pair(options.outputDir, "0.npy"), {options.artifactsDir, "attention.mlir"}})
    if (!folder.empty())
      outputs.push_back(joinPath(folder, file));
  std::string error;
  for (const std::string &path : outputs)
    if (!path.empty() && !::sprint::canWriteFile(path, error))
      return ::fail(error);
  return success();
}

LogicalResult Session::readTensors(func::FuncOp function) {
  if (llvm::Error error = expandFolders(options.inputs).moveInto(inputPaths))
    return fail(std::move(error), "");
  if (llvm::Error error = readArguments(function, options.model, inputPaths).moveInto(inputs))
    return fail(std::move(error), "");
  if (llvm::Error error = readResults(function, inputs.size(), "--reference", options.references)
                              .moveInto(references))
    return fail(std::move(error), "");
  return success();
}

llvm::Expected<ModelThresholds> Session::readThresholds(ArrayRef<ProgramInfo> programs) const {
  std::vector<std::string> names;
  for (const ProgramInfo &program : programs)
    names.push_back(program.name);
  std::string error;
  std::optional<ModelThresholds> thresholds = options.thresholds.read(names, error);
  if (!thresholds)
    return llvm::createStringError(error);
  if (llvm::Error wrong = checkThresholds(programs, *thresholds))
    return llvm::createStringError(options.thresholds.file + ": " +
                                   llvm::toString(std::move(wrong)));
  return std::move(*thresholds);
}

FailureOr<RunRequest> Session::getRequest(Model &model) const {
  RunRequest request;
  request.level = options.level;
  request.schedule = options.schedule;
  request.launches.thresholds.kind = options.thresholds.kind();
  request.launches.thresholds.fraction = options.thresholds.fraction();
  options.files.request(request.launches);
  options.simulation.request(request.launches);
  request.launches.progress = ::sprint::terminalProgress(options.model, "launches");
  request.keepsResults =
      request.launches.masks || request.launches.trace || !options.files.codes.empty();
  request.calibratesTogether = !options.calibrateFile.empty();
  request.baseline = options.baseline;
  request.keepsLevels = !options.artifactsDir.empty();
  if (options.thresholds.kind() == ::sprint::ThresholdPolicy::Kind::Given) {
    // They go by the names of the programs.
    if (llvm::Error error = model.cut())
      return fail(std::move(error), options.model + ": ");
    if (llvm::Error error = readThresholds(model.getPrograms()).moveInto(request.thresholds))
      return fail(std::move(error), "");
  }
  return request;
}

LogicalResult Session::addFiles(const Model &model, const RunResult &result) {
  llvm::Error failed = llvm::Error::success();
  auto add = [&](const std::string &path, auto function) {
    if (!failed && !path.empty())
      failed = function();
  };
  add(options.calibrateFile, [&] {
    return files.addThresholds(options.calibrateFile, result, options.thresholds.kind(),
                               options.thresholds.fraction(), inputs.size());
  });
  add(options.outputDir, [&] { return files.addOutputs(options.outputDir, result.outputs); });
  add(options.artifactsDir,
      [&] { return files.addArtifacts(options.artifactsDir, *result.scheduled); });
  add(options.files.stats,
      [&] { return files.addText(options.files.stats, ::sprint::toJson(report)); });
  if (failed)
    return fail(std::move(failed), "");
  if (options.level != Level::Stream)
    return success();
  std::string error;
  std::vector<::sprint::LaunchRecord> records;
  records.reserve(result.launches.size());
  for (const CompletedLaunch &launch : result.launches)
    records.push_back({result.programs[launch.program].name,
                       &launch.result,
                       {launch.result.shape.begin(), launch.result.shape.end()}});
  if (!options.files.add(files.files, records, *model.getMachine(), files.paths, error))
    return ::fail(error);
  return success();
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
  SourceMgrDiagnosticHandler handler(sources, context.get());
  llvm::Expected<Model> model =
      Model::parse(sources, *context, options.entry, options.arch, configure);
  if (!model)
    return fail(model.takeError(), options.model + ": ");
  if (failed(readTensors(model->getFunction())))
    return failure();
  FailureOr<RunRequest> request = getRequest(*model);
  if (failed(request))
    return failure();
  llvm::Expected<RunResult> result = runModel(*model, *request, inputs);
  if (!result)
    return fail(result.takeError(), options.model + ": ");

  report = makeReport(*model, *result);
  if (llvm::Error error =
          compareResults(*result, references, options.references).moveInto(report.referenceErrors))
    return fail(std::move(error), "");
  if (failed(addFiles(*model, *result)))
    return failure();
  if (!files.files.commit(message))
    return ::fail(message);
  print(*result);
  return success();
}

void Session::print(const RunResult &result) const {
  std::vector<std::string> remarks;
  if (options.level == Level::Stream && report.attentions.empty())
    for (const auto &[option, path] :
         {std::pair("--dump-masks", options.files.masks), {"--dump-codes", options.files.codes}})
      if (!path.empty())
        remarks.push_back(std::string(option) +
                          ": no attention ran on the machine, no file written");
  printSummary(llvm::outs(), result.programs, report, remarks);
  for (auto [index, path, error] : llvm::enumerate(options.references, report.referenceErrors))
    llvm::outs() << llvm::formatv("result {0}: relative error {1:F2} % (Frobenius) against {2}\n",
                                  index, error * 100, path);
  // A line for each of many runs would hide what is above.
  static constexpr size_t kMaxPaths = 32;
  for (const std::string &path : ArrayRef(files.paths).take_front(kMaxPaths))
    llvm::outs() << "written: " << path << "\n";
  if (files.paths.size() > kMaxPaths)
    llvm::outs() << "written: " << files.paths.size() - kMaxPaths << " more files\n";
}

LogicalResult mlir::sprint::runSession(const RunOptions &options,
                                       const ConfigurePasses &configure) {
  return Session(options, configure).run();
}
