//===- TensorFiles.cpp - Tensors of a model in files ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/TensorFiles.h"

#include "Sprint/Driver/Diagnostics.h"
#include "SprintRuntime/Npy.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::NpyArray;
using ::sprint::NpyType;

/// Calls `function` with each element of a row-major array of T.
template <typename T, typename Function>
static void forEachElement(ArrayRef<std::byte> data, Function function) {
  for (size_t offset = 0; offset < data.size(); offset += sizeof(T)) {
    T element;
    std::memcpy(&element, data.data() + offset, sizeof(T));
    function(element);
  }
}

/// Semantics of a float type that is not f32 or f64; null for other types.
static const llvm::fltSemantics *getHalfSemantics(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return &APFloat::IEEEhalf();
  case ElementType::BF16:
    return &APFloat::BFloat();
  default:
    return nullptr;
  }
}

static float halfToFloat(const llvm::fltSemantics &semantics, uint16_t bits) {
  APFloat number(semantics, APInt(16, bits));
  bool losesInfo = false;
  number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToFloat();
}

static uint16_t doubleToHalf(const llvm::fltSemantics &semantics, double number) {
  APFloat rounded(number);
  bool losesInfo = false;
  rounded.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.bitcastToAPInt().getZExtValue();
}

namespace {
/// Types of the same kind become one another.
enum class Kind { Integer, Float, Complex };
} // namespace

static Kind getKind(NpyType type) {
  switch (type) {
  case NpyType::Float16:
  case NpyType::Float32:
  case NpyType::Float64:
    return Kind::Float;
  case NpyType::Complex64:
  case NpyType::Complex128:
    return Kind::Complex;
  default:
    return Kind::Integer;
  }
}

static Kind getKind(ElementType type) {
  switch (type) {
  case ElementType::F16:
  case ElementType::BF16:
  case ElementType::F32:
  case ElementType::F64:
    return Kind::Float;
  case ElementType::ComplexF32:
  case ElementType::ComplexF64:
    return Kind::Complex;
  default:
    return Kind::Integer;
  }
}

/// Calls `function` with each element, an int64_t of integers and a double of floats; of complex
/// numbers with both parts.
template <typename Function> static void forEachNumber(const NpyArray &array, Function function) {
  switch (array.type) {
  case NpyType::Bool:
  case NpyType::UInt8:
    return forEachElement<uint8_t>(array.data, [&](uint8_t n) { function(int64_t(n)); });
  case NpyType::Int8:
    return forEachElement<int8_t>(array.data, [&](int8_t n) { function(int64_t(n)); });
  case NpyType::Int16:
    return forEachElement<int16_t>(array.data, [&](int16_t n) { function(int64_t(n)); });
  case NpyType::Int32:
    return forEachElement<int32_t>(array.data, [&](int32_t n) { function(int64_t(n)); });
  case NpyType::Int64:
    return forEachElement<int64_t>(array.data, [&](int64_t n) { function(n); });
  case NpyType::Float16:
    return forEachElement<uint16_t>(array.data, [&](uint16_t bits) {
      function(double(halfToFloat(APFloat::IEEEhalf(), bits)));
    });
  case NpyType::Float32:
  case NpyType::Complex64:
    return forEachElement<float>(array.data, [&](float n) { function(double(n)); });
  case NpyType::Float64:
  case NpyType::Complex128:
    return forEachElement<double>(array.data, [&](double n) { function(n); });
  }
}

namespace {
/// Collects converted elements.
struct TensorWriter {
  HostTensor &tensor;

  template <typename T> void write(T element) {
    const auto *bytes = reinterpret_cast<const std::byte *>(&element);
    tensor.data.insert(tensor.data.end(), bytes, bytes + sizeof(T));
  }
  /// Whether the integer is one of T, and then writes it.
  template <typename T> bool writeInRange(int64_t number) {
    if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max())
      return false;
    write(static_cast<T>(number));
    return true;
  }

  bool writeInteger(int64_t number) {
    switch (tensor.elementType) {
    case ElementType::I1:
      if (number != 0 && number != 1)
        return false;
      write(static_cast<uint8_t>(number));
      return true;
    case ElementType::I8:
      return writeInRange<int8_t>(number);
    case ElementType::I16:
      return writeInRange<int16_t>(number);
    case ElementType::I32:
      return writeInRange<int32_t>(number);
    default:
      write(number);
      return true;
    }
  }

  void writeFloat(double number) {
    if (const llvm::fltSemantics *semantics = getHalfSemantics(tensor.elementType))
      write(doubleToHalf(*semantics, number));
    else if (tensor.elementType == ElementType::F32 ||
             tensor.elementType == ElementType::ComplexF32)
      write(static_cast<float>(number));
    else
      write(number);
  }
};
} // namespace

/// Sizes as NumPy writes them, `?` for those that may be any.
static std::string describeSizes(ArrayRef<int64_t> sizes) {
  auto names = llvm::map_range(sizes, [](int64_t size) {
    return ShapedType::isDynamic(size) ? std::string("?") : std::to_string(size);
  });
  return "(" + llvm::join(names, ", ") + (sizes.size() == 1 ? ",)" : ")");
}

/// An error about a file, and what it is for.
static llvm::Error makeError(const TensorFile &file, const Twine &message) {
  return llvm::createStringError(message + " (" + file.place + ")");
}

/// Checks that an array is of the file's type.
static llvm::Error checkHeader(const TensorFile &file, const ::sprint::NpyHeader &array) {
  const Signature &type = file.type;
  if (getKind(array.type) != getKind(type.elementType))
    return makeError(file, file.path + ": expected numbers that are " +
                               stringifyElementType(type.elementType) + ", got " +
                               ::sprint::toString(array.type));
  if (!type.holds(array.shape))
    return makeError(file, file.path + ": expected an array of shape " + describeSizes(type.shape) +
                               ", got " + describeSizes(array.shape));
  return llvm::Error::success();
}

llvm::Expected<HostTensor> mlir::sprint::readTensor(const TensorFile &file) {
  std::string error;
  std::optional<NpyArray> array = ::sprint::readNpyArray(file.path, error);
  if (!array)
    return makeError(file, error);
  // It may be another file than when it was found.
  if (llvm::Error wrong = checkHeader(file, *array))
    return std::move(wrong);

  const Signature &type = file.type;
  HostTensor tensor{type.elementType, SmallVector<int64_t>(ArrayRef(array->shape)), {}};
  tensor.data.reserve(array->data.size() / ::sprint::sizeOf(array->type) *
                      getElementSize(type.elementType));
  TensorWriter writer{tensor};
  std::optional<int64_t> beyond;
  forEachNumber(*array, [&](auto number) {
    if constexpr (std::is_same_v<decltype(number), double>)
      writer.writeFloat(number);
    else if (!beyond && !writer.writeInteger(number))
      beyond = number;
  });
  if (beyond)
    return makeError(file, file.path + ": expected numbers that " +
                               stringifyElementType(type.elementType) + " holds, got " +
                               Twine(*beyond));
  return tensor;
}

llvm::Expected<std::vector<HostTensor>> mlir::sprint::readTensors(ArrayRef<TensorFile> files) {
  std::vector<HostTensor> tensors;
  for (const TensorFile &file : files)
    if (llvm::Error error = readTensor(file).moveInto(tensors.emplace_back()))
      return std::move(error);
  return tensors;
}

/// The type of the file for a tensor.
static NpyType getFileType(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return NpyType::Bool;
  case ElementType::I8:
    return NpyType::Int8;
  case ElementType::I16:
    return NpyType::Int16;
  case ElementType::I32:
    return NpyType::Int32;
  case ElementType::I64:
  case ElementType::Index:
    return NpyType::Int64;
  case ElementType::F16:
    return NpyType::Float16;
  case ElementType::BF16:
  case ElementType::F32:
    return NpyType::Float32;
  case ElementType::F64:
    return NpyType::Float64;
  case ElementType::ComplexF32:
    return NpyType::Complex64;
  case ElementType::ComplexF64:
    return NpyType::Complex128;
  }
  llvm_unreachable("all types are handled");
}

llvm::Error mlir::sprint::addTensor(::sprint::OutputFiles &files, const std::string &path,
                                    const HostTensor &tensor) {
  NpyArray array{{getFileType(tensor.elementType),
                  std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end())},
                 {}};
  if (tensor.elementType == ElementType::BF16)
    forEachElement<uint16_t>(tensor.data, [&](uint16_t bits) {
      float number = halfToFloat(APFloat::BFloat(), bits);
      const auto *bytes = reinterpret_cast<const std::byte *>(&number);
      array.data.insert(array.data.end(), bytes, bytes + sizeof(number));
    });
  else
    array.data.assign(tensor.data.begin(), tensor.data.end());
  std::string error;
  if (!::sprint::addNpy(files, path, array, error))
    return llvm::createStringError(error);
  return llvm::Error::success();
}

std::vector<double> mlir::sprint::toDoubles(const HostTensor &tensor) {
  std::vector<double> numbers;
  auto append = [&](auto number) { numbers.push_back(static_cast<double>(number)); };
  if (const llvm::fltSemantics *semantics = getHalfSemantics(tensor.elementType))
    forEachElement<uint16_t>(tensor.data,
                             [&](uint16_t bits) { append(halfToFloat(*semantics, bits)); });
  else
    forEachNumber({{getFileType(tensor.elementType), {}}, {tensor.data.begin(), tensor.data.end()}},
                  append);
  return numbers;
}

llvm::Expected<std::vector<std::string>> mlir::sprint::expandFolders(ArrayRef<std::string> paths) {
  std::vector<std::string> files;
  for (const std::string &path : paths) {
    if (!llvm::sys::fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    size_t before = files.size();
    for (unsigned index = 0;; ++index) {
      SmallString<128> file(path);
      llvm::sys::path::append(file, Twine(index) + ".npy");
      if (!llvm::sys::fs::exists(file))
        break;
      files.push_back(std::string(file));
    }
    if (files.size() == before)
      return llvm::createStringError(path + ": expected 0.npy, 1.npy, ... in the folder, got none");
    // One that is missing would have those behind it left out.
    std::error_code code;
    for (llvm::sys::fs::directory_iterator entry(path, code), end; !code && entry != end;
         entry.increment(code)) {
      StringRef name = llvm::sys::path::filename(entry->path());
      size_t index = 0;
      if (name.consume_back(".npy") && !name.getAsInteger(10, index) &&
          index >= files.size() - before)
        return llvm::createStringError(path + ": expected " + Twine(files.size() - before) +
                                       ".npy before " + name + ".npy, got none");
    }
  }
  return files;
}

/// Files of tensors of `types`, over and over again, at `paths`, whose headers are checked; `what`
/// says what of `function` they are.
static llvm::Expected<std::vector<TensorFile>>
findTensors(func::FuncOp function, StringRef what, TypeRange types, ArrayRef<std::string> paths) {
  ErrorCollector errors(function.getContext());
  FailureOr<SmallVector<Signature>> signatures = getSignatures(function, what, types);
  if (failed(signatures))
    return errors.takeError();
  std::vector<TensorFile> files;
  for (auto [index, path] : llvm::enumerate(paths)) {
    size_t number = index % types.size();
    files.push_back(
        {path, (*signatures)[number],
         llvm::formatv("{0} {1} of '{2}', a {3}", what, number, function.getName(), types[number])
             .str()});
    std::string error;
    std::optional<::sprint::NpyHeader> header = ::sprint::readNpyHeader(path, error);
    if (!header)
      return makeError(files.back(), error);
    if (llvm::Error wrong = checkHeader(files.back(), *header))
      return std::move(wrong);
  }
  return files;
}

llvm::Expected<std::vector<TensorFile>>
mlir::sprint::findArguments(func::FuncOp function, StringRef source, ArrayRef<std::string> paths) {
  size_t count = function.getNumArguments();
  bool isWhole = paths.empty() ? count == 0 : count != 0 && paths.size() % count == 0;
  llvm::Expected<std::vector<TensorFile>> files = findTensors(
      function, "argument", function.getArgumentTypes(), isWhole ? paths : ArrayRef<std::string>());
  if (files && !isWhole)
    return llvm::createStringError(source + ": expected " + Twine(count) +
                                   " inputs for each run of '" + function.getName() + "', got " +
                                   Twine(paths.size()));
  return files;
}

llvm::Expected<std::vector<TensorFile>> mlir::sprint::findResults(func::FuncOp function,
                                                                  size_t runs, StringRef source,
                                                                  ArrayRef<std::string> paths) {
  size_t count = function.getNumResults() * runs;
  bool isTooMany = paths.size() > count;
  llvm::Expected<std::vector<TensorFile>> files = findTensors(
      function, "result", function.getResultTypes(), isTooMany ? ArrayRef<std::string>() : paths);
  if (files && isTooMany)
    return llvm::createStringError(source + ": expected at most " + Twine(count) +
                                   ", a file a result, got " + Twine(paths.size()));
  return files;
}
