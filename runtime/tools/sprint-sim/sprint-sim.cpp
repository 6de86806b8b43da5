//===- sprint-sim.cpp - Runs command streams ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Check.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Device.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/LaunchFile.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Messages.h"
#include "SprintRuntime/Npy.h"
#include "SprintRuntime/Progress.h"
#include "SprintRuntime/Report.h"
#include "ToolOptions.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

using namespace sprint;

namespace {

/// What ends the run: one message that names the file, or the argument, first.
struct ToolError {
  std::string message;
};

struct Arguments {
  std::string stream;
  std::vector<std::string> inputs;
  std::string entry;
  /// A file of launches; empty where the inputs are on the command line.
  std::string launches;
  std::string arch;
  ThresholdOptions thresholds;
  std::string outputDir;
  LaunchFileOptions files;
  SimulationOptions simulation;
  /// Head and query, or empty.
  std::vector<int64_t> explain;
  bool onlyChecks = false;
};

/// A launch to run.
struct Plan {
  const Program *program;
  /// A file for each of its operands.
  std::vector<std::string> inputs;
  ThresholdPolicy thresholds;
  std::optional<FrozenSteps> steps;
  /// Index of its cache.
  std::optional<size_t> cache;
};

/// Where caches are, by their index; null before their first launch.
using Caches = std::vector<std::unique_ptr<Cache>>;

/// A launch that has run.
struct Launch {
  const Program *program;
  LaunchResult result;
  /// The shape of the output file: that of the query's, with the channels of the value.
  std::vector<int64_t> outputShape;
};

template <typename Value> Value valueOr(std::optional<Value> value, const std::string &error) {
  if (!value)
    throw ToolError{error};
  return *std::move(value);
}

CommandStream loadStream(const std::string &path) {
  std::string error;
  std::string bytes = valueOr(readFile(path, kMaxStreamBytes, error), error);
  std::optional<CommandStream> stream =
      parse({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()}, error);
  return valueOr(std::move(stream), path + ": " + error);
}

/// The programs that run, in this order.
std::vector<const Program *> programsOf(const CommandStream &stream, const Arguments &arguments) {
  std::vector<const Program *> programs;
  std::string names;
  for (const Program &program : stream.programs) {
    names += (names.empty() ? "" : ", ") + program.name;
    if (arguments.entry.empty() || arguments.entry == program.name)
      programs.push_back(&program);
  }
  if (programs.empty())
    throw ToolError{arguments.stream + ": " +
                    (arguments.entry.empty()
                         ? "holds no program"
                         : "has no program '" + arguments.entry + "'; it has " + names)};
  return programs;
}

/// The machine that was asked for, or the one that all programs name.
Machine machineOf(const std::vector<const Program *> &programs, const Arguments &arguments) {
  std::string error;
  if (!arguments.arch.empty())
    return valueOr(loadMachine(arguments.arch, error), error);
  const std::string &name = programs.front()->machine;
  for (const Program *program : programs)
    if (program->machine != name)
      throw ToolError{arguments.stream + ": programs are for machines '" + name + "' and '" +
                      program->machine + "'; select one with --entry"};
  // A stream names a machine; it must not make the tool read a file.
  if (!std::ranges::count(builtinMachines(), name))
    throw ToolError{arguments.stream + ": made for machine '" + name +
                    "', which is not built in; give its description with --arch"};
  return valueOr(loadMachine(name, error), error);
}

/// The operands of a program, in the order of its inputs.
std::vector<MemoryRegion> operandsOf(const Program &program) {
  std::vector<MemoryRegion> operands;
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (!inputOf(region).isOptional || std::ranges::count(program.inputs, region))
      operands.push_back(region);
  return operands;
}

void checkInputCount(const std::vector<const Program *> &programs, const Arguments &arguments) {
  size_t count = 0;
  std::string names;
  for (const Program *program : programs) {
    names += names.empty() ? "" : "; ";
    std::string separator;
    for (MemoryRegion operand : operandsOf(*program)) {
      ++count;
      names += separator + std::string(toString(operand));
      separator = ", ";
    }
    names += " of '" + program->name + "'";
  }
  if (arguments.inputs.size() != count)
    throw ToolError{arguments.stream + ": expected " + std::to_string(count) + " inputs (" + names +
                    "), got " + std::to_string(arguments.inputs.size())};
}

/// The operands of one launch, from files.
class Inputs {
public:
  /// `paths` has a file for each of the program's operands; only headers are read.
  Inputs(const Program &program, const std::vector<std::string> &paths)
      : regions(operandsOf(program)), paths(paths) {
    for (size_t index = 0; index < regions.size(); ++index) {
      std::string error;
      shape(
          regions[index], paths[index],
          valueOr(readNpyHeader(paths[index], inputOf(regions[index]).hostElement, error), error));
    }
  }

  /// Reads the numbers.
  void read() {
    for (size_t index = 0; index < regions.size(); ++index) {
      std::string error;
      NpyArray &array = arrays[static_cast<size_t>(regions[index])] =
          valueOr(readNpyArray(paths[index], inputOf(regions[index]).hostElement, error), error);
      // It may be another file than before.
      shape(regions[index], paths[index], array);
      views[regions[index]].data = array.data.data();
    }
  }

  /// Before `read` there are no numbers behind the pointers, which only say what there is.
  const LaunchOperands &operands() const { return views; }
  const std::vector<int64_t> &queryShape() const {
    return arrays[static_cast<size_t>(MemoryRegion::Query)].shape;
  }

private:
  /// Sets the shape of an array whose leading dimensions, of what it may be the same for and of
  /// batch and heads, may be missing; they are 1.
  void shape(MemoryRegion region, const std::string &path, const NpyHeader &array) {
    const LaunchTensor &input = inputOf(region);
    std::string names;
    size_t rank = input.dimensions.size(), canMiss = 0;
    for (size_t index = 0; index < rank; ++index) {
      auto [dimension, mayBeOne] = input.dimensions[index];
      bool mayMiss = mayBeOne || dimension == Dimension::B || dimension == Dimension::H ||
                     dimension == Dimension::G;
      canMiss += canMiss == index && mayMiss;
      names += (index == 0 ? "" : ", ") + std::string(toString(dimension));
    }
    if (array.shape.size() < rank - canMiss || array.shape.size() > rank)
      throw ToolError{path + ": expected " + std::to_string(rank - canMiss) + " to " +
                      std::to_string(rank) + " dimensions, the last of [" + names + "], got " +
                      std::to_string(array.shape.size())};
    InputView &view = views[region];
    view.data = path.data();
    view.shape.fill(1);
    std::ranges::copy_backward(array.shape, view.shape.begin() + rank);
  }

  std::vector<MemoryRegion> regions;
  const std::vector<std::string> &paths;
  /// By MemoryRegion; the views look at them.
  std::array<NpyArray, launchInputs.size()> arrays;
  LaunchOperands views;
};

/// The threshold policy of each program.
std::vector<ThresholdPolicy> policiesOf(const std::vector<const Program *> &programs,
                                        const Arguments &arguments) {
  const ThresholdOptions &options = arguments.thresholds;
  std::vector<ThresholdPolicy> policies(programs.size(), {options.kind(), {}, options.fraction()});
  if (options.kind() != ThresholdPolicy::Kind::Given)
    return policies;
  std::vector<std::string> names;
  names.reserve(programs.size());
  for (const Program *program : programs)
    names.push_back(program->name);
  std::string error;
  std::vector<std::vector<float>> thresholds = valueOr(options.read(names, error), error);
  for (size_t index = 0; index < programs.size(); ++index)
    policies[index].thresholds = std::move(thresholds[index]);
  return policies;
}

/// A launch of each program, with the inputs of the command line.
std::vector<Plan> planPrograms(const std::vector<const Program *> &programs,
                               const Arguments &arguments) {
  checkInputCount(programs, arguments);
  std::vector<ThresholdPolicy> policies = policiesOf(programs, arguments);
  std::vector<Plan> plans;
  std::span<const std::string> paths = arguments.inputs;
  for (size_t index = 0; index < programs.size(); ++index) {
    size_t count = operandsOf(*programs[index]).size();
    plans.push_back(
        {programs[index], {paths.begin(), paths.begin() + count}, policies[index], {}, {}});
    paths = paths.subspan(count);
  }
  return plans;
}

/// The launches of a file.
std::vector<Plan> planLaunches(const std::vector<const Program *> &programs, const LaunchFile &file,
                               const Arguments &arguments) {
  // Thresholds are those of the programs that are launched, in the order of the stream.
  auto isLaunched = [&](const Program *program) {
    return std::ranges::any_of(file.launches, [&](const LaunchFile::Launch &launch) {
      return launch.program == program->name;
    });
  };
  std::vector<const Program *> launched;
  std::ranges::copy_if(programs, std::back_inserter(launched), isLaunched);
  std::vector<ThresholdPolicy> policies = policiesOf(launched, arguments);
  std::vector<Plan> plans;
  for (const LaunchFile::Launch &launch : file.launches) {
    auto program = std::ranges::find(launched, launch.program, &Program::name);
    if (program == launched.end())
      throw ToolError{arguments.launches + ": expected a program of " + arguments.stream +
                      ", got '" + launch.program + "'"};
    size_t count = operandsOf(**program).size();
    if (launch.inputs.size() != count)
      throw ToolError{arguments.launches + ": launch " + std::to_string(plans.size()) +
                      ": expected " + std::to_string(count) + " inputs of '" + launch.program +
                      "', got " + std::to_string(launch.inputs.size())};
    std::optional<FrozenSteps> steps;
    if (launch.steps)
      steps = launch.steps->steps;
    plans.push_back(
        {*program, launch.inputs, policies[program - launched.begin()], steps, launch.cache});
  }
  return plans;
}

/// The cache of a launch, made at its first, which has its channels.
Cache *cacheOf(const Plan &plan, const LaunchOperands &operands, Device &device,
               const LaunchFile &file, Caches &caches, const Arguments &arguments) {
  if (!plan.cache)
    return nullptr;
  std::unique_ptr<Cache> &cache = caches[*plan.cache];
  if (!cache) {
    const StepTable &steps = file.caches[*plan.cache].steps;
    std::string error;
    cache = device.createCache({steps.batches, steps.heads, steps.keyHeads,
                                operands[MemoryRegion::Key].shape[3],
                                operands[MemoryRegion::Value].shape[3]},
                               steps.steps, error);
    if (!cache)
      throw ToolError{arguments.launches + ": '" + file.caches[*plan.cache].name + "': " + error};
  }
  return cache.get();
}

/// An error about a launch, which may be about any of its files.
ToolError launchError(const Plan &plan, const std::string &message, const Arguments &arguments) {
  std::string sources;
  for (const std::string &path : plan.inputs)
    sources += (sources.empty() ? " (inputs: " : ", ") + path;
  if (!arguments.thresholds.file.empty())
    sources += "; thresholds: " + arguments.thresholds.file;
  return {arguments.stream + ": " + message + sources + ")"};
}

/// The inputs of all launches, none of whose numbers is read. Refuses those whose shapes do not
/// fit, before any launch has run.
std::vector<Inputs> findInputs(const std::vector<Plan> &plans, const Machine &machine,
                               const LaunchFile &file, const Arguments &arguments) {
  std::vector<Inputs> found;
  found.reserve(plans.size());
  std::vector<int64_t> lengths(file.caches.size());
  for (const Plan &plan : plans) {
    const Inputs &inputs = found.emplace_back(*plan.program, plan.inputs);
    int64_t past = plan.cache ? lengths[*plan.cache] : 0;
    if (std::string fault = findOperandFault(*plan.program, machine, inputs.operands(), past);
        !fault.empty())
      throw launchError(plan, fault, arguments);
    if (plan.cache)
      lengths[*plan.cache] += inputs.operands()[MemoryRegion::Key].shape[2];
  }
  return found;
}

/// Runs a launch with what `inputs` read, which is gone then.
Launch runPlan(const Plan &plan, Inputs inputs, Device &device, const LaunchFile &file,
               Caches &caches, const Arguments &arguments) {
  const Program &program = *plan.program;
  inputs.read();
  LaunchOptions options;
  options.thresholds = plan.thresholds;
  options.steps = plan.steps;
  options.cache = cacheOf(plan, inputs.operands(), device, file, caches, arguments);
  arguments.files.request(options);
  arguments.simulation.request(options);
  options.progress = terminalProgress(program.name, "rows");
  if (!arguments.explain.empty())
    options.explained = {arguments.explain[0], arguments.explain[1]};
  std::string error;
  std::optional<LaunchResult> result = device.launch(program, inputs.operands(), options, error);
  if (!result)
    throw launchError(plan, error, arguments);
  Launch launch = {&program, std::move(*result), inputs.queryShape()};
  launch.outputShape.back() = launch.result.dimensions.valueDim;
  return launch;
}

/// The path of a launch's output.
std::string outputPath(const Arguments &arguments, size_t launch) {
  return (std::filesystem::path(arguments.outputDir) / (std::to_string(launch) + ".npy")).string();
}

/// Refuses, before there is anything to lose, places where no file can be written.
void planOutputs(OutputFiles &files, const std::vector<Plan> &plans, const Machine &machine,
                 const Arguments &arguments) {
  for (const std::string &path : {arguments.stream, arguments.launches, arguments.thresholds.file})
    files.addInput(path);
  for (const std::string &path : machine.files)
    files.addInput(path);
  for (const Plan &plan : plans)
    for (const std::string &path : plan.inputs)
      files.addInput(path);
  std::string error;
  bool isPlanned = arguments.files.plan(files, plans.size(), error);
  if (!arguments.outputDir.empty())
    for (size_t index = 0; isPlanned && index < plans.size(); ++index)
      isPlanned = files.plan(outputPath(arguments, index), error);
  if (!isPlanned)
    throw ToolError{error};
}

void writeOutputs(OutputFiles &files, const std::vector<Launch> &launches, const Machine &machine,
                  const Arguments &arguments) {
  std::string error;
  auto check = [&](bool isDone) {
    if (!isDone)
      throw ToolError{error};
  };
  RunReport report;
  report.machine = machine.name;
  std::vector<LaunchRecord> records;
  for (size_t index = 0; index < launches.size(); ++index) {
    const Launch &launch = launches[index];
    if (!arguments.outputDir.empty())
      check(addNpy(files, outputPath(arguments, index), launch.outputShape, launch.result.output,
                   error));
    report.attentions.emplace_back(*launch.program, launch.result);
    records.push_back({launch.program->name, &launch.result, launch.outputShape});
  }
  arguments.files.nameFiles(report.attentions);
  std::vector<std::string> paths;
  check(arguments.files.add(files, records, machine, paths, error));
  if (!arguments.files.stats.empty())
    check(files.add(arguments.files.stats, toJson(report), error));
  check(files.commit(error));
}

/// The part of the machine that worked most of the time.
std::pair<std::string, double> busiestPart(const Statistics &statistics) {
  std::pair<std::string, double> busiest = {"bus", statistics.busyBus};
  for (MachineUnit unit : enumerators<MachineUnit>)
    if (double busy = statistics.*busyOfUnits[static_cast<size_t>(unit)]; busy > busiest.second)
      busiest = {std::string(toString(unit)), busy};
  return {busiest.first, busiest.second / statistics.cycles};
}

/// A launch's energy, and its range where the machine has one.
std::string energyText(const Statistics &statistics) {
  constexpr double kMicrojoules = 1e-6;
  char text[100];
  double low = statistics.lowEnergy(), high = statistics.highEnergy();
  std::snprintf(text, sizeof text, low < high ? "%.6g uJ (%.6g to %.6g)" : "%.6g uJ",
                statistics.totalEnergy() * kMicrojoules, low * kMicrojoules, high * kMicrojoules);
  return text;
}

void printSummary(const std::vector<Launch> &launches, const Machine &machine) {
  for (const Launch &launch : launches) {
    const Statistics &statistics = launch.result.statistics;
    std::printf("%s: %.0f cycles (%.0f with the codes in ReRAM already), %s, pruned %.4f\n",
                launch.program->name.c_str(), statistics.cycles, statistics.cyclesResident,
                energyText(statistics).c_str(), statistics.prunedFraction());
    const LaunchShape &shape = launch.result.dimensions;
    auto queries = static_cast<double>(shape.batches * shape.heads * shape.queries);
    auto kept = static_cast<double>(std::max<int64_t>(statistics.keptScores, 1));
    double bytes = machine.busBytesPerCycle();
    double used = statistics.busyBus / statistics.cycles;
    auto [part, busy] = busiestPart(statistics);
    std::printf("  %.6g cycles and %.6g pJ a query, %.6g pJ a kept key\n"
                "  bus: %.4g of %.4g bytes a cycle (%.0f %%); bottleneck: %s (%.0f %% busy)\n"
                "  %.3g queries simulated a second\n",
                statistics.cycles / queries, statistics.totalEnergy() / queries,
                statistics.totalEnergy() / kept, used * bytes, bytes, used * 100, part.c_str(),
                busy * 100, queries / std::max(statistics.simulationSeconds, 1e-9));
  }
}

/// Prints when the commands of a row ran and what they waited for.
void printExplanation(const Launch &launch, const std::vector<int64_t> &row) {
  std::printf("\n%s, head %lld, query %lld: cycles, and what each command waited for\n%-12s %-13s "
              "%13s %13s %13s\n",
              launch.program->name.c_str(), static_cast<long long>(row[0]),
              static_cast<long long>(row[1]), "unit", "command", "unit free", "start", "end");
  for (const ExplainedCommand &command : launch.result.explanation) {
    std::printf("%-12s %-13s %13.2f %13.2f %13.2f\n", std::string(command.unit).c_str(),
                std::string(command.name).c_str(), command.free, command.start, command.end);
    for (const ExplainedCommand::Wait &wait : command.waits)
      std::printf("  until %.2f for %s\n", wait.until, wait.reason.c_str());
  }
}

/// Prints what is found in the programs. Returns whether they have no errors.
bool printFindings(const std::vector<const Program *> &programs, const Machine &machine,
                   const Arguments &arguments) {
  bool isSound = true;
  for (const Program *program : programs) {
    for (const Finding &finding : check(*program, machine)) {
      isSound &= finding.severity != Finding::Severity::Error;
      std::fprintf(stderr, "sprint-sim: %s: %s: program '%s': %s\n",
                   std::string(toString(finding.severity)).c_str(), arguments.stream.c_str(),
                   program->name.c_str(), toString(*program, finding).c_str());
    }
  }
  return isSound;
}

/// Returns whether the programs are sound, where that is all that is asked.
bool run(const Arguments &arguments) {
  CommandStream stream = loadStream(arguments.stream);
  std::vector<const Program *> programs = programsOf(stream, arguments);
  if (arguments.onlyChecks)
    return printFindings(programs, machineOf(programs, arguments), arguments);
  LaunchFile file;
  std::string error;
  if (!arguments.launches.empty())
    file = valueOr(readLaunches(arguments.launches, error), error);
  std::vector<Plan> plans = arguments.launches.empty() ? planPrograms(programs, arguments)
                                                       : planLaunches(programs, file, arguments);
  Machine machine = machineOf(programs, arguments);
  OutputFiles files;
  planOutputs(files, plans, machine, arguments);
  std::vector<Inputs> inputs = findInputs(plans, machine, file, arguments);
  Device device(machine);
  Caches caches(file.caches.size());
  std::vector<Launch> launches;
  launches.reserve(plans.size());
  for (size_t index = 0; index < plans.size(); ++index)
    launches.push_back(
        runPlan(plans[index], std::move(inputs[index]), device, file, caches, arguments));
  writeOutputs(files, launches, machine, arguments);
  printSummary(launches, machine);
  if (!arguments.explain.empty())
    for (const Launch &launch : launches)
      printExplanation(launch, arguments.explain);
  if (!flushStandardOutput(error))
    throw ToolError{error};
  return true;
}

} // namespace

int main(int argc, char **argv) {
  OutputFiles::prepareProcess();
  Arguments arguments;
  CLI::App app("Runs the programs of a command stream on the simulated machine: values, cycles, "
               "energy.");
  std::string machines;
  for (const std::string &name : builtinMachines())
    machines += name + ", ";
  app.footer(
      "Examples:\n"
      "  sprint-sim model.stream --input=q.npy --input=k.npy --input=v.npy --threshold=0.5\n"
      "  sprint-sim model.stream --input=q.npy --input=k.npy --input=v.npy --prune-rate=0.75 "
      "--trace=trace.json\n"
      "  sprint-sim model.stream --launches=launches.json --stats=stats.json\n"
      "  sprint-sim model.stream --check\n\n"
      "Machines: " +
      machines + "or a description, FILE.yaml");
  app.set_version_flag("--version", "Sprint version " SPRINT_VERSION);
  app.add_option("STREAM", arguments.stream, "command stream")->required();
  app.add_option("--input", arguments.inputs,
                 "query, key and value of each program, .npy files of f32, and which of " +
                     std::string(optionalInputNames) + " it takes");
  app.add_option("--launches", arguments.launches,
                 "launches to run one after another on one device instead, a JSON file")
      ->excludes("--input");
  app.add_option("--entry", arguments.entry, "the program to run; without it all, in their order");
  app.add_option("--arch", arguments.arch,
                 "machine, built in or a .yaml file; without it the one that the stream names");
  arguments.thresholds.addTo(app);
  app.add_option("--output-dir", arguments.outputDir, "folder of the outputs, 0.npy, 1.npy, ...");
  arguments.files.addTo(app);
  arguments.simulation.addTo(app);
  app.add_option("--explain", arguments.explain,
                 "HEAD,QUERY: print when the commands of that row ran and what they waited for; "
                 "heads of all batch elements are counted through")
      ->delimiter(',')
      ->expected(2);
  app.add_flag("--check", arguments.onlyChecks,
               "only check the programs, without inputs: print what is wrong with them and what "
               "cannot be decided");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return printParsed(app, error, "sprint-sim");
  }
  std::string message;
  try {
    return run(arguments) ? 0 : 1;
  } catch (const ToolError &error) {
    message = error.message;
  } catch (const std::exception &error) {
    message = reasonOf(error);
  }
  wipeProgress();
  std::fprintf(stderr, "sprint-sim: error: %s\n", message.c_str());
  return 1;
}
