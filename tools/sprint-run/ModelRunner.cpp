//===- ModelRunner.cpp - Compile a model and run it -----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "ModelRunner.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "Sprint/Target/CommandStream.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

#include <chrono>

using namespace mlir;
using namespace mlir::sprint;

/// Diagnostics have told what went wrong.
static llvm::Error reported() { return llvm::createStringError(""); }

/// An error of the C API.
static llvm::Error apiError(char *message) {
  llvm::Error error = llvm::createStringError(message ? message : "out of memory");
  sprintDestroyString(message);
  return error;
}

llvm::Expected<ModelRun> CompiledModel::run(ArrayRef<TensorRef> inputs,
                                            const LaunchContext::Configure &configure) {
  std::optional<LaunchContext> context;
  std::optional<LaunchContext::Scope> scope;
  if (loadedStream) {
    context.emplace(*loadedStream, *loadedMachine, configure);
    scope.emplace(*context);
  }
  ModelRun result;
  auto begin = std::chrono::steady_clock::now();
  llvm::Expected<std::vector<HostTensor>> outputs = executable->run(inputs);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  if (!outputs)
    return outputs.takeError();
  result.outputs = std::move(*outputs);
  result.seconds = elapsed.count();
  if (context)
    result.launches = context->takeLaunches();
  return result;
}

LogicalResult ModelRunner::runPasses(ModuleOp module, function_ref<void(OpPassManager &)> build) {
  PassManager passes(module.getContext());
  build(passes);
  return passes.run(module);
}

LogicalResult ModelRunner::findEntry() {
  constexpr StringLiteral kMain = "main";
  auto runs = [](func::FuncOp function) { return function && !function.isExternal(); };
  bool isNamed = !entry.empty();
  if (!isNamed)
    entry = kMain;
  if (runs(raised->lookupSymbol<func::FuncOp>(entry)))
    return success();
  SmallVector<func::FuncOp> functions;
  for (auto function : raised->getOps<func::FuncOp>())
    if (runs(function) && function.isPublic())
      functions.push_back(function);
  if (!isNamed && functions.size() == 1) {
    entry = functions.front().getName().str();
    return success();
  }
  InFlightDiagnostic error = functions.empty() ? raised->emitError() : functions[0].emitError();
  error << "expected a function '" << entry << "'";
  if (!isNamed)
    error << ", or only one that is public,";
  error << " to run, got ";
  if (functions.empty())
    return error << "none";
  llvm::interleaveComma(functions, error,
                        [&](func::FuncOp function) { error << "'" << function.getName() << "'"; });
  return error;
}

func::FuncOp ModelRunner::getFunction() { return raised->lookupSymbol<func::FuncOp>(entry); }

LogicalResult ModelRunner::raise() {
  if (failed(findEntry()))
    return failure();
  // Attentions that the function does not reach are none of this run.
  for (auto symbol : raised->getOps<SymbolOpInterface>())
    symbol.setVisibility(symbol.getName() == entry ? SymbolTable::Visibility::Public
                                                   : SymbolTable::Visibility::Private);
  if (failed(runPasses(*raised, [](OpPassManager &passes) {
        passes.addPass(createSymbolDCEPass());
        passes.addPass(createConvertLinalgToSprint());
      })))
    return failure();
  raised->walk([&](AttentionOp op) { attentions[*op.getName()] = op; });
  return success();
}

/// What an attention's masks are, in a few words.
static std::string describeMasks(AttentionOp attention) {
  SmallVector<std::string> parts;
  if (BandAttr band = attention.getBandAttr()) {
    std::optional<int64_t> lower = band.getLower(), upper = band.getUpper();
    if (upper == 0 && !lower)
      parts.push_back("causal");
    else
      parts.push_back("band " + (lower ? std::to_string(*lower) : "") + ".." +
                      (upper ? std::to_string(*upper) : ""));
  }
  for (sprint_isa::MemoryRegion region : getOptionalRegions())
    if (std::string_view kind = getLaunchTensor(getProgramInput(region)).kind;
        attention.getInput(region) && !kind.empty())
      parts.emplace_back(kind);
  return parts.empty() ? "none" : llvm::join(parts, "+");
}

llvm::Error ModelRunner::setThresholds(const CompiledModel &compiled,
                                       const ModelThresholds &thresholds) {
  ArrayRef<ProgramInfo> programs = compiled.getPrograms();
  if (programs.size() != thresholds.size())
    return llvm::createStringError("expected thresholds for %zu attentions, got %zu",
                                   programs.size(), thresholds.size());
  for (auto [program, row] : llvm::zip_equal(programs, thresholds)) {
    AttentionOp attention = attentions.lookup(program.name);
    int64_t heads = cast<RankedTensorType>(attention.getQuery().getType()).getDimSize(1);
    auto count = static_cast<int64_t>(row.size());
    if (count != 1 && !ShapedType::isDynamic(heads) && count != heads)
      return llvm::createStringError("expected 1 or %lld thresholds for '%s', got %lld",
                                     (long long)heads, program.name.c_str(), (long long)count);
    attention.setThresholds(ArrayRef(row));
  }
  return llvm::Error::success();
}

FailureOr<OwningOpRef<ModuleOp>> ModelRunner::lowerTo(Level level, StringRef schedule) {
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

llvm::Error ModelRunner::compileHostPart(ModuleOp module, CompiledModel &compiled) {
  if (failed(runPasses(module, [](OpPassManager &passes) {
        passes.addPass(createConvertSprintToLinalg());
        passes.addPass(createConvertSprintLaunchToCall());
        passes.addPass(createConvertTMTensorToLinalg());
      })))
    return reported();
  FailureOr<std::unique_ptr<Executable>> executable =
      Executable::compile(module, entry, LaunchContext::getSymbol());
  if (failed(executable))
    return reported();
  compiled.executable = std::move(*executable);
  return llvm::Error::success();
}

llvm::Expected<CompiledModel> ModelRunner::compileForHost(Level level, StringRef schedule) {
  FailureOr<OwningOpRef<ModuleOp>> module = lowerTo(level, schedule);
  if (failed(module))
    return reported();
  CompiledModel compiled;
  if (llvm::Error error = compileHostPart(**module, compiled))
    return std::move(error);
  return compiled;
}

llvm::Expected<CompiledModel> ModelRunner::compileForDevice(StringRef schedule) {
  FailureOr<OwningOpRef<ModuleOp>> module = lowerTo(Level::Stream, schedule);
  if (failed(module))
    return reported();
  CompiledModel compiled;
  for (auto program : (*module)->getOps<sprint_isa::ProgramOp>()) {
    AttentionOp attention = attentions.lookup(program.getSymName());
    if (!attention) {
      program.emitError() << "expected an attention '" << program.getSymName()
                          << "' of the model, got none";
      return reported();
    }
    compiled.programs.push_back({program.getSymName().str(), describeMasks(attention)});
  }
  if (!compiled.programs.empty()) {
    FailureOr<::sprint::CommandStream> stream = sprint_isa::translateToCommandStream(**module);
    if (failed(stream))
      return reported();
    // What runs is what a file would hold.
    std::vector<uint8_t> bytes = ::sprint::serialize(*stream);
    char *message = nullptr;
    compiled.loadedStream.reset(sprintParseStream(bytes.data(), bytes.size(), &message));
    if (!compiled.loadedStream)
      return apiError(message);
    compiled.loadedMachine.reset(sprintLoadMachine(arch.c_str(), &message));
    if (!compiled.loadedMachine)
      return apiError(message);
  }
  if (llvm::Error error = compileHostPart(**module, compiled))
    return std::move(error);
  return compiled;
}
