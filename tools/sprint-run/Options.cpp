//===- Options.cpp - Command line of sprint-run ---------------------------===//
//
// Part of the Sprint project.
//
// With CLI11, as sprint-sim: LLVM's command line library has an option --stats of its own.
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "SprintRuntime/ThresholdFile.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace mlir::sprint;

std::optional<RunOptions> mlir::sprint::parseRunOptions(int argc, char **argv) {
  static const std::map<std::string, Level> kLevels = {{"attention", Level::Attention},
                                                       {"tiled", Level::Tiled},
                                                       {"scheduled", Level::Scheduled},
                                                       {"stream", Level::Stream}};
  RunOptions options;
  std::string threshold;
  CLI::App app(
      "Runs a model on the simulated machine: raises and compiles its attentions, runs them "
      "on the simulator and the rest on the host.");
  app.add_option("MODEL", options.model, "linalg on tensors, as torch-mlir prints it")->required();
  app.add_option("--entry", options.entry,
                 "function to run; without it main, or the only public one");
  app.add_option("--arch", options.arch, "machine, built in or a .yaml file")
      ->capture_default_str();
  app.add_option("--schedule", options.schedule, "name of the schedule")->capture_default_str();
  app.add_option("--level", options.level, "which level of the way down to run")
      ->transform(CLI::CheckedTransformer(kLevels));
  app.add_option(
         "--input", options.inputs,
         "arguments of the function, .npy files, or folders of 0.npy, 1.npy, ...; as many times as "
         "many arguments run the model as often")
      ->allow_extra_args(false);
  CLI::Option *one = app.add_option("--threshold", threshold,
                                    "one threshold for all heads, in logits; -inf keeps all");
  CLI::Option *file = app.add_option("--thresholds", options.thresholdsFile,
                                     "JSON file of thresholds, one row an attention");
  CLI::Option *rate =
      app.add_option("--prune-rate", options.pruneRate,
                     "calibrate: the fraction of each head's allowed scores to drop");
  CLI::Option *mass =
      app.add_option("--keep-mass", options.keepMass,
                     "calibrate: the part of each head's softmax that kept keys hold");
  for (CLI::Option *policy : {one, file, rate, mass})
    for (CLI::Option *other : {one, file, rate, mass})
      if (policy != other)
        policy->excludes(other);
  app.add_option("--reference", options.references,
                 "expected results, .npy files; the error is printed")
      ->allow_extra_args(false);
  app.add_option("--output-dir", options.outputDir, "folder of the results, 0.npy, 1.npy, ...");
  app.add_option("--artifacts-dir", options.artifactsDir,
                 "folder of the IR at every level and of the command stream");
  // What only a run on the machine can tell.
  std::vector<CLI::Option *> onMachine = {
      app.add_option("--calibrate", options.calibrateFile,
                     "JSON file that gets the thresholds calibrated on all inputs together"),
      app.add_flag("--baseline", options.baseline, "compare with the dense baseline"),
      app.add_option("--stats", options.statsFile, "JSON file of statistics"),
      app.add_option("--trace", options.traceFile, "Chrome trace of the units, for Perfetto"),
      app.add_option("--dump-masks", options.masksFile, ".npy file of the kept keys"),
      app.add_option("--dump-codes", options.codesFile, ".npy file of the output codes")};
  try {
    app.parse(argc, argv);
    if (*one)
      options.threshold = ::sprint::parseThreshold(threshold);
    if (*one && !options.threshold)
      throw CLI::ValidationError("--threshold",
                                 "expected a number or -inf, got '" + threshold + "'");
    // Written so that NaN is refused, too.
    for (auto [name, fraction] :
         {std::pair("--prune-rate", options.pruneRate), {"--keep-mass", options.keepMass}}) {
      if (fraction && !(*fraction >= 0 && *fraction <= 1))
        throw CLI::ValidationError(name, "expected a number between 0 and 1");
      if (fraction && options.schedule == kDenseSchedule)
        throw CLI::ValidationError(name, "expected a schedule that prunes, got 'dense'");
    }
    if (!options.calibrateFile.empty() && !options.pruneRate && !options.keepMass)
      throw CLI::ValidationError("--calibrate", "expected --prune-rate or --keep-mass with it");
    for (CLI::Option *option : onMachine)
      if (*option && options.level != Level::Stream)
        throw CLI::ValidationError(option->get_name(), "needs --level=stream");
  } catch (const CLI::ParseError &error) {
    // Help asked for, not an error.
    if (error.get_exit_code() == 0)
      std::exit(app.exit(error));
    std::fprintf(stderr, "sprint-run: error: %s\n", error.what());
    return std::nullopt;
  }
  return options;
}
