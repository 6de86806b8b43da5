//===- NpyTest.cpp - NumPy's array files ----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Npy.h"

#include "FolderTest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <utility>

using namespace sprint;

namespace {

class NpyFileTest : public test::FolderTest {
protected:
  void SetUp() override {
    FolderTest::SetUp();
    path = (folder / "x.npy").string();
  }

  void write(const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }
  static std::string read(const std::string &file) {
    std::ifstream stream(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  std::string path;
};

/// A file of that version and dictionary, followed by `body`.
std::string npy(int version, const std::string &dictionary, const std::string &body) {
  std::string bytes = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  for (size_t byte = 0; byte < (version == 1 ? 2u : 4u); ++byte)
    bytes += static_cast<char>(dictionary.size() >> (8 * byte) & 0xff);
  return bytes + dictionary + body;
}

std::string floats(std::initializer_list<float> values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), std::data(values), bytes.size());
  return bytes;
}

const std::string kTwoByOne = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";

TEST_F(NpyFileTest, ReadsAllVersions) {
  for (int version : {1, 2, 3}) {
    write(npy(version, kTwoByOne, floats({1.5f, -2})));
    std::string error;
    std::optional<FloatArray> array = readNpy(path, error);
    ASSERT_TRUE(array) << error;
    EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 1}));
    EXPECT_EQ(array->data, (Buffer<float>{1.5f, -2}));
  }
}

TEST_F(NpyFileTest, ReadsEveryType) {
  const struct {
    const char *descr;
    NpyType type;
    const char *name;
    size_t size;
  } types[] = {
      {"|b1", NpyType::Bool, "bool", 1},       {"|u1", NpyType::UInt8, "uint8", 1},
      {"<i4", NpyType::Int32, "int32", 4},     {"<i8", NpyType::Int64, "int64", 8},
      {"<f2", NpyType::Float16, "float16", 2}, {"<f4", NpyType::Float32, "float32", 4},
  };
  for (const auto &[descr, type, name, size] : types) {
    std::string body(2 * size, '\0');
    body[0] = body.back() = 1;
    write(npy(1, std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (2,)}",
              body));
    std::string error;
    std::optional<NpyArray> array = readNpyArray(path, error);
    ASSERT_TRUE(array) << error;
    EXPECT_EQ(array->type, type);
    EXPECT_EQ(array->shape, std::vector<int64_t>{2});
    EXPECT_EQ(sizeOf(type), static_cast<int64_t>(size));
    EXPECT_EQ(toString(type), name);
    ASSERT_EQ(array->data.size(), body.size());
    EXPECT_EQ(std::memcmp(array->data.data(), body.data(), body.size()), 0);
  }
}

TEST_F(NpyFileTest, ReadsMasksOfBooleansAndBytes) {
  std::string error;
  for (const char *descr : {"|b1", "|u1"}) {
    write(npy(1, std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (3,)}",
              std::string("\1\0\1", 3)));
    std::optional<BoolArray> array = readBoolNpy(path, error);
    ASSERT_TRUE(array) << error;
    EXPECT_EQ(array->data, (std::vector<uint8_t>{1, 0, 1}));
  }
  EXPECT_FALSE(readNpy(path, error));
  EXPECT_EQ(error, path + ": expected elements of float32, got uint8");
  write(npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "\xff"));
  EXPECT_FALSE(readBoolNpy(path, error));
  EXPECT_EQ(error, path + ": expected bytes of 0 or 1, got others");
  write(npy(1, kTwoByOne, floats({1, 0})));
  EXPECT_FALSE(readBoolNpy(path, error));
  EXPECT_EQ(error, path + ": expected elements of bool or uint8, got float32");
}

TEST_F(NpyFileTest, ReadsShapesOfOneAndNoDimension) {
  std::string error;
  write(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", floats({1, 2})));
  EXPECT_EQ(readNpy(path, error)->shape, std::vector<int64_t>{2});
  write(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", floats({1})));
  EXPECT_EQ(readNpy(path, error)->shape, std::vector<int64_t>{});
}

TEST_F(NpyFileTest, ReadsHeadersAlone) {
  std::string error;
  // Numbers are not looked at, but have to be there.
  write(npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2)}", "\1\2"));
  std::optional<NpyHeader> header = readNpyHeader(path, error);
  ASSERT_TRUE(header) << error;
  EXPECT_EQ(header->type, NpyType::Bool);
  EXPECT_EQ(header->shape, (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(readNpyHeader(path, ElementType::I1, error)) << error;
  EXPECT_FALSE(readNpyHeader(path, ElementType::F32, error));
  EXPECT_EQ(error, path + ": expected elements of float32, got bool");
  write(npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2)}", "\1"));
  EXPECT_FALSE(readNpyHeader(path, error));
  EXPECT_EQ(error, path + ": expected the numbers of shape (1, 2), got 1 bytes");
}

TEST_F(NpyFileTest, WritesTheBytesOfTheFormat) {
  OutputFiles files;
  std::string error;
  const int64_t shape[] = {2, 3};
  const uint8_t masks[] = {1, 0, 1, 1, 0, 0};
  ASSERT_TRUE(addNpy(files, path, shape, masks, error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  std::string bytes = read(path);
  ASSERT_EQ(bytes.size(), 128u + 6);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, 60), "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3), } ");
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.substr(128), std::string("\1\0\1\1\0\0", 6));
}

TEST_F(NpyFileTest, ReadsWhatItWrites) {
  OutputFiles files;
  std::string error;
  const int64_t shape[] = {3};
  const float values[] = {1, 2, 3};
  ASSERT_TRUE(addNpy(files, path, shape, values, error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  std::optional<FloatArray> array = readNpy(path, error);
  ASSERT_TRUE(array) << error;
  EXPECT_EQ(array->shape, std::vector<int64_t>{3});
  EXPECT_EQ(array->data, (Buffer<float>{1, 2, 3}));
}

/// Bytes of a file and the message behind its path.
struct Malformed {
  std::string name;
  std::string bytes;
  std::string message;
};

void PrintTo(const Malformed &file, std::ostream *stream) { *stream << file.name; }

class MalformedNpyTest : public NpyFileTest, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedNpyTest, IsRefused) {
  write(GetParam().bytes);
  std::string error;
  EXPECT_FALSE(readNpyArray(path, error));
  EXPECT_EQ(error, path + ": " + GetParam().message);
}

std::string withShape(const std::string &shape) {
  return npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }",
             floats({1, 2}));
}

INSTANTIATE_TEST_SUITE_P(
    Npy, MalformedNpyTest,
    testing::Values(
        Malformed{"Empty", "", "not a .npy file"},
        Malformed{"Text", "1.0 2.0\n", "not a .npy file"},
        Malformed{"OnlyMagic", "\x93NUMPY", "ends within the header"},
        Malformed{"Version", npy(9, kTwoByOne, floats({1, 2})),
                  "expected version 1, 2 or 3 of the format, got 9"},
        Malformed{"TruncatedHeader", npy(1, kTwoByOne, "").substr(0, 30), "ends within the header"},
        Malformed{"HeaderThatLies", std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{}", 14),
                  "ends within the header"},
        Malformed{"TruncatedNumbers", npy(1, kTwoByOne, floats({1})),
                  "expected the numbers of shape (2, 1), got 4 bytes"},
        Malformed{"TooManyNumbers", npy(1, kTwoByOne, floats({1, 2, 3})),
                  "expected the numbers of shape (2, 1), got 12 bytes"},
        Malformed{
            "LongDoubles",
            npy(1, "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", floats({1, 2})),
            "expected elements of bool, uint8, int8, int16, int32, int64, float16, float32, "
            "float64, complex64, complex128, "
            "little-endian, got '<f16'"},
        Malformed{
            "BigEndian",
            npy(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", floats({1, 2})),
            "expected elements of bool, uint8, int8, int16, int32, int64, float16, float32, "
            "float64, complex64, complex128, "
            "little-endian, got '>f4'"},
        Malformed{"BooleanOfTwo",
                  npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", "\1\2"),
                  "expected booleans of 0 or 1, got other bytes"},
        Malformed{
            "Fortran",
            npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", floats({1, 2})),
            "expected numbers in C order, got Fortran order"},
        Malformed{"Objects",
                  npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
                      floats({1, 2})),
                  "cannot read 'descr' of the header"},
        Malformed{"NoDictionary", npy(1, "pickle", ""), "expected the header to be a dictionary"},
        Malformed{"NoShape", npy(1, "{'descr': '<f4', 'fortran_order': False, }", floats({1})),
                  "expected descr, fortran_order and shape in the header"},
        Malformed{"TwoShapes",
                  npy(1, "{'descr': '<f4', 'shape': (1,), 'shape': (2,), }", floats({1, 2})),
                  "cannot read 'shape' of the header"},
        Malformed{"NegativeSize", withShape("(-2, -1)"),
                  "expected positive sizes, got shape (-2, -1)"},
        Malformed{"ZeroSize", withShape("(0, 2)"), "expected positive sizes, got shape (0, 2)"},
        Malformed{"SizesThatOverflow", withShape("(4294967296, 4294967296, 4294967296)"),
                  "expected the numbers of shape (4294967296, 4294967296, 4294967296), got "
                  "8 bytes"},
        Malformed{"SizeThatOverflows", withShape("(99999999999999999999,)"),
                  "cannot read 'shape' of the header"},
        Malformed{"TooManyDimensions", withShape("(1, 1, 1, 1, 1, 1, 1, 1, 2)"),
                  "expected at most 8 dimensions, got 9"},
        Malformed{"TextBehind", npy(1, kTwoByOne + "x", floats({1, 2})),
                  "expected nothing behind the header's dictionary"}),
    [](const testing::TestParamInfo<Malformed> &info) { return info.param.name; });

} // namespace
