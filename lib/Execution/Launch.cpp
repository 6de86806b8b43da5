//===- Launch.cpp - Launches of compiled code -------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Launch.h"

#include "mlir/ExecutionEngine/CRunnerUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

/// The context of this thread's launches.
static thread_local LaunchContext *currentContext = nullptr;

LaunchContext::Scope::Scope(LaunchContext &context) : outer(currentContext) {
  currentContext = &context;
}

LaunchContext::Scope::~Scope() { currentContext = outer; }

/// Operands as compiled code passes them; an optional one that is absent has rank 0. Booleans take
/// a byte.
struct LaunchContext::Operands {
  ::UnrankedMemRefType<float> &query, &key, &value;
  ::UnrankedMemRefType<uint8_t> &keyValid, &mask;
  ::UnrankedMemRefType<float> &bias, &output;
};

namespace {

/// A tensor of compiled code in row-major order; copied only where it is not so already.
template <typename T> class RowMajor {
public:
  explicit RowMajor(::UnrankedMemRefType<T> &opaque) : memref(opaque) {
    ArrayRef<int64_t> shape = getShape(), strides(memref.strides, memref.rank);
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
    copy.reserve(count);
    for (T element : memref)
      copy.push_back(element);
    elements = copy.data();
  }

  ArrayRef<int64_t> getShape() const { return {memref.sizes, static_cast<size_t>(memref.rank)}; }

  /// Writes elements and shape where a launch wants them; nothing for an absent tensor.
  template <size_t rank> void describe(const T *&data, int64_t (&shape)[rank]) const {
    if (memref.rank != rank)
      return;
    data = elements;
    llvm::copy(getShape(), shape);
  }

private:
  ::DynamicMemRefType<T> memref;
  std::vector<T> copy;
  const T *elements;
};

} // namespace

bool LaunchContext::launch(int64_t program, const Operands &operands) {
  RowMajor<float> query(operands.query), key(operands.key), value(operands.value),
      bias(operands.bias);
  RowMajor<uint8_t> keyValid(operands.keyValid), mask(operands.mask);
  SprintLaunch launch = {};
  launch.size = sizeof(launch);
  launch.program = program;
  query.describe(launch.query, launch.queryShape);
  key.describe(launch.key, launch.keyShape);
  value.describe(launch.value, launch.valueShape);
  keyValid.describe(launch.keyValid, launch.keyValidShape);
  mask.describe(launch.mask, launch.maskShape);
  bias.describe(launch.bias, launch.biasShape);
  if (configure)
    configure(launch);

  // The output was allocated for this launch, so it is row-major; but with sizes that the model
  // computed.
  ::DynamicMemRefType<float> output(operands.output);
  ArrayRef<int64_t> given(output.sizes, output.rank);
  const int64_t expected[] = {launch.queryShape[0], launch.queryShape[1], launch.queryShape[2],
                              launch.valueShape[3]};
  if (given != ArrayRef(expected)) {
    error = llvm::formatv("program '{0}': expected an output of {1:$[x]}, got {2:$[x]}",
                          sprintProgramName(&stream, program),
                          llvm::make_range(std::begin(expected), std::end(expected)),
                          llvm::make_range(given.begin(), given.end()));
    return false;
  }

  char *message = nullptr;
  CompletedLaunch completed{static_cast<size_t>(program), nullptr};
  completed.result.reset(sprintLaunch(&stream, &machine, &launch, &message));
  if (!completed.result) {
    error = message ? message : "out of memory";
    sprintDestroyString(message);
    return false;
  }
  int64_t shape[4];
  const float *elements = sprintOutput(completed.result.get(), shape);
  std::copy_n(elements, shape[0] * shape[1] * shape[2] * shape[3], output.data + output.offset);
  launches.push_back(std::move(completed));
  return true;
}

void LaunchContext::launchFromHost(int64_t program, void *query, void *key, void *value,
                                   void *keyValid, void *mask, void *bias, void *output) {
  // No destructor may run in this frame (failExecution).
  if (!currentContext)
    failExecution("expected a context for launches, got none");
  auto numbers = [](void *memref) -> ::UnrankedMemRefType<float> & {
    return *static_cast<::UnrankedMemRefType<float> *>(memref);
  };
  auto booleans = [](void *memref) -> ::UnrankedMemRefType<uint8_t> & {
    return *static_cast<::UnrankedMemRefType<uint8_t> *>(memref);
  };
  if (!currentContext->launch(program,
                              {numbers(query), numbers(key), numbers(value), booleans(keyValid),
                               booleans(mask), numbers(bias), numbers(output)}))
    failExecution(currentContext->error.c_str());
}

HostSymbol LaunchContext::getSymbol() {
  return {"_mlir_ciface_sprintLaunchMemRefs", reinterpret_cast<void *>(&launchFromHost)};
}
