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

#include "Sprint/Support/IRFiles.h"
#include "Sprint/Support/Messages.h"

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Progress.h"
#include "SprintRuntime/Report.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::sprint;

static LogicalResult fail(const Twine &message) {
  llvm::WithColor::error(messages(), "sprint-run") << message << "\n";
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
  /// Finds the files that are read, and refuses, before there is anything to lose, places where no
  /// file can be written, or one of theirs.
  LogicalResult planFiles();
  /// The same for results, of which `function` has to be known.
  LogicalResult planOutputs(func::FuncOp function);
  /// Finds inputs and references, whose headers alone are read.
  LogicalResult findTensors(func::FuncOp function);
  LogicalResult readTensors();
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
  std::vector<TensorFile> inputFiles;
  size_t runs = 0;
  ModelInputs inputs;
  /// Of the results of all runs, one after another, as far as they are given.
  std::vector<TensorFile> referenceFiles;
  std::vector<HostTensor> references;
  ::sprint::RunReport report;
  RunFiles files;
};

} // namespace

LogicalResult Session::fail(llvm::Error error, const Twine &about) const {
  llvm::handleAllErrors(
      std::move(error), [](const CompileError &) {},
      [&](const RunError &error) {
        size_t count = inputPaths.size() / runs;
        (void)::fail(about + error.getMessage() + " (inputs: " +
                     llvm::join(ArrayRef(inputPaths).slice(error.getRun() * count, count), ", ") +
                     ")");
      },
      [&](const llvm::ErrorInfoBase &error) { (void)::fail(about + error.message()); });
  return failure();
}

LogicalResult Session::planFiles() {
  if (llvm::Error error = expandFolders(options.inputs).moveInto(inputPaths))
    return fail(std::move(error), "");
  files.files.addInput(options.model);
  files.files.addInput(options.thresholds.file);
  for (ArrayRef<std::string> paths : {ArrayRef(inputPaths), ArrayRef(options.references)})
    for (const std::string &path : paths)
      files.files.addInput(path);
  std::string error;
  std::optional<::sprint::Machine> machine = ::sprint::loadMachine(options.arch, error);
  if (!machine)
    return ::fail(error);
  for (const std::string &path : machine->files)
    files.files.addInput(path);
  std::vector<std::string> outputs;
  if (!options.calibrateFile.empty())
    outputs.push_back(options.calibrateFile);
  if (!options.artifactsDir.empty())
    llvm::append_range(outputs, getArtifactPaths(options.artifactsDir, options.level));
  for (const std::string &path : outputs)
    if (!files.files.plan(path, error))
      return ::fail(error);
  // How many results and launches there are is not known yet.
  if (!options.outputDir.empty() &&
      !::sprint::OutputFiles::canWrite(getOutputPath(options.outputDir, 0, 1, 0), error))
    return ::fail(error);
  if (!options.files.plan(files.files, /*launches=*/1, error))
    return ::fail(error);
  return success();
}

LogicalResult Session::findTensors(func::FuncOp function) {
  if (llvm::Error error = findArguments(function, options.model, inputPaths).moveInto(inputFiles))
    return fail(std::move(error), "");
  runs = inputFiles.empty() ? 1 : inputFiles.size() / function.getNumArguments();
  if (llvm::Error error =
          findResults(function, runs, "--reference", options.references).moveInto(referenceFiles))
    return fail(std::move(error), "");
  return success();
}

LogicalResult Session::planOutputs(func::FuncOp function) {
  if (options.outputDir.empty())
    return success();
  std::string error;
  for (size_t run = 0; run < runs; ++run)
    for (size_t index = 0; index < function.getNumResults(); ++index)
      if (!files.files.plan(getOutputPath(options.outputDir, run, runs, index), error))
        return ::fail(error);
  return success();
}

LogicalResult Session::readTensors() {
  size_t count = inputFiles.size() / runs;
  inputs.resize(runs);
  for (auto [run, tensors] : llvm::enumerate(inputs))
    if (llvm::Error error =
            mlir::sprint::readTensors(ArrayRef(inputFiles).slice(run * count, count))
                .moveInto(tensors))
      return fail(std::move(error), "");
  if (llvm::Error error = mlir::sprint::readTensors(referenceFiles).moveInto(references))
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
  llvm::scope_exit wipe(::sprint::wipeProgress);
  auto show = [&](const char *what) { ::sprint::showProgress(options.model + ": " + what); };
  if (failed(planFiles()))
    return failure();
  show("parsing, and looking for attentions");
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> file = openIRFile(options.model);
  if (!file)
    return fail(file.takeError(), "");
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(*sources, context.get(), messages());
  llvm::Expected<Model> model =
      Model::parse(sources, *context, options.entry, options.arch, configure);
  if (!model)
    return fail(model.takeError(), options.model + ": ");
  if (failed(findTensors(model->getFunction())) || failed(planOutputs(model->getFunction())))
    return failure();
  show("compiling");
  FailureOr<RunRequest> request = getRequest(*model);
  if (failed(request) || failed(readTensors()))
    return failure();
  llvm::Expected<RunResult> result = runModel(*model, *request, inputs);
  if (!result)
    return fail(result.takeError(), options.model + ": ");

  show("writing");
  report = makeReport(*model, *result);
  options.files.nameFiles(report.attentions);
  if (llvm::Error error =
          compareResults(*result, references, options.references).moveInto(report.referenceErrors))
    return fail(std::move(error), "");
  if (failed(addFiles(*model, *result)))
    return failure();
  std::string message;
  if (!files.files.commit(message))
    return ::fail(message);
  ::sprint::wipeProgress();
  print(*result);
  if (llvm::Error error = flushOuts())
    return fail(std::move(error), "");
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
  // Of files with a number, whose they are.
  llvm::StringMap<std::string> owners;
  for (const ::sprint::LaunchReport &launch : report.attentions)
    for (const std::string &path : {launch.masks, launch.codes})
      owners[path] = " (" + launch.program +
                     (inputs.size() == 1 ? std::string() : ", run " + std::to_string(launch.run)) +
                     ")";
  // A line for each of many runs would hide what is above.
  static constexpr size_t kMaxPaths = 32;
  for (const std::string &path : ArrayRef(files.paths).take_front(kMaxPaths))
    llvm::outs() << "written: " << path << owners.lookup(path) << "\n";
  if (files.paths.size() > kMaxPaths)
    llvm::outs() << "written: " << files.paths.size() - kMaxPaths << " more files\n";
}

LogicalResult mlir::sprint::runSession(const RunOptions &options,
                                       const ConfigurePasses &configure) {
  return Session(options, configure).run();
}
