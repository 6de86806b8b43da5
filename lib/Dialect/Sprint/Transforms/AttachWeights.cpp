//===- AttachWeights.cpp - Weights from a file of their own -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Support/IRFiles.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTATTACHWEIGHTS
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Where weights begin in what is written: a line of the cache, and a vector.
static constexpr size_t kAlignment = 64;

namespace {

/// A file of safetensors: the length of a header, the header, JSON, and the elements of all
/// tensors.
class Safetensors {
public:
  static llvm::Expected<Safetensors> open(StringRef path);

  /// The elements of the tensor named `name`, which has to be of `type`; an error says what there
  /// is instead.
  llvm::Expected<ArrayRef<char>> getElements(StringRef name, ShapedType type) const;

  /// What keeps the elements in memory, where the file is mapped.
  const std::shared_ptr<llvm::MemoryBuffer> &getBuffer() const { return buffer; }

private:
  std::shared_ptr<llvm::MemoryBuffer> buffer;
  llvm::json::Object tensors;
  StringRef elements;
};

} // namespace

llvm::Expected<Safetensors> Safetensors::open(StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> file = openDataFile(path);
  if (!file)
    return file.takeError();
  Safetensors result;
  result.buffer = std::move(*file);
  StringRef bytes = result.buffer->getBuffer();
  uint64_t length =
      bytes.size() < sizeof(uint64_t) ? 0 : llvm::support::endian::read64le(bytes.bytes_begin());
  if (length == 0 || length > bytes.size() - sizeof(uint64_t))
    return llvm::createStringError(path + ": expected a file of safetensors");
  StringRef header = bytes.substr(sizeof(uint64_t), length);
  result.elements = bytes.substr(sizeof(uint64_t) + length);
  if (llvm::Error error = checkText(header, path))
    return std::move(error);
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(header);
  if (!value)
    return llvm::createStringError(path + ": expected a file of safetensors, got a header with: " +
                                   llvm::toString(value.takeError()));
  llvm::json::Object *object = value->getAsObject();
  if (!object)
    return llvm::createStringError(path + ": expected an object as the header of safetensors");
  result.tensors = std::move(*object);
  return result;
}

/// Whether elements that the format calls `name` are of `type`; those of MLIR may have no sign.
static bool isElementType(StringRef name, Type type) {
  return llvm::TypeSwitch<Type, bool>(type)
      .Case([&](Float64Type) { return name == "F64"; })
      .Case([&](Float32Type) { return name == "F32"; })
      .Case([&](Float16Type) { return name == "F16"; })
      .Case([&](BFloat16Type) { return name == "BF16"; })
      .Case([&](Float8E4M3FNType) { return name == "F8_E4M3"; })
      .Case([&](Float8E5M2Type) { return name == "F8_E5M2"; })
      .Case([&](IntegerType integer) {
        if (integer.getWidth() == 1)
          return name == "BOOL";
        bool hasSign = name.consume_front("I");
        bool isKind =
            hasSign ? !integer.isUnsigned() : name.consume_front("U") && !integer.isSigned();
        return isKind && name == std::to_string(integer.getWidth());
      })
      .Case([&](ComplexType complex) { return name == "C64" && complex.getElementType().isF32(); })
      .Default(false);
}

llvm::Expected<ArrayRef<char>> Safetensors::getElements(StringRef name, ShapedType type) const {
  const llvm::json::Object *tensor = tensors.getObject(name);
  if (!tensor)
    return llvm::createStringError("none of that name");
  std::optional<StringRef> elementType = tensor->getString("dtype");
  const llvm::json::Array *shape = tensor->getArray("shape");
  const llvm::json::Array *offsets = tensor->getArray("data_offsets");
  if (!elementType || !shape || !offsets || offsets->size() != 2)
    return llvm::createStringError("one without dtype, shape and data_offsets");
  bool hasShape = shape->size() == static_cast<size_t>(type.getRank()) &&
                  llvm::all_of(llvm::zip_equal(*shape, type.getShape()), [](auto sizes) {
                    auto [given, expected] = sizes;
                    return given.getAsInteger() == expected;
                  });
  if (!hasShape || !isElementType(*elementType, type.getElementType())) {
    std::string found;
    llvm::raw_string_ostream(found) << *tensor->get("dtype") << " of " << *tensor->get("shape");
    return llvm::createStringError(found);
  }
  std::optional<int64_t> begin = (*offsets)[0].getAsInteger(), end = (*offsets)[1].getAsInteger();
  auto complex = dyn_cast<ComplexType>(type.getElementType());
  Type number = complex ? complex.getElementType() : type.getElementType();
  // Booleans are a byte each.
  std::optional<int64_t> size =
      llvm::divideCeil(number.getIntOrFloatBitWidth(), 8u) * (complex ? 2 : 1);
  for (int64_t extent : type.getShape())
    size = size ? llvm::checkedMul(*size, extent) : std::nullopt;
  if (!begin || !end || *begin < 0 || *end < *begin ||
      *end > static_cast<int64_t>(elements.size()) || size != *end - *begin)
    return llvm::createStringError("one whose data_offsets are not those of so many elements");
  return ArrayRef(elements.data() + *begin, *end - *begin);
}

namespace {

struct AttachWeights : mlir::sprint::impl::SprintAttachWeightsBase<AttachWeights> {
  using SprintAttachWeightsBase::SprintAttachWeightsBase;

  void runOnOperation() override {
    llvm::Expected<Safetensors> weights = Safetensors::open(file);
    if (!weights) {
      getOperation().emitError() << llvm::toString(weights.takeError());
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](Operation *op) {
      return op->getAttrDictionary().walk([&](DenseResourceElementsAttr attribute) {
        DenseResourceElementsHandle handle = attribute.getRawHandle();
        if (handle.getBlob())
          return WalkResult::advance();
        llvm::Expected<ArrayRef<char>> elements =
            weights->getElements(handle.getKey(), attribute.getType());
        if (!elements) {
          op->emitError() << file << ": expected weights '" << handle.getKey() << "' of "
                          << attribute.getType() << ", got "
                          << llvm::toString(elements.takeError());
          return WalkResult::interrupt();
        }
        // The file stays open for as long as they are there.
        handle.getResource()->setBlob(UnmanagedAsmResourceBlob::allocateWithAlign(
            *elements, kAlignment, [buffer = weights->getBuffer()](void *, size_t, size_t) {}));
        ++numAttached;
        return WalkResult::advance();
      });
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
