//===- Options.cpp - Command line of sprint-run ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With CLI11, as sprint-sim: LLVM's command line library has an option --stats of its own.
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "Sprint/Support/Version.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace mlir::sprint;

/// Whether an argument is an option of MLIR's, or of what matchers print.
static bool isMLIROption(llvm::StringRef argument) {
  if (!argument.consume_front("--"))
    return false;
  llvm::StringRef name = argument.split('=').first;
  return (name.starts_with("mlir-") || name.starts_with("debug")) &&
         llvm::cl::getRegisteredOptions().contains(name);
}

std::optional<RunOptions> mlir::sprint::parseRunOptions(int argc, char **argv) {
  RunOptions options;
  std::map<std::string, Level> levels;
  for (const LevelInfo &info : getLevels())
    if (info.runs)
      levels[info.name.str()] = info.level;
  CLI::App app(
      "Runs a model on the simulated machine: raises and compiles its attentions, runs them "
      "on the simulator and the rest on the host.");
  app.footer("MLIR's own options are taken, too, with values behind '=': "
             "--mlir-print-ir-after-all, --mlir-timing, --mlir-pass-statistics, --debug-only=..., "
             "....\n\n"
             "Examples:\n"
             "  sprint-run model.mlir --input=q.npy --input=k.npy --input=v.npy --threshold=0.5\n"
             "  sprint-run model.mlir --input=inputs --prune-rate=0.75 --baseline "
             "--stats=stats.json\n"
             "  sprint-run model.mlir --input=inputs --keep-mass=0.95 --arch=machine.yaml "
             "--trace=trace.json\n\n" +
             describeChoices(/*onlyWhatRuns=*/true));
  app.allow_extras();
  app.set_version_flag("--version", [] {
    std::string version;
    llvm::raw_string_ostream os(version);
    printVersion(os);
    return llvm::StringRef(version).rtrim().str();
  });
  app.add_option("MODEL", options.model, "linalg on tensors, as torch-mlir prints it")->required();
  app.add_option("--entry", options.entry,
                 "function to run; without it main, or the only public one");
  app.add_option("--arch", options.arch, "machine, built in or a .yaml file")
      ->capture_default_str();
  app.add_option("--schedule", options.schedule, "name of the schedule")->capture_default_str();
  app.add_option("--level", options.level, "which level of the way down to run")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->type_name("TEXT=" + getLevels()[static_cast<size_t>(options.level)].name.str());
  app.add_option(
         "--input", options.inputs,
         "arguments of the function, .npy files, or folders of 0.npy, 1.npy, ...; as many times as "
         "many arguments run the model as often")
      ->allow_extra_args(false);
  options.thresholds.addTo(app);
  app.add_option("--reference", options.references,
                 "expected results, .npy files; the error is printed")
      ->allow_extra_args(false);
  app.add_option("--output-dir", options.outputDir, "folder of the results, 0.npy, 1.npy, ...");
  app.add_option("--artifacts-dir", options.artifactsDir,
                 "folder of the IR at every level and of the command stream");
  // What only a run on the machine can tell.
  std::vector<CLI::Option *> onMachine = options.files.addTo(app);
  for (CLI::Option *option : options.simulation.addTo(app))
    onMachine.push_back(option);
  onMachine.push_back(
      app.add_option("--calibrate", options.calibrateFile,
                     "JSON file that gets the thresholds calibrated on all inputs together"));
  onMachine.push_back(
      app.add_flag("--baseline", options.baseline, "compare with the dense baseline"));
  try {
    app.parse(argc, argv);
    std::vector<const char *> ofMLIR = {argv[0]};
    std::vector<std::string> remaining = app.remaining(), unknown;
    for (const std::string &argument : remaining)
      if (isMLIROption(argument))
        ofMLIR.push_back(argument.c_str());
      else
        unknown.push_back(argument);
    if (!unknown.empty())
      throw CLI::ExtrasError(unknown);
    bool calibrates = options.thresholds.pruneRate || options.thresholds.keepMass;
    const char *calibration = options.thresholds.pruneRate ? "--prune-rate" : "--keep-mass";
    if (calibrates && options.schedule == kDenseSchedule)
      throw CLI::ValidationError(calibration, "expected a schedule that prunes, got 'dense'");
    if (calibrates && options.level == Level::Attention)
      throw CLI::ValidationError(calibration, "expected a level that prunes, got 'attention'");
    if (!options.calibrateFile.empty() && !calibrates)
      throw CLI::ValidationError("--calibrate", "expected --prune-rate or --keep-mass with it");
    for (CLI::Option *option : onMachine)
      if (*option && options.level != Level::Stream)
        throw CLI::ValidationError(option->get_name(), "needs --level=stream");
    // What is wrong with a value LLVM says itself.
    if (!llvm::cl::ParseCommandLineOptions(static_cast<int>(ofMLIR.size()), ofMLIR.data(), "",
                                           &llvm::errs()))
      return std::nullopt;
  } catch (const CLI::ParseError &error) {
    if (int code = ::sprint::printParsed(app, error, "sprint-run"); code != 0)
      return std::nullopt;
    // Help was asked for.
    std::exit(EXIT_SUCCESS);
  }
  return options;
}
