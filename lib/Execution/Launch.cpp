//===- Launch.cpp - Launches of compiled code -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Launch.h"

#include "Sprint/Conversion/LaunchFunctions.h"
#include "SprintRuntime/Commands.h"
#include "mlir/ExecutionEngine/CRunnerUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

using namespace mlir;
using namespace mlir::sprint;

/// The context of this thread's launches.
static thread_local LaunchContext *currentContext = nullptr;

LaunchContext::Scope::Scope(LaunchContext &context) : outer(currentContext) {
  currentContext = &context;
}

LaunchContext::Scope::~Scope() { currentContext = outer; }

namespace {

/// A tensor of compiled code in row-major order; copied only where it is not so already.
class RowMajor {
public:
  /// `memref` is an UnrankedMemRefType of elements of `type`.
  RowMajor(void *memref, ::sprint::ElementType type) {
    switch (type) {
    case ::sprint::ElementType::I1:
    case ::sprint::ElementType::I8:
      read<uint8_t>(memref);
      break;
    case ::sprint::ElementType::I32:
    case ::sprint::ElementType::F32:
      read<uint32_t>(memref);
      break;
    case ::sprint::ElementType::I64:
      read<uint64_t>(memref);
      break;
    }
  }

  /// Writes elements and shape where a launch wants them; nothing for an absent tensor.
  void describe(::sprint::InputView &tensor, size_t rank) const {
    if (shape.size() != rank)
      return;
    tensor.data = copy.empty() ? elements : copy.data();
    llvm::copy(shape, tensor.shape.begin());
  }

private:
  /// Word has the size of an element.
  template <typename Word> void read(void *opaque) {
    ::DynamicMemRefType<Word> memref(*static_cast<::UnrankedMemRefType<Word> *>(opaque));
    shape.assign(memref.sizes, memref.sizes + memref.rank);
    ArrayRef<int64_t> strides(memref.strides, memref.rank);
    int64_t count = 1;
    bool isContiguous = true;
    for (auto [size, stride] : llvm::reverse(llvm::zip_equal(shape, strides))) {
      isContiguous &= size == 1 || stride == count;
      count *= size;
    }
    if (isContiguous || count == 0) {
      elements = memref.data + memref.offset;
      return;
    }
    copy.resize(count * sizeof(Word));
    char *place = copy.data();
    for (Word word : memref) {
      std::memcpy(place, &word, sizeof(Word));
      place += sizeof(Word);
    }
  }

  SmallVector<int64_t, 4> shape;
  /// In row-major order, where `elements` are not; else empty.
  std::vector<char> copy;
  const void *elements = nullptr;
};

} // namespace

bool LaunchContext::createCache(int64_t capacity, const ::sprint::CacheShape &shape,
                                const std::array<void *, 3> &steps) {
  if (capacity < 0) {
    error =
        llvm::formatv("expected a capacity of the cache that is not negative, got {0}", capacity);
    return false;
  }
  auto read = [](void *memref) {
    ::DynamicMemRefType<float> tensor(*static_cast<::UnrankedMemRefType<float> *>(memref));
    return std::vector<float>(tensor.begin(), tensor.end());
  };
  std::unique_ptr<::sprint::Cache> cache =
      device.createCache(shape, {read(steps[0]), read(steps[1]), read(steps[2])}, error);
  if (!cache)
    return false;
  caches.push_back({std::move(cache), capacity});
  return true;
}

bool LaunchContext::launchOnCache(int64_t program, int64_t cache, int64_t length,
                                  ArrayRef<void *> inputs, void *result) {
  CreatedCache &created = caches[static_cast<size_t>(cache)];
  std::string name = stream.programs[static_cast<size_t>(program)].name;
  if (created.cache->length() != length) {
    error = llvm::formatv("program '{0}': expected the cache as its last launch left it, with {1} "
                          "tokens, got what it was with {2}",
                          name, created.cache->length(), length);
    return false;
  }
  auto *key = static_cast<::UnrankedMemRefType<float> *>(
      inputs[static_cast<size_t>(::sprint::MemoryRegion::Key)]);
  int64_t added = ::DynamicMemRefType<float>(*key).sizes[2];
  if (length + added > created.capacity) {
    error = llvm::formatv("program '{0}': expected a capacity of the cache for all tokens of its "
                          "launches, {1}, got {2}",
                          name, length + added, created.capacity);
    return false;
  }
  return launch(program, inputs, result, created.cache.get());
}

bool LaunchContext::launch(int64_t program, ArrayRef<void *> inputs, void *result,
                           ::sprint::Cache *cache) {
  const auto index = static_cast<size_t>(program);
  const ::sprint::Program &launched = stream.programs[index];
  std::vector<RowMajor> tensors;
  ::sprint::LaunchOperands operands;
  for (auto [tensor, input] : llvm::zip_equal(inputs, ::sprint::launchInputs))
    tensors.emplace_back(tensor, input.hostElement);
  for (auto [tensor, input, view] :
       llvm::zip_equal(tensors, ::sprint::launchInputs, operands.inputs))
    tensor.describe(view, input.dimensions.size());

  // The output was allocated for this launch, so it is row-major; but with sizes that the model
  // computed.
  ::DynamicMemRefType<float> output(*static_cast<::UnrankedMemRefType<float> *>(result));
  ArrayRef<int64_t> given(output.sizes, output.rank);
  const auto &query = operands[::sprint::MemoryRegion::Query].shape;
  const int64_t expected[] = {query[0], query[1], query[2],
                              operands[::sprint::MemoryRegion::Value].shape[3]};
  if (given != ArrayRef(expected)) {
    error = llvm::formatv("program '{0}': expected an output of {1:$[x]}, got {2:$[x]}",
                          launched.name, llvm::make_range(std::begin(expected), std::end(expected)),
                          llvm::make_range(given.begin(), given.end()));
    return false;
  }

  ::sprint::LaunchOptions options;
  if (configure)
    configure(index, options);
  options.cache = cache;
  std::optional<::sprint::LaunchResult> completed =
      device.launch(launched, operands, options, error);
  if (!completed)
    return false;
  std::copy(completed->output.begin(), completed->output.end(), output.data + output.offset);
  launches.push_back({index, std::move(*completed)});
  return true;
}

/// The type of a parameter for each input.
template <size_t input> using OpaqueTensor = std::conditional_t<input == 0, void *, void *>;

/// What compiled code calls: a parameter for each input. No destructor may run in the frames of
/// these functions (failExecution).
template <size_t... input> struct LaunchContext::HostFunction<std::index_sequence<input...>> {
  static LaunchContext &getContext() {
    if (!currentContext)
      failExecution("expected a context for launches, got none");
    return *currentContext;
  }

  static void launch(int64_t program, OpaqueTensor<input>... inputs, void *output) {
    LaunchContext &context = getContext();
    void *const tensors[] = {inputs...};
    if (!context.launch(program, tensors, output))
      failExecution(context.error.c_str());
  }

  static void launchOnCache(int64_t program, int64_t cache, int64_t length,
                            OpaqueTensor<input>... inputs, void *output) {
    LaunchContext &context = getContext();
    void *const tensors[] = {inputs...};
    if (!context.launchOnCache(program, cache, length, tensors, output))
      failExecution(context.error.c_str());
  }

  static int64_t createCache(int64_t capacity, int64_t batches, int64_t heads, int64_t keyHeads,
                             int64_t headDim, int64_t valueDim, void *queryStep, void *keyStep,
                             void *valueStep) {
    LaunchContext &context = getContext();
    if (!context.createCache(capacity, {batches, heads, keyHeads, headDim, valueDim},
                             {queryStep, keyStep, valueStep}))
      failExecution(context.error.c_str());
    return static_cast<int64_t>(context.caches.size()) - 1;
  }
};

std::array<HostSymbol, 3> LaunchContext::getSymbols() {
  using Functions = HostFunction<std::make_index_sequence<::sprint::launchInputs.size()>>;
  auto define = [](StringRef name, auto *function) -> HostSymbol {
    return {("_mlir_ciface_" + name).str(), reinterpret_cast<void *>(function)};
  };
  return {{define(kLaunchFunction, &Functions::launch),
           define(kCachedLaunchFunction, &Functions::launchOnCache),
           define(kCreateCacheFunction, &Functions::createCache)}};
}
