//===- CommandStream.cpp - Binary form of command streams -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/CommandStream.h"
#include "CommandStream_generated.h"
#include "FormatVersions.h"

#include <algorithm>
#include <cstring>

using namespace sprint;

namespace {

using Builder = flatbuffers::FlatBufferBuilder;

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// A vector of tables, each made by `make`.
template <typename Table, typename Range, typename Make>
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<Table>>>
writeTables(Builder &builder, const Range &range, Make make) {
  std::vector<flatbuffers::Offset<Table>> offsets;
  offsets.reserve(range.size());
  for (const auto &element : range)
    offsets.push_back(make(element));
  return builder.CreateVector(offsets);
}

flatbuffers::Offset<container::Unit> writeUnit(Builder &builder, const UnitProgram &unit) {
  std::vector<container::Word> words;
  words.reserve(unit.words.size());
  for (CommandWord word : unit.words)
    words.emplace_back(word.low, word.high);
  return container::CreateUnit(builder, static_cast<uint8_t>(unit.unit),
                               builder.CreateVectorOfStructs(words));
}

/// `numParameters`: how many the version has.
flatbuffers::Offset<container::Program> writeProgram(Builder &builder, const Program &program,
                                                     size_t numParameters) {
  auto name = builder.CreateString(program.name);
  auto machine = builder.CreateString(program.machine);
  auto structure = builder.CreateString(program.structure);
  auto parameters = builder.CreateVector<int64_t>(program.parameters.data(), numParameters);
  auto thresholds =
      builder.CreateVector<float>(program.thresholds.data(), program.thresholds.size());
  std::vector<uint8_t> regions;
  regions.reserve(program.inputs.size());
  for (MemoryRegion input : program.inputs)
    regions.push_back(static_cast<uint8_t>(input));
  auto inputs = builder.CreateVector<uint8_t>(regions);
  auto countingQueues = writeTables<container::CountingQueue>(
      builder, program.countingQueues, [&](const CountingQueue &queue) {
        return container::CreateCountingQueue(builder, builder.CreateString(queue.name),
                                              queue.credits);
      });
  auto indexQueues = writeTables<container::IndexQueue>(
      builder, program.indexQueues, [&](const IndexQueue &queue) {
        return container::CreateIndexQueue(builder, builder.CreateString(queue.name), queue.depth);
      });
  std::vector<container::ExprNode> nodes;
  nodes.reserve(program.expressions.size());
  for (const ExprNode &node : program.expressions)
    nodes.emplace_back(node.value, node.lhs, node.rhs, static_cast<uint8_t>(node.kind));
  auto expressions = builder.CreateVectorOfStructs(nodes);
  auto units = writeTables<container::Unit>(
      builder, program.units, [&](const UnitProgram &unit) { return writeUnit(builder, unit); });
  return container::CreateProgram(builder, name, machine, structure, parameters, program.scale,
                                  thresholds, inputs, countingQueues, indexQueues, expressions,
                                  units, program.residentCache);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Reads what FlatBuffers has found to lie within the buffer. Values are judged by `verify`, after
/// this, except where the structures in memory cannot hold them.
class Reader {
public:
  /// Of a file of `size` bytes, of a version that has `numParameters` launch parameters.
  Reader(size_t size, size_t numParameters, std::string &error)
      : budget(size), numParameters(numParameters), error(error) {}

  bool readStream(const container::Stream &table, CommandStream &stream) {
    stream.programs.resize(table.programs()->size());
    for (size_t i = 0; i < stream.programs.size(); ++i) {
      place = "program " + std::to_string(i) + ": ";
      if (!readProgram(*table.programs()->Get(i), stream.programs[i]))
        return false;
    }
    return true;
  }

private:
  bool fail(const std::string &message) {
    error = place + message;
    return false;
  }

  /// Offsets may point many times to the same bytes, and so make a small file a large stream. Ours
  /// never do.
  bool take(size_t count, size_t size) {
    if (count > budget / size)
      return fail("parts of the file overlap");
    budget -= count * size;
    return true;
  }

  /// Copies elements out of the file, where FlatBuffers' verifier does not look at the alignment of
  /// the first.
  template <typename Element, typename Vector>
  bool readElements(const Vector &table, std::vector<Element> &elements) {
    static_assert(FLATBUFFERS_LITTLEENDIAN);
    if (!take(table.size(), sizeof(Element)))
      return false;
    elements.resize(table.size());
    if (!elements.empty())
      std::memcpy(elements.data(), table.Data(), elements.size() * sizeof(Element));
    return true;
  }

  bool readString(const flatbuffers::String &table, std::string &text) {
    if (!take(table.size(), 1))
      return false;
    text.assign(table.data(), table.size());
    return true;
  }

  bool readUnit(const container::Unit &table, UnitProgram &unit) {
    unit.unit = static_cast<MachineUnit>(table.unit());
    std::vector<container::Word> words;
    if (!readElements(*table.words(), words))
      return false;
    unit.words.reserve(words.size());
    for (const container::Word &word : words)
      unit.words.push_back({word.low(), word.high()});
    return true;
  }

  bool readProgram(const container::Program &table, Program &program) {
    if (!readString(*table.name(), program.name) ||
        !readString(*table.machine(), program.machine) ||
        !readString(*table.structure(), program.structure))
      return false;
    if (table.parameters()->size() != numParameters)
      return fail("expected " + std::to_string(numParameters) + " launch parameters, got " +
                  std::to_string(table.parameters()->size()));
    std::vector<int64_t> parameters;
    std::vector<uint8_t> inputs;
    if (!readElements(*table.parameters(), parameters) ||
        !readElements(*table.thresholds(), program.thresholds) ||
        !readElements(*table.inputs(), inputs))
      return false;
    for (uint8_t input : inputs)
      program.inputs.push_back(static_cast<MemoryRegion>(input));
    // What the version does not have, the launch brings.
    program.parameters.fill(Program::kDynamic);
    std::ranges::copy(parameters, program.parameters.begin());
    program.scale = table.scale();
    program.residentCache = table.resident_cache();

    if (!take(table.counting_queues()->size(), sizeof(flatbuffers::uoffset_t)))
      return false;
    for (const container::CountingQueue *queue : *table.counting_queues()) {
      program.countingQueues.push_back({{}, queue->credits()});
      if (!readString(*queue->name(), program.countingQueues.back().name))
        return false;
    }
    if (!take(table.index_queues()->size(), sizeof(flatbuffers::uoffset_t)))
      return false;
    for (const container::IndexQueue *queue : *table.index_queues()) {
      program.indexQueues.push_back({{}, queue->depth()});
      if (!readString(*queue->name(), program.indexQueues.back().name))
        return false;
    }
    std::vector<container::ExprNode> nodes;
    if (!readElements(*table.expressions(), nodes))
      return false;
    for (const container::ExprNode &node : nodes)
      program.expressions.push_back(
          {static_cast<ExprNode::Kind>(node.kind()), node.lhs(), node.rhs(), node.value()});
    if (!take(table.units()->size(), sizeof(flatbuffers::uoffset_t)))
      return false;
    for (const container::Unit *unit : *table.units())
      if (!readUnit(*unit, program.units.emplace_back()))
        return false;
    return true;
  }

  /// Bytes of the file that no part has claimed yet.
  size_t budget;
  size_t numParameters;
  std::string place;
  std::string &error;
};

} // namespace

std::vector<uint8_t> sprint::serialize(const CommandStream &stream) {
  return serialize(stream, FormatTable());
}

std::vector<uint8_t> sprint::serialize(const CommandStream &stream, const FormatTable &table) {
  uint32_t version = versionOf(stream, table).version;
  Builder builder;
  auto programs =
      writeTables<container::Program>(builder, stream.programs, [&](const Program &program) {
        return writeProgram(builder, program, table.parametersOf(version));
      });
  container::FinishStreamBuffer(builder, container::CreateStream(builder, version, programs));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::optional<CommandStream> sprint::parse(std::span<const uint8_t> bytes,
                                           std::string &error) noexcept {
  return parse(bytes, FormatTable(), error);
}

std::optional<CommandStream> sprint::parse(std::span<const uint8_t> bytes,
                                           const FormatTable &formats,
                                           std::string &error) noexcept {
  auto fail = [&](const std::string &message) {
    error = message;
    return std::nullopt;
  };
  if (bytes.size() > kMaxStreamBytes)
    return fail("expected a command stream of at most " + std::to_string(kMaxStreamBytes) +
                " bytes, got " + std::to_string(bytes.size()));
  constexpr size_t kHeaderBytes =
      sizeof(flatbuffers::uoffset_t) + flatbuffers::FlatBufferBuilder::kFileIdentifierLength;
  if (bytes.size() < kHeaderBytes || !container::StreamBufferHasIdentifier(bytes.data()))
    return fail(std::string("expected a command stream, which begins with the identifier '") +
                container::StreamIdentifier() + "' at byte 4");
  // FlatBuffers reads in place, and numbers of 64 bits want to be aligned.
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto *data = reinterpret_cast<const uint8_t *>(aligned.data());
  // A table takes more than four bytes, of which the verifier bounds their number.
  flatbuffers::Verifier verifier(data, bytes.size(), /*max_depth=*/8,
                                 /*max_tables=*/static_cast<uint32_t>(bytes.size() / 4 + 1));
  if (!container::VerifyStreamBuffer(verifier))
    return fail("the command stream is damaged: an offset or a length leads out of the file");

  const container::Stream &table = *container::GetStream(data);
  uint32_t version = table.version();
  if (version < 1 || version > formats.newest)
    return fail("expected a command stream of version 1" +
                (formats.newest > 1 ? " to " + std::to_string(formats.newest) : "") +
                ", got version " + std::to_string(version));
  CommandStream stream;
  if (!Reader(bytes.size(), formats.parametersOf(version), error).readStream(table, stream) ||
      !verify(stream, error))
    return std::nullopt;
  NeededVersion needed = versionOf(stream, formats);
  if (needed.version > version)
    return fail("expected version " + std::to_string(needed.version) + ", the first with " +
                needed.reason + ", got a command stream of version " + std::to_string(version));
  if (needed.version < version)
    return fail("expected version " + std::to_string(needed.version) +
                ", the smallest that holds the programs, got a command stream of version " +
                std::to_string(version));
  std::vector<uint8_t> canonical = serialize(stream, formats);
  if (!std::ranges::equal(canonical, bytes)) {
    size_t place = std::ranges::mismatch(canonical, bytes).in2 - bytes.begin();
    return fail("the command stream is not in canonical form: byte " + std::to_string(place) +
                " differs from that of the same stream written anew");
  }
  return stream;
}
