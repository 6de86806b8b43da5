//===- ToolOptions.cpp - What sprint-sim and sprint-run share -------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ToolOptions.h"
#include "SprintRuntime/FileIO.h"

#include "SprintRuntime/Npy.h"
#include "SprintRuntime/ThresholdFile.h"
#include "SprintRuntime/Trace.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <sstream>

using namespace sprint;

/// More than any processor runs.
static constexpr int kMaxThreads = 1 << 12;

int sprint::printParsed(const CLI::App &app, const CLI::ParseError &error,
                        const std::string &tool) {
  std::string message = error.what();
  if (error.get_exit_code() == 0) {
    std::ostringstream asked;
    app.exit(error, asked, asked);
    std::fputs(asked.str().c_str(), stdout);
    if (flushStandardOutput(message))
      return 0;
  }
  std::fprintf(stderr, "%s: error: %s\n", tool.c_str(), message.c_str());
  return 1;
}

/// Adds an option of a fraction.
static CLI::Option *addFraction(CLI::App &app, const std::string &name,
                                std::optional<double> &fraction, const std::string &description) {
  return app.add_option_function<double>(
      name,
      [&fraction, name](double value) {
        // Written so that NaN is refused, too.
        if (!(value >= 0 && value <= 1))
          throw CLI::ValidationError(name, "expected a number between 0 and 1, got " +
                                               std::to_string(value));
        fraction = value;
      },
      description);
}

void ThresholdOptions::addTo(CLI::App &app) {
  CLI::Option *one = app.add_option_function<std::string>(
      "--threshold",
      [this](const std::string &text) {
        threshold = parseThreshold(text);
        if (!threshold)
          throw CLI::ValidationError("--threshold",
                                     "expected a number, -inf or inf, got '" + text + "'");
      },
      "one threshold for all heads, in logits; -inf keeps all");
  CLI::Option *fromFile =
      app.add_option("--thresholds", file, "JSON file of thresholds, one row an attention");
  CLI::Option *rate = addFraction(app, "--prune-rate", pruneRate,
                                  "calibrate: the fraction of each head's allowed scores to drop");
  CLI::Option *mass =
      addFraction(app, "--keep-mass", keepMass,
                  "calibrate: the part of the softmax to keep, in the mean of each head's rows");
  fromFile->excludes(one)->excludes(rate)->excludes(mass);
  one->excludes(rate)->excludes(mass);
  rate->excludes(mass);
}

ThresholdPolicy::Kind ThresholdOptions::kind() const {
  using Kind = ThresholdPolicy::Kind;
  if (pruneRate)
    return Kind::PruneRate;
  if (keepMass)
    return Kind::KeepMass;
  return threshold || !file.empty() ? Kind::Given : Kind::Program;
}

std::optional<std::vector<std::vector<float>>>
ThresholdOptions::read(std::span<const std::string> programs, std::string &error) const {
  if (threshold)
    return std::vector<std::vector<float>>(programs.size(), {*threshold});
  std::optional<ThresholdFile> read = readThresholds(file, error);
  if (!read)
    return std::nullopt;
  return thresholdsOf(*read, file, programs, error);
}

std::vector<CLI::Option *> LaunchFileOptions::addTo(CLI::App &app) {
  return {app.add_option("--stats", stats, "JSON file of statistics"),
          app.add_option("--trace", trace, "Chrome trace of the units, for Perfetto"),
          app.add_option("--dump-masks", masks, ".npy file of the kept keys"),
          app.add_option("--dump-codes", codes, ".npy file of the output codes")};
}

std::vector<CLI::Option *> SimulationOptions::addTo(CLI::App &app) {
  return {app.add_option("--threads", threads,
                         "threads that simulate; without it as many as the processor runs")
              ->check(CLI::Range(1, kMaxThreads)),
          app.add_option_function<std::string>(
              "--timing",
              [this](const std::string &text) {
                for (TimingKind kind : {TimingKind::ClosedForm, TimingKind::Detailed})
                  if (text == toString(kind)) {
                    timing = kind;
                    return;
                  }
                throw CLI::ValidationError("--timing",
                                           "expected closed-form or detailed, got '" + text + "'");
              },
              "closed-form, as without it, or detailed: what cycles are made of")};
}

void LaunchFileOptions::request(LaunchOptions &options) const {
  options.codes = !codes.empty();
  options.masks = !masks.empty();
  options.trace = !trace.empty();
}

bool LaunchFileOptions::plan(OutputFiles &files, size_t launches, std::string &error) const {
  std::vector<std::string> paths = {stats, trace};
  for (size_t index = 0; index < launches; ++index)
    for (const std::string &path : {masks, codes})
      if (!path.empty())
        paths.push_back(numberedPath(path, index, launches));
  return std::ranges::all_of(
      paths, [&](const std::string &path) { return path.empty() || files.plan(path, error); });
}

void LaunchFileOptions::nameFiles(std::span<LaunchReport> launches) const {
  for (size_t index = 0; index < launches.size(); ++index) {
    if (!masks.empty())
      launches[index].masks = numberedPath(masks, index, launches.size());
    if (!codes.empty())
      launches[index].codes = numberedPath(codes, index, launches.size());
  }
}

bool LaunchFileOptions::add(OutputFiles &files, std::span<const LaunchRecord> launches,
                            const Machine &machine, std::vector<std::string> &paths,
                            std::string &error) const {
  std::vector<LaunchTrace> traces;
  for (size_t index = 0; index < launches.size(); ++index) {
    const LaunchResult &result = *launches[index].result;
    if (!masks.empty()) {
      const LaunchShape &dimensions = result.dimensions;
      const int64_t shape[] = {dimensions.batches * dimensions.heads, dimensions.queries,
                               dimensions.keys};
      paths.push_back(numberedPath(masks, index, launches.size()));
      if (!addNpy(files, paths.back(), shape, result.masks, error))
        return false;
    }
    if (!codes.empty()) {
      paths.push_back(numberedPath(codes, index, launches.size()));
      if (!addNpy(files, paths.back(), launches[index].outputShape, result.codes, error))
        return false;
    }
    traces.push_back(
        {launches[index].program, result.trace, result.statistics.cycles, result.counters});
  }
  if (trace.empty())
    return true;
  paths.push_back(trace);
  return files.add(trace, traceToJson(traces, machine), error);
}
