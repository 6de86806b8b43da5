//===- Executable.cpp - Functions compiled for the host ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "ContractionKernel.h"
#include "Run.h"
#include "RuntimeChecks.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Execution/Execution.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/RuntimeOpVerification.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/RuntimeOpVerification.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace mlir;
using namespace mlir::sprint;

//===----------------------------------------------------------------------===//
// What compiled code calls
//===----------------------------------------------------------------------===//

namespace {
/// One Executable::run under way.
struct Run {
  /// Where a failure goes.
  std::jmp_buf failure;
  std::string message;
  /// Buffers that compiled code has allocated and not freed.
  llvm::DenseSet<void *> buffers;

  ~Run() {
    for (void *buffer : buffers)
      std::free(buffer);
  }
};
} // namespace

/// The innermost run of this thread.
static thread_local Run *currentRun = nullptr;

void sprint::failExecution(const char *message) {
  currentRun->message = message;
  std::longjmp(currentRun->failure, 1);
}

/// What compiled code calls as kCheckSymbol.
static void checkExecution(int64_t holds, const char *message) {
  if (!holds)
    failExecution(message);
}

void *sprint::allocateBuffer(size_t size) {
  // A vector of the host's, and its cache line.
  constexpr size_t kAlignment = 64;
  void *buffer = nullptr;
  if (size <= SIZE_MAX - kAlignment)
    buffer = std::aligned_alloc(kAlignment, llvm::alignTo(std::max<size_t>(size, 1), kAlignment));
  if (!buffer)
    failExecution("out of memory");
  currentRun->buffers.insert(buffer);
  return buffer;
}

void sprint::freeBuffer(void *buffer) {
  if (currentRun->buffers.erase(buffer))
    std::free(buffer);
}

/// What LLVM calls on a CPU without instructions for bf16, where no expansion of ours reaches: to
/// choose between vectors of bf16, say. Not every compiler's library has these functions.
template <typename Float> static __bf16 roundToBFloat16(Float number) {
  llvm::APFloat rounded(number);
  bool losesInfo = false;
  rounded.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return llvm::bit_cast<__bf16>(static_cast<uint16_t>(rounded.bitcastToAPInt().getZExtValue()));
}

/// Calls compiled code; false if it failed. Nothing in this frame needs a destructor, and nothing
/// of it is read after the jump.
static bool callGuarded(void (*function)(const int64_t *, int64_t *), const int64_t *inputs,
                        int64_t *outputs) {
  if (setjmp(currentRun->failure))
    return false;
  function(inputs, outputs);
  return true;
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

/// Makes tensors of rank 0 of the numbers among the arguments and results of `function`, which
/// nothing calls: then all are in memory.
static void putNumbersInTensors(func::FuncOp function) {
  auto toTensor = [](Type type) -> RankedTensorType {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor ? tensor : RankedTensorType::get({}, type);
  };
  OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
  for (BlockArgument argument : function.getArguments()) {
    if (isa<RankedTensorType>(argument.getType()))
      continue;
    argument.setType(toTensor(argument.getType()));
    auto number =
        tensor::ExtractOp::create(builder, argument.getLoc(), argument, /*indices=*/ValueRange());
    argument.replaceAllUsesExcept(number, number);
  }
  function.walk([&](func::ReturnOp op) {
    builder.setInsertionPoint(op);
    for (OpOperand &result : op->getOpOperands())
      if (Type type = result.get().getType(); !isa<RankedTensorType>(type))
        result.set(tensor::FromElementsOp::create(builder, op.getLoc(), toTensor(type),
                                                  ValueRange(result.get())));
  });
  function.setType(
      builder.getFunctionType(function.front().getArgumentTypes(),
                              llvm::map_to_vector(function.getResultTypes(), [&](Type type) {
                                return Type(toTensor(type));
                              })));
}

/// What MLIR puts before the name of a function for its C interface.
static constexpr StringLiteral kInterfacePrefix = "_mlir_ciface_";
/// What the compiled names of a model's functions begin with.
static constexpr StringLiteral kModelPrefix = "model.";

void sprint::registerExecution(DialectRegistry &registry) {
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  cf::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerRuntimeVerifiableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerRuntimeVerifiableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// The machine this process runs on.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine() {
  // Threads may compile at once, and LLVM's registry of targets does not expect that.
  static std::once_flag isRegistered;
  std::call_once(isRegistered, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  llvm::Expected<llvm::orc::JITTargetMachineBuilder> builder =
      llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
  // Constants may be far from the code.
  builder->setRelocationModel(llvm::Reloc::PIC_);
  // docs/numerics.md: an operation is an operation.
  builder->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder->createTargetMachine();
}

/// Has a function of long blocks, which sprint-host-split-blocks may leave, compiled without
/// looking for the best order of its instructions: that takes time quadratic in the length of a
/// block.
static void limitCodeGeneration(llvm::Module &module) {
  constexpr size_t kLongBlock = 2000;
  for (llvm::Function &function : module) {
    // Loops and pieces are functions of their own, which are not inlined.
    bool isOutlined = function.hasFnAttribute(llvm::Attribute::NoInline);
    bool isLong = llvm::any_of(
        function, [](const llvm::BasicBlock &block) { return block.size() > kLongBlock; });
    if (isOutlined || !isLong)
      continue;
    function.removeFnAttr(llvm::Attribute::AlwaysInline);
    function.addFnAttr(llvm::Attribute::NoInline);
    function.addFnAttr(llvm::Attribute::OptimizeNone);
  }
}

FailureOr<std::unique_ptr<Executable>>
Executable::compile(ModuleOp module, StringRef entry, ArrayRef<HostSymbol> symbols,
                    function_ref<LogicalResult(PassManager &)> configure) {
  auto original = dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(module, entry));
  if (!original || original.isExternal())
    return module.emitError() << "expected a function @" << entry << " with a body, got "
                              << (original ? "a declaration" : "none");
  std::unique_ptr<Executable> executable(new Executable);
  FailureOr<SmallVector<Signature>> arguments =
      getSignatures(original, "argument", original.getArgumentTypes());
  FailureOr<SmallVector<Signature>> results =
      getSignatures(original, "result", original.getResultTypes());
  if (failed(arguments) || failed(results))
    return failure();
  executable->arguments = std::move(*arguments);
  executable->results = std::move(*results);

  OwningOpRef<ModuleOp> copy = module.clone();
  // Only the passes say which constants the code finds by name.
  (*copy)->removeAttr(SprintDialect::kHostConstantsAttrName);
  Builder builder(copy->getContext());
  for (Operation &op : *copy->getBody())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      if (symbol.getName() != entry)
        symbol.setPrivate();
  auto function = cast<func::FuncOp>(SymbolTable::lookupSymbolIn(*copy, entry));
  function.setPublic();
  for (unsigned index = 0; index < function.getNumArguments(); ++index)
    function.setArgAttr(index, bufferization::BufferizationDialect::kWritableAttrName,
                        builder.getBoolAttr(false));

  // Only what the caller brings may be called: a declaration in a model must not reach into this
  // process.
  PassManager reduction(copy->getContext());
  if (configure && failed(configure(reduction)))
    return failure();
  reduction.addPass(createSymbolDCEPass());
  if (failed(reduction.run(*copy)))
    return failure();
  for (auto callee : copy->getOps<func::FuncOp>()) {
    std::string wrapper = (kInterfacePrefix + callee.getName()).str();
    bool isKnown = llvm::any_of(symbols, [&](const HostSymbol &symbol) {
      return symbol.name == callee.getName() || symbol.name == wrapper;
    });
    if (callee.isExternal() && !isKnown)
      return callee.emitError() << "expected a definition of @" << callee.getName() << ", which @"
                                << entry << " reaches, got a declaration";
  }
  // A function of the model must not take the place of one of the C library, such as powf.
  SymbolTable symbolTable(*copy);
  for (func::FuncOp defined : llvm::to_vector(copy->getOps<func::FuncOp>()))
    if (!defined.isExternal() &&
        failed(symbolTable.rename(defined, (kModelPrefix + defined.getName()).str())))
      return defined.emitError() << "expected no other function named @" << kModelPrefix
                                 << defined.getName();
  copy->getContext()->loadDialect<tensor::TensorDialect>();
  putNumbersInTensors(function);

  PassManager passManager(copy->getContext());
  if (configure && failed(configure(passManager)))
    return failure();
  buildHostPipeline(passManager, function.getName());
  if (failed(passManager.run(*copy)))
    return failure();
  auto constants =
      cast_if_present<DictionaryAttr>((*copy)->removeAttr(SprintDialect::kHostConstantsAttrName));

  auto fail = [&](llvm::Error error) {
    return module.emitError() << "cannot compile @" << entry
                              << " for the host: " << llvm::toString(std::move(error));
  };
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> targetMachine = createTargetMachine();
  if (!targetMachine)
    return fail(targetMachine.takeError());
  auto optimize = makeOptimizingTransformer(/*optLevel=*/2, /*sizeLevel=*/0, targetMachine->get());
  ExecutionEngineOptions options;
  auto transform = [&](llvm::Module *code) -> llvm::Error {
    if (llvm::Error error = optimize(code))
      return error;
    limitCodeGeneration(*code);
    return llvm::Error::success();
  };
  options.transformer = transform;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Default;
  options.enableGDBNotificationListener = false;
  options.enablePerfNotificationListener = false;
  llvm::Expected<std::unique_ptr<ExecutionEngine>> engine =
      ExecutionEngine::create(*copy, options, std::move(*targetMachine));
  if (!engine)
    return fail(engine.takeError());
  (*engine)->registerSymbols([&](llvm::orc::MangleAndInterner mangle) {
    llvm::orc::SymbolMap map;
    auto define = [&](StringRef name, void *address) {
      map[mangle(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                           llvm::JITSymbolFlags::Exported};
    };
    define("malloc", reinterpret_cast<void *>(&allocateBuffer));
    define("free", reinterpret_cast<void *>(&freeBuffer));
    define("__truncsfbf2", reinterpret_cast<void *>(&roundToBFloat16<float>));
    define("__truncdfbf2", reinterpret_cast<void *>(&roundToBFloat16<double>));
    define(kFailureSymbol, reinterpret_cast<void *>(&failExecution));
    define(kCheckSymbol, reinterpret_cast<void *>(&checkExecution));
    define(kContractionSymbol, reinterpret_cast<void *>(&contract));
    if (constants)
      for (NamedAttribute constant : constants)
        define(constant.getName(),
               const_cast<char *>(getRawElements(cast<ElementsAttr>(constant.getValue()))->data()));
    for (const HostSymbol &symbol : symbols)
      define(symbol.name, symbol.address);
    return map;
  });
  llvm::Expected<void *> entryPoint = (*engine)->lookup((kModelPrefix + entry).str());
  if (!entryPoint)
    return fail(entryPoint.takeError());
  executable->engine = std::move(*engine);
  executable->entryPoint = reinterpret_cast<EntryPoint>(*entryPoint);
  return executable;
}

Executable::~Executable() = default;

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

llvm::Error Executable::checkInputs(ArrayRef<TensorRef> inputs) const {
  auto error = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  if (inputs.size() != arguments.size())
    return error("expected " + Twine(arguments.size()) + " inputs, got " + Twine(inputs.size()));
  for (auto [index, input, argument] : llvm::enumerate(inputs, arguments)) {
    std::string name = ("input " + Twine(index)).str();
    if (input.elementType != argument.elementType)
      return error("expected " + name + " of " + stringifyElementType(argument.elementType) +
                   ", got " + stringifyElementType(input.elementType));
    if (input.shape.size() != argument.shape.size())
      return error("expected " + name + " of rank " + Twine(argument.shape.size()) + ", got " +
                   Twine(input.shape.size()));
    for (auto [dim, got, expected] : llvm::enumerate(input.shape, argument.shape)) {
      if (got < 0)
        return error("expected a size in dimension " + Twine(dim) + " of " + name + ", got " +
                     Twine(got));
      if (!ShapedType::isDynamic(expected) && got != expected)
        return error("expected " + Twine(expected) + " in dimension " + Twine(dim) + " of " + name +
                     ", got " + Twine(got));
    }
    if (input.elementType == ElementType::I1 &&
        !areBooleans({static_cast<const char *>(input.data),
                      static_cast<size_t>(ShapedType::getNumElements(input.shape))}))
      return error("expected 0 or 1 for each element of " + name);
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>> Executable::run(ArrayRef<TensorRef> inputs) {
  if (llvm::Error error = checkInputs(inputs))
    return error;

  // As sprint-host-pack-boundary has it: addresses, each with the dynamic sizes.
  SmallVector<int64_t> inputWords, outputWords;
  for (auto [input, argument] : llvm::zip_equal(inputs, arguments)) {
    inputWords.push_back(reinterpret_cast<intptr_t>(input.data));
    for (auto [size, expected] : llvm::zip_equal(input.shape, argument.shape))
      if (ShapedType::isDynamic(expected))
        inputWords.push_back(size);
  }
  size_t numOutputWords = 0;
  for (const Signature &result : results)
    numOutputWords += 1 + llvm::count_if(result.shape, ShapedType::isDynamic);
  outputWords.resize(numOutputWords);

  Run run;
  Run *outer = std::exchange(currentRun, &run);
  bool succeeded = callGuarded(entryPoint, inputWords.data(), outputWords.data());
  currentRun = outer;
  if (!succeeded)
    return llvm::createStringError(llvm::inconvertibleErrorCode(), run.message);

  std::vector<HostTensor> outputs;
  const int64_t *word = outputWords.data();
  for (const Signature &result : results) {
    const auto *begin = llvm::bit_cast<const std::byte *>(*word++);
    SmallVector<int64_t> shape = result.shape;
    for (int64_t &size : shape)
      if (ShapedType::isDynamic(size))
        size = *word++;
    size_t numBytes = ShapedType::getNumElements(shape) * getElementSize(result.elementType);
    outputs.push_back(
        {result.elementType, std::move(shape), std::vector<std::byte>(begin, begin + numBytes)});
  }
  return outputs;
}
