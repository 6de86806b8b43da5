//===- Npy.cpp - NumPy's array files --------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Npy.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Messages.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <exception>
#include <string_view>

using namespace sprint;

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
/// Largest file that is read.
constexpr uint64_t kMaxFileBytes = uint64_t(1) << 36;
/// The format aligns the numbers to this.
constexpr size_t kAlignment = 64;
constexpr size_t kMaxRank = 8;

/// What a file and NumPy call a type.
struct TypeNames {
  NpyType type;
  std::string_view descr;
  std::string_view name;
  int64_t size;
};
constexpr std::array<TypeNames, 11> kTypes = {{
    {NpyType::Bool, "|b1", "bool", 1},
    {NpyType::UInt8, "|u1", "uint8", 1},
    {NpyType::Int8, "|i1", "int8", 1},
    {NpyType::Int16, "<i2", "int16", 2},
    {NpyType::Int32, "<i4", "int32", 4},
    {NpyType::Int64, "<i8", "int64", 8},
    {NpyType::Float16, "<f2", "float16", 2},
    {NpyType::Float32, "<f4", "float32", 4},
    {NpyType::Float64, "<f8", "float64", 8},
    {NpyType::Complex64, "<c8", "complex64", 8},
    {NpyType::Complex128, "<c16", "complex128", 16},
}};

const TypeNames &namesOf(NpyType type) {
  return *std::ranges::find(kTypes, type, &TypeNames::type);
}

/// The type of a file, which may be that of no array here.
std::optional<NpyType> typeOf(std::string_view descr) {
  const auto *names = std::ranges::find(kTypes, descr, &TypeNames::descr);
  return names == kTypes.end() ? std::nullopt : std::optional(names->type);
}

std::string knownTypes() {
  std::string text;
  for (const TypeNames &names : kTypes)
    text += (text.empty() ? "" : ", ") + std::string(names.name);
  return text;
}

/// Whether each byte is 0 or 1.
bool areBooleans(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte <= std::byte(1); });
}

/// What a file's header says.
struct Header {
  std::string descr;
  bool isFortran = false;
  std::vector<int64_t> shape;
};

/// Reads the Python dictionary of a header, of which only these forms are written:
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  /// Returns what is wrong, or an empty string.
  std::string parse(Header &header) {
    bool hasDescr = false, hasOrder = false, hasShape = false;
    if (!eat("{"))
      return "expected the header to be a dictionary";
    while (!eat("}")) {
      std::string key;
      if (!parseString(key) || !eat(":"))
        return "expected a key and a colon in the header";
      bool isGood = false;
      if (key == "descr" && !hasDescr)
        hasDescr = isGood = parseString(header.descr);
      else if (key == "fortran_order" && !hasOrder)
        hasOrder = isGood = parseBool(header.isFortran);
      else if (key == "shape" && !hasShape)
        hasShape = isGood = parseShape(header.shape);
      if (!isGood)
        return "cannot read '" + key + "' of the header";
      if (!eat(",")) {
        if (!eat("}"))
          return "expected the header's dictionary to end";
        break;
      }
    }
    skipSpace();
    if (!rest.empty())
      return "expected nothing behind the header's dictionary";
    if (!hasDescr || !hasOrder || !hasShape)
      return "expected descr, fortran_order and shape in the header";
    return {};
  }

private:
  void skipSpace() {
    size_t count = rest.find_first_not_of(" \n");
    rest.remove_prefix(count == std::string_view::npos ? rest.size() : count);
  }

  bool eat(std::string_view token) {
    skipSpace();
    if (!rest.starts_with(token))
      return false;
    rest.remove_prefix(token.size());
    return true;
  }

  bool parseString(std::string &result) {
    skipSpace();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
      return false;
    size_t end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos)
      return false;
    result = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return true;
  }

  bool parseBool(bool &result) {
    result = eat("True");
    return result || eat("False");
  }

  bool parseShape(std::vector<int64_t> &shape) {
    if (!eat("("))
      return false;
    while (!eat(")")) {
      skipSpace();
      int64_t size = 0;
      auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
      if (code != std::errc())
        return false;
      rest.remove_prefix(end - rest.data());
      shape.push_back(size);
      if (!eat(","))
        return eat(")");
    }
    return true;
  }

  std::string_view rest;
};

std::string shapeText(std::span<const int64_t> shape) {
  std::string text = "(";
  for (int64_t size : shape)
    text += std::to_string(size) + ", ";
  if (shape.size() > 1)
    text.resize(text.size() - 2);
  else if (shape.size() == 1)
    text.pop_back();
  return text + ")";
}

constexpr const char *kCannotRead = "cannot be read";

/// Reads up to the first number. Returns what is wrong, or an empty string.
std::string readHeader(InputFile &file, NpyHeader &array) {
  auto read = [&](size_t size, std::string &bytes) {
    bytes.resize(std::min<uint64_t>(size, file.size()));
    return file.read(std::as_writable_bytes(std::span(bytes)));
  };
  std::string magic, lengthText, header;
  if (!read(kMagic.size(), magic))
    return kCannotRead;
  if (magic != kMagic)
    return "not a .npy file";
  std::string versionText;
  if (!read(2, versionText))
    return kCannotRead;
  if (versionText.size() < 2)
    return "ends within the header";
  unsigned version = static_cast<unsigned char>(versionText[0]);
  if (version < 1 || version > 3)
    return "expected version 1, 2 or 3 of the format, got " + std::to_string(version);
  size_t lengthBytes = version == 1 ? 2 : 4;
  if (!read(lengthBytes, lengthText))
    return kCannotRead;
  uint32_t length = 0;
  std::memcpy(&length, lengthText.data(), lengthText.size());
  if (lengthText.size() < lengthBytes || file.size() < length)
    return "ends within the header";
  if (!read(length, header))
    return kCannotRead;

  Header parsed;
  if (std::string message = HeaderParser(header).parse(parsed); !message.empty())
    return message;
  std::optional<NpyType> type = typeOf(parsed.descr);
  if (!type)
    return "expected elements of " + knownTypes() + ", little-endian, got '" + parsed.descr + "'";
  if (parsed.isFortran)
    return "expected numbers in C order, got Fortran order";
  if (parsed.shape.size() > kMaxRank)
    return "expected at most " + std::to_string(kMaxRank) + " dimensions, got " +
           std::to_string(parsed.shape.size());
  __int128 count = 1;
  for (int64_t size : parsed.shape) {
    if (size < 1)
      return "expected positive sizes, got shape " + shapeText(parsed.shape);
    count *= size;
    if (count > static_cast<__int128>(kMaxFileBytes))
      break;
  }
  if (count * sizeOf(*type) != static_cast<__int128>(file.size()))
    return "expected the numbers of shape " + shapeText(parsed.shape) + ", got " +
           std::to_string(file.size()) + " bytes";
  array.type = *type;
  array.shape = std::move(parsed.shape);
  return {};
}

/// Reads the numbers, behind the header. Returns what is wrong, or an empty string.
std::string readNumbers(InputFile &file, NpyArray &array) {
  array.data.resize(file.size());
  if (!file.read(array.data))
    return kCannotRead;
  if (array.type == NpyType::Bool && !areBooleans(array.data))
    return "expected booleans of 0 or 1, got other bytes";
  return {};
}

bool addArray(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
              std::string_view descr, std::span<const std::byte> data,
              std::string &error) noexcept {
  std::string text = "{'descr': '" + std::string(descr) +
                     "', 'fortran_order': False, 'shape': " + shapeText(shape) + ", }";
  size_t prefix = kMagic.size() + 2 + 2;
  size_t end = (prefix + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(end - prefix - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return files.add(path, header + text, data, error);
}

} // namespace

std::string_view sprint::toString(NpyType type) { return namesOf(type).name; }

int64_t sprint::sizeOf(NpyType type) { return namesOf(type).size; }

/// NumPy's type for elements of a launch's tensor.
static NpyType npyTypeOf(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return NpyType::Bool;
  case ElementType::I8:
    return NpyType::Int8;
  case ElementType::I32:
    return NpyType::Int32;
  case ElementType::I64:
    return NpyType::Int64;
  case ElementType::F32:
    break;
  }
  return NpyType::Float32;
}

/// Whether an array of `given` can be read as one of elements of `type`.
static bool holdsElements(ElementType type, NpyType given) {
  return given == npyTypeOf(type) || (type == ElementType::I1 && given == NpyType::UInt8);
}

/// Reads a file with `read`, which returns what is wrong, or an empty string.
template <typename Array, typename Read>
static std::optional<Array> readFrom(const std::string &path, std::string &error,
                                     Read read) noexcept try {
  std::optional<InputFile> file = InputFile::open(path, kMaxFileBytes, error);
  if (!file)
    return std::nullopt;
  Array array;
  if (std::string message = read(*file, array); !message.empty()) {
    error = path + ": " + oneLine(message);
    return std::nullopt;
  }
  return array;
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return std::nullopt;
}

/// Reads the header of an array of elements of `type`. Returns what is wrong, or an empty string.
static std::string readHeaderOf(ElementType type, InputFile &file, NpyHeader &array) {
  if (std::string message = readHeader(file, array); !message.empty())
    return message;
  if (holdsElements(type, array.type))
    return {};
  return "expected elements of " + std::string(toString(npyTypeOf(type))) +
         (type == ElementType::I1 ? " or uint8" : "") + ", got " +
         std::string(toString(array.type));
}

std::optional<NpyHeader> sprint::readNpyHeader(const std::string &path,
                                               std::string &error) noexcept {
  return readFrom<NpyHeader>(path, error, readHeader);
}

std::optional<NpyHeader> sprint::readNpyHeader(const std::string &path, ElementType type,
                                               std::string &error) noexcept {
  return readFrom<NpyHeader>(path, error, [type](InputFile &file, NpyHeader &array) {
    return readHeaderOf(type, file, array);
  });
}

std::optional<NpyArray> sprint::readNpyArray(const std::string &path, std::string &error) noexcept {
  return readFrom<NpyArray>(path, error, [](InputFile &file, NpyArray &array) {
    std::string message = readHeader(file, array);
    return message.empty() ? readNumbers(file, array) : message;
  });
}

std::optional<NpyArray> sprint::readNpyArray(const std::string &path, ElementType type,
                                             std::string &error) noexcept {
  return readFrom<NpyArray>(path, error, [type](InputFile &file, NpyArray &array) {
    std::string message = readHeaderOf(type, file, array);
    if (message.empty())
      message = readNumbers(file, array);
    bool areBytes = type == ElementType::I1 && array.type == NpyType::UInt8;
    if (message.empty() && areBytes && !areBooleans(array.data))
      message = "expected bytes of 0 or 1, got others";
    return message;
  });
}

/// The elements of an array, of which Element is the type.
template <typename Elements> static Elements elementsOf(const NpyArray &array) {
  Elements elements(array.data.size() / sizeof(typename Elements::value_type));
  std::memcpy(elements.data(), array.data.data(), array.data.size());
  return elements;
}

std::optional<FloatArray> sprint::readNpy(const std::string &path, std::string &error) noexcept
    try {
  std::optional<NpyArray> array = readNpyArray(path, ElementType::F32, error);
  if (!array)
    return std::nullopt;
  return FloatArray{std::move(array->shape), elementsOf<Buffer<float>>(*array)};
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return std::nullopt;
}

std::optional<BoolArray> sprint::readBoolNpy(const std::string &path, std::string &error) noexcept
    try {
  std::optional<NpyArray> array = readNpyArray(path, ElementType::I1, error);
  if (!array)
    return std::nullopt;
  return BoolArray{std::move(array->shape), elementsOf<std::vector<uint8_t>>(*array)};
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return std::nullopt;
}

bool sprint::addNpy(OutputFiles &files, const std::string &path, const NpyArray &array,
                    std::string &error) noexcept {
  return addArray(files, path, array.shape, namesOf(array.type).descr, array.data, error);
}

bool sprint::addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
                    std::span<const float> data, std::string &error) noexcept {
  return addArray(files, path, shape, namesOf(NpyType::Float32).descr, std::as_bytes(data), error);
}

bool sprint::addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
                    std::span<const int32_t> data, std::string &error) noexcept {
  return addArray(files, path, shape, namesOf(NpyType::Int32).descr, std::as_bytes(data), error);
}

bool sprint::addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
                    std::span<const uint8_t> data, std::string &error) noexcept {
  return addArray(files, path, shape, namesOf(NpyType::Bool).descr, std::as_bytes(data), error);
}
