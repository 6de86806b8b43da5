//===- Model.cpp - A model on its way down --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/Model.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Driver/Diagnostics.h"
#include "Sprint/Execution/Launch.h"
#include "Sprint/Target/CommandStream.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sprint;

std::unique_ptr<MLIRContext> mlir::sprint::createModelContext() {
  DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  registerExecution(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  context->printOpOnDiagnostic(false);
  return context;
}

//===----------------------------------------------------------------------===//
// Model
//===----------------------------------------------------------------------===//

/// Runs the passes that `build` adds.
static LogicalResult runPasses(ModuleOp module, const ConfigurePasses &configure,
                               function_ref<void(OpPassManager &)> build) {
  PassManager passes(module.getContext());
  if (configure && failed(configure(passes)))
    return failure();
  build(passes);
  return passes.run(module);
}

LogicalResult Model::findEntry() {
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

func::FuncOp Model::getFunction() const {
  return ModuleOp(raised.get()).lookupSymbol<func::FuncOp>(entry);
}

llvm::Error Model::addLevel(ModuleOp module, Level level, StringRef schedule) const {
  ErrorCollector errors(module.getContext());
  return errors.check(runPasses(module, configure, [&](OpPassManager &passes) {
    addPassesTo(level, passes, arch, schedule);
  }));
}

llvm::Expected<Model> Model::raise(OwningOpRef<ModuleOp> module, StringRef entry, StringRef arch,
                                   ConfigurePasses configure) {
  Model model;
  model.raised = std::move(module);
  model.entry = entry.str();
  model.arch = arch.str();
  model.configure = std::move(configure);
  ErrorCollector errors(model.raised->getContext());
  if (failed(model.findEntry()))
    return errors.takeError();
  // Attentions that the function does not reach are none of this run.
  for (auto symbol : model.raised->getOps<SymbolOpInterface>())
    symbol.setVisibility(symbol.getName() == model.entry ? SymbolTable::Visibility::Public
                                                         : SymbolTable::Visibility::Private);
  if (failed(runPasses(*model.raised, model.configure, [&](OpPassManager &passes) {
        passes.addPass(createSymbolDCEPass());
        addPassesTo(Level::Attention, passes, model.arch, /*schedule=*/"");
      })))
    return errors.takeError();
  return model;
}

llvm::Expected<Model> Model::parse(const std::shared_ptr<llvm::SourceMgr> &sources,
                                   MLIRContext &context, StringRef entry, StringRef arch,
                                   ConfigurePasses configure) {
  ErrorCollector errors(&context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return errors.takeError();
  return raise(std::move(module), entry, arch, std::move(configure));
}

bool Model::hasAttentions() const {
  return ModuleOp(raised.get())
      .walk([](AttentionOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// What a band is, in a few words.
static std::string describeBand(BandAttr band) {
  std::optional<int64_t> lower = band.getLower(), upper = band.getUpper();
  if (upper == 0 && !lower)
    return "causal";
  return "band " + (lower ? std::to_string(*lower) : "") + ".." +
         (upper ? std::to_string(*upper) : "");
}

/// Adds what a tensor of the launch does to the scores, where it does anything.
static void addMask(sprint_isa::MemoryRegion region, SmallVectorImpl<std::string> &masks) {
  if (std::string_view kind = getLaunchTensor(getProgramInput(region)).kind; !kind.empty())
    masks.emplace_back(kind);
}

static ProgramInfo makeProgramInfo(StringRef name, ArrayRef<std::string> masks, int64_t heads) {
  return {name.str(), masks.empty() ? "none" : llvm::join(masks, "+"), heads};
}

/// What is known of a program: from its arguments and what is left of its attention.
static ProgramInfo describeProgram(ProgramOp program) {
  SmallVector<std::string> masks;
  program.walk([&](AttendOp attend) {
    if (BandAttr band = attend.getBandAttr())
      masks.push_back(describeBand(band));
  });
  for (sprint_isa::MemoryRegion region : getOptionalRegions())
    if (program.getArgument(getProgramInput(region)))
      addMask(region, masks);
  return makeProgramInfo(program.getSymName(), masks, getSizeOf(program, ::sprint::Dimension::H));
}

/// What is known of a program of commands.
static ProgramInfo describeProgram(sprint_isa::ProgramOp program) {
  SmallVector<std::string> masks;
  if (ArrayAttr inputs = program.getInputsAttr())
    for (auto region : inputs.getAsRange<sprint_isa::MemoryRegionAttr>())
      addMask(region.getValue(), masks);
  auto heads = static_cast<size_t>(::sprint::LaunchParameter::Heads);
  return makeProgramInfo(program.getSymName(), masks, program.getParameters()[heads]);
}

llvm::Error Model::cut() {
  if (outlined)
    return llvm::Error::success();
  OwningOpRef<ModuleOp> module(raised->clone());
  if (llvm::Error error = addLevel(*module, Level::Outlined))
    return error;
  outlined = std::move(module);
  auto structure =
      outlined->getOperation()->getAttrOfType<MachineAttr>(SprintDialect::kMachineAttrName);
  auto costs = outlined->getOperation()->getAttrOfType<CostsAttr>(SprintDialect::kCostsAttrName);
  machine = std::make_shared<const ::sprint::Machine>(makeMachine(structure, costs));
  for (Operation &op : *outlined->getBody())
    llvm::TypeSwitch<Operation *>(&op).Case<ProgramOp, sprint_isa::ProgramOp>(
        [&](auto program) { programs.push_back(describeProgram(program)); });
  return llvm::Error::success();
}

std::vector<::sprint::HostReport> Model::getHostAttentions() const {
  // What was not raised is told before what the machine cannot hold.
  std::vector<::sprint::HostReport> host;
  for (RefusedBy by : {RefusedBy::Raising, RefusedBy::Outlining})
    (outlined ? outlined : raised).get()->walk([&](Operation *op) {
      RefusalAttr refusal = getRefusal(op);
      if (!refusal || refusal.getBy() != by)
        return;
      Location place = op->getLoc();
      StringAttr name = refusal.getName();
      // As the attention is called, which its parts may not be.
      if (name && place->findInstanceOf<NameLoc>())
        place = NameLoc::get(name, place);
      host.push_back({"attention", describeLocation(place), refusal.getMessage(),
                      name ? name.str() : std::string()});
    });
  return host;
}

llvm::Error Model::checkDense() const {
  llvm::StringSet<> attentions;
  ModuleOp(raised.get()).walk([&](AttentionOp op) { attentions.insert(*op.getName()); });
  ErrorCollector errors(outlined.get().getContext());
  for (auto symbol : ModuleOp(outlined.get()).getOps<SymbolOpInterface>())
    if (isa<ProgramOp, sprint_isa::ProgramOp>(symbol) && !attentions.contains(symbol.getName())) {
      symbol->emitError("expected an attention whose keys can all be kept, got the program '")
          << symbol.getName() << "', which keeps what it was made for";
      return errors.takeError();
    }
  return llvm::Error::success();
}

llvm::Expected<ScheduledModel> Model::schedule(StringRef name) {
  if (llvm::Error error = cut())
    return std::move(error);
  if (name == kDenseSchedule)
    if (llvm::Error error = checkDense())
      return std::move(error);
  ScheduledModel scheduled(*this, name.str());
  if (llvm::Error error = scheduled.lowerTo(Level::Scheduled))
    return std::move(error);
  return scheduled;
}

llvm::Error mlir::sprint::checkThresholds(ArrayRef<ProgramInfo> programs,
                                          const ModelThresholds &thresholds) {
  if (programs.size() != thresholds.size())
    return llvm::createStringError("expected thresholds for %zu attentions, got %zu",
                                   programs.size(), thresholds.size());
  for (auto [program, row] : llvm::zip_equal(programs, thresholds))
    if (std::string fault = ::sprint::findThresholdFault(row, program.heads); !fault.empty())
      return llvm::createStringError("program '" + program.name + "': " + fault);
  return llvm::Error::success();
}

/// Sets the thresholds of what is named as one of `programs`, at any level.
static void setThresholdsIn(ModuleOp module, ArrayRef<ProgramInfo> programs,
                            const ModelThresholds &thresholds) {
  llvm::StringMap<ArrayRef<float>> byName;
  for (auto [program, row] : llvm::zip_equal(programs, thresholds))
    byName[program.name] = row;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto set = [&](auto op, StringRef name) {
      if (auto found = byName.find(name); found != byName.end())
        op.setThresholds(found->second);
    };
    if (auto attention = dyn_cast<AttentionOp>(op))
      set(attention, *attention.getName());
    else if (auto program = dyn_cast<ProgramOp>(op))
      set(program, program.getSymName());
    else if (auto program = dyn_cast<sprint_isa::ProgramOp>(op))
      set(program, program.getSymName());
  });
}

ModuleOp Model::getModule(Level level) const {
  return level == Level::Attention ? raised.get() : outlined.get();
}

llvm::Expected<std::shared_ptr<Executable>> Model::compileForHost() {
  return compileForHost(*raised);
}

llvm::Expected<std::shared_ptr<Executable>> Model::compileForHost(ModuleOp module) const {
  OwningOpRef<ModuleOp> copy(module.clone());
  ErrorCollector errors(module.getContext());
  if (failed(runPasses(*copy, configure, buildHostConversions)))
    return errors.takeError();
  function_ref<LogicalResult(PassManager &)> prepare;
  if (configure)
    prepare = configure;
  FailureOr<std::unique_ptr<Executable>> executable =
      Executable::compile(*copy, entry, LaunchContext::getSymbols(), prepare);
  if (failed(executable))
    return errors.takeError();
  return std::move(*executable);
}

//===----------------------------------------------------------------------===//
// ScheduledModel
//===----------------------------------------------------------------------===//

ModuleOp ScheduledModel::getModule(Level level) const {
  return level <= Level::Outlined ? model->getModule(level)
                                  : modules[static_cast<size_t>(level)].get();
}

llvm::Error ScheduledModel::lowerTo(Level target) {
  while (level < target) {
    auto next = static_cast<Level>(static_cast<int>(level) + 1);
    OwningOpRef<ModuleOp> module(getModule(level).clone());
    if (llvm::Error error = model->addLevel(*module, next, schedule))
      return error;
    modules[static_cast<size_t>(next)] = std::move(module);
    level = next;
  }
  return llvm::Error::success();
}

llvm::Error ScheduledModel::setThresholds(const ModelThresholds &thresholds) {
  if (llvm::Error error = checkThresholds(model->programs, thresholds))
    return error;
  for (const LevelInfo &info : getLevels())
    if (ModuleOp module = getModule(info.level))
      setThresholdsIn(module, model->programs, thresholds);
  if (stream)
    for (auto [program, row] : llvm::zip_equal(stream->programs, thresholds))
      program.thresholds = row;
  return llvm::Error::success();
}

llvm::Expected<std::shared_ptr<const ::sprint::CommandStream>> ScheduledModel::emit() {
  if (llvm::Error error = lowerTo(Level::Stream))
    return std::move(error);
  if (!stream && !model->programs.empty()) {
    ModuleOp module = getModule(Level::Stream);
    ErrorCollector errors(module.getContext());
    FailureOr<::sprint::CommandStream> translated = sprint_isa::translateToCommandStream(module);
    if (failed(translated))
      return errors.takeError();
    stream = std::make_shared<::sprint::CommandStream>(std::move(*translated));
  }
  return stream;
}

llvm::Expected<CompiledModel> ScheduledModel::compile() {
  CompiledModel compiled;
  if (llvm::Error error = emit().moveInto(compiled.stream))
    return std::move(error);
  compiled.programs = model->programs;
  compiled.machine = model->machine;
  if (!model->host)
    if (llvm::Error error = model->compileForHost(getModule(Level::Stream)).moveInto(model->host))
      return std::move(error);
  compiled.host = model->host;
  return compiled;
}

llvm::Expected<std::shared_ptr<Executable>> ScheduledModel::compileForHost(Level target) {
  if (llvm::Error error = lowerTo(target))
    return std::move(error);
  return model->compileForHost(getModule(target));
}
