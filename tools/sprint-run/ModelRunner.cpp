//===- ModelRunner.cpp - Compile a model and run it -----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "ModelRunner.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Target/CommandStream.h"

#include "mlir/ExecutionEngine/CRunnerUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::sprint;

/// An operand as compiled code passes it; the ABI, not MLIR's type.
using OpaqueMemRef = ::UnrankedMemRefType<float>;

namespace {

/// What launches that compiled code makes need and leave behind.
struct LaunchSession {
  const ::sprint::CommandStream &stream;
  const ::sprint::Machine &machine;
  const ::sprint::LaunchOptions &options;
  DeviceRun &run;
  std::string error;
};

/// A tensor of compiled code, made contiguous.
struct Operand {
  explicit Operand(OpaqueMemRef &opaque) : memref(opaque) {
    if (memref.rank != 4)
      return;
    std::copy_n(memref.sizes, 4, view.shape.begin());
    elements.reserve(view.shape[0] * view.shape[1] * view.shape[2] * view.shape[3]);
    for (float element : memref)
      elements.push_back(element);
    view.data = elements.data();
  }

  DynamicMemRefType<float> memref;
  std::vector<float> elements;
  ::sprint::TensorView view;
};

} // namespace

/// Compiled code has no argument for it.
static LaunchSession *session = nullptr;

/// Runs one launch; false leaves an error in the session.
static bool launch(int64_t program, OpaqueMemRef &query, OpaqueMemRef &key, OpaqueMemRef &value,
                   OpaqueMemRef &output) {
  Operand queries(query), keys(key), values(value);
  // The output was allocated for this launch, so it is contiguous; but with sizes that the model
  // computed.
  DynamicMemRefType<float> destination(output);
  const std::array<int64_t, 4> &rows = queries.view.shape;
  std::array<int64_t, 4> shape = {rows[0], rows[1], rows[2], values.view.shape[3]};
  if (!std::equal(shape.begin(), shape.end(), destination.sizes)) {
    session->error = llvm::formatv(
        "program '{0}': expected an output of {1:$[x]}, got {2:$[x]}",
        session->stream.programs[program].name, llvm::make_range(shape.begin(), shape.end()),
        llvm::make_range(destination.sizes, destination.sizes + shape.size()));
    return false;
  }
  std::optional<::sprint::LaunchResult> result =
      ::sprint::launch(session->stream.programs[program], session->machine, queries.view, keys.view,
                       values.view, session->options, session->error);
  if (!result)
    return false;
  std::copy(result->output.begin(), result->output.end(), destination.data + destination.offset);
  session->run.launches.push_back(std::move(*result));
  session->run.programs.push_back(program);
  session->run.programNames.push_back(session->stream.programs[program].name);
  return true;
}

/// The entry that `convert-sprint-launch-to-call` calls.
static void launchFromHost(int64_t program, OpaqueMemRef *query, OpaqueMemRef *key,
                           OpaqueMemRef *value, OpaqueMemRef *output) {
  if (!launch(program, *query, *key, *value, *output))
    failExecution(session->error.c_str());
}

LogicalResult ModelRunner::runPasses(ModuleOp module, function_ref<void(OpPassManager &)> build) {
  PassManager passes(module.getContext());
  build(passes);
  return passes.run(module);
}

LogicalResult ModelRunner::raise() {
  auto function = dyn_cast_if_present<FunctionOpInterface>(raised->lookupSymbol(entry));
  if (!function || function.isExternal())
    return raised->emitError() << "expected a function '" << entry << "' to run";
  return runPasses(*raised,
                   [](OpPassManager &passes) { passes.addPass(createConvertLinalgToSprint()); });
}

unsigned ModelRunner::countAttentions() {
  unsigned count = 0;
  raised->walk([&](AttentionOp) { ++count; });
  return count;
}

llvm::Error ModelRunner::setThresholds(const ModelThresholds &thresholds) {
  SmallVector<AttentionOp> attentions;
  raised->walk([&](AttentionOp op) { attentions.push_back(op); });
  if (attentions.size() != thresholds.size())
    return llvm::createStringError("expected thresholds for %zu attentions, got %zu",
                                   attentions.size(), thresholds.size());
  for (auto [index, attention, row] : llvm::enumerate(attentions, thresholds)) {
    int64_t heads = cast<RankedTensorType>(attention.getQuery().getType()).getDimSize(1);
    auto count = static_cast<int64_t>(row.size());
    if (count != 1 && !ShapedType::isDynamic(heads) && count != heads)
      return llvm::createStringError("expected 1 or %lld thresholds for attention %zu, got %lld",
                                     (long long)heads, index, (long long)count);
    attention.setThresholds(ArrayRef(row));
  }
  return llvm::Error::success();
}

FailureOr<OwningOpRef<ModuleOp>> ModelRunner::compile(Level level, StringRef schedule) {
  OwningOpRef<ModuleOp> module(raised->clone());
  CompileOptions options;
  options.arch = arch;
  options.schedule = schedule.str();
  options.level = level;
  if (failed(runPasses(*module,
                       [&](OpPassManager &passes) { buildCompilePipeline(passes, options); })))
    return failure();
  return module;
}

/// Diagnostics have told what went wrong.
static llvm::Error reported() { return llvm::createStringError(""); }

llvm::Expected<std::vector<HostTensor>> ModelRunner::runOnHost(Level level, StringRef schedule,
                                                               ArrayRef<TensorRef> inputs) {
  FailureOr<OwningOpRef<ModuleOp>> module = compile(level, schedule);
  if (failed(module) || failed(runPasses(**module, [](OpPassManager &passes) {
        passes.addPass(createConvertSprintToLinalg());
      })))
    return reported();
  FailureOr<std::unique_ptr<Executable>> executable = Executable::compile(**module, entry);
  if (failed(executable))
    return reported();
  return (*executable)->run(inputs);
}

/// The programs of a compiled module; none where nothing was raised.
static llvm::Expected<::sprint::CommandStream> translate(ModuleOp module) {
  if (module.getOps<sprint_isa::ProgramOp>().empty())
    return ::sprint::CommandStream();
  FailureOr<::sprint::CommandStream> stream = sprint_isa::translateToCommandStream(module);
  if (failed(stream))
    return reported();
  // What runs is what a file would hold.
  std::string error;
  std::optional<::sprint::CommandStream> parsed =
      ::sprint::parse(::sprint::serialize(*stream), error);
  if (!parsed)
    return llvm::createStringError(error);
  return std::move(*parsed);
}

llvm::Expected<::sprint::CommandStream> ModelRunner::compileStream(StringRef schedule) {
  FailureOr<OwningOpRef<ModuleOp>> module = compile(Level::Stream, schedule);
  if (failed(module))
    return reported();
  return translate(**module);
}

llvm::Expected<DeviceRun> ModelRunner::runOnDevice(StringRef schedule, ArrayRef<TensorRef> inputs,
                                                   const ::sprint::LaunchOptions &options) {
  FailureOr<OwningOpRef<ModuleOp>> module = compile(Level::Stream, schedule);
  if (failed(module))
    return reported();
  llvm::Expected<::sprint::CommandStream> stream = translate(**module);
  if (!stream)
    return stream.takeError();
  std::string error;
  std::optional<::sprint::Machine> machine = ::sprint::loadMachine(arch, error);
  if (!machine)
    return llvm::createStringError(error);

  if (failed(runPasses(**module, [](OpPassManager &passes) {
        passes.addPass(createConvertSprintLaunchToCall());
        passes.addPass(createConvertSprintToLinalg());
      })))
    return reported();
  HostSymbol entryPoint{"_mlir_ciface_sprintLaunch", reinterpret_cast<void *>(&launchFromHost)};
  FailureOr<std::unique_ptr<Executable>> executable =
      Executable::compile(**module, entry, entryPoint);
  if (failed(executable))
    return reported();

  DeviceRun run;
  run.machine = *machine;
  LaunchSession launches{*stream, *machine, options, run, {}};
  session = &launches;
  llvm::Expected<std::vector<HostTensor>> outputs = (*executable)->run(inputs);
  session = nullptr;
  if (!outputs)
    return outputs.takeError();
  run.outputs = std::move(*outputs);
  return std::move(run);
}
