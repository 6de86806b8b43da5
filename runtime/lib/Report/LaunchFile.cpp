//===- LaunchFile.cpp - Files that say what is launched -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/LaunchFile.h"
#include "Json.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <unordered_map>

using namespace sprint;

namespace {

/// Largest file of launches.
constexpr uint64_t kMaxLaunchBytes = uint64_t(1) << 26;

void checkObject(const Json &json, const std::string &what) {
  if (!json.is_object())
    throw FormatError{"expected " + what + " to be an object, got " + json.type_name()};
}

/// Checks that all members of an object are `known`.
void checkMembers(const Json &json, const std::string &what,
                  std::initializer_list<std::string_view> known) {
  checkObject(json, what);
  for (const auto &[key, value] : json.items())
    if (std::ranges::find(known, key) == known.end())
      throw FormatError{"expected no '" + key + "' in " + what};
}

std::string stringOf(const Json &json, const std::string &key) {
  const Json &member = memberOf(json, key);
  if (!member.is_string())
    throw FormatError{"expected '" + key + "' to be a string, got " + member.type_name()};
  return member.get<std::string>();
}

/// The numbers of `[[...], ...]`, rows of one length. Sets their number and length, or checks them
/// where they are known.
std::vector<float> rowsOf(const Json &json, const std::string &key, int64_t &rows,
                          int64_t &length) {
  const Json &table = memberOf(json, key);
  auto fail = [&] {
    throw FormatError{"expected steps of the " + key +
                      " as a row of numbers for each batch element, of as many batch elements and "
                      "heads as there are, got " +
                      toLine(table)};
  };
  if (!table.is_array() || table.empty())
    fail();
  std::vector<float> numbers;
  for (const Json &row : table) {
    if (!row.is_array() || row.empty())
      fail();
    if (length == 0)
      length = static_cast<int64_t>(row.size());
    if (static_cast<int64_t>(row.size()) != length)
      fail();
    for (const Json &number : row) {
      if (!number.is_number() || !std::isfinite(number.get<float>()))
        fail();
      numbers.push_back(number.get<float>());
    }
  }
  if (rows == 0)
    rows = static_cast<int64_t>(table.size());
  if (static_cast<int64_t>(table.size()) != rows)
    fail();
  return numbers;
}

StepTable stepsOf(const Json &json) {
  checkMembers(json, "'steps'", {"query", "key", "value"});
  StepTable table;
  table.steps.query = rowsOf(json, "query", table.batches, table.heads);
  table.steps.key = rowsOf(json, "key", table.batches, table.keyHeads);
  table.steps.value = rowsOf(json, "value", table.batches, table.keyHeads);
  return table;
}

LaunchFile launchFileOf(const Json &json, const std::filesystem::path &folder) {
  checkMembers(json, "a file of launches", {"caches", "launches"});
  LaunchFile file;
  std::unordered_map<std::string, size_t> caches;
  if (json.contains("caches")) {
    checkObject(json["caches"], "'caches'");
    for (const auto &[name, cache] : json["caches"].items()) {
      checkMembers(cache, "cache '" + name + "'", {"steps"});
      caches.emplace(name, file.caches.size());
      file.caches.push_back({name, stepsOf(memberOf(cache, "steps"))});
    }
  }
  const Json &launches = memberOf(json, "launches");
  if (!launches.is_array() || launches.empty())
    throw FormatError{"expected 'launches' to be a list of at least one"};
  for (const Json &member : launches) {
    checkMembers(member, "a launch", {"program", "inputs", "cache", "steps"});
    LaunchFile::Launch &launch = file.launches.emplace_back();
    launch.program = stringOf(member, "program");
    for (const std::string &input : stringsOf(member, "inputs"))
      launch.inputs.push_back((folder / input).string());
    if (member.contains("cache")) {
      auto cache = caches.find(stringOf(member, "cache"));
      if (cache == caches.end())
        throw FormatError{"expected a cache of the file, got '" + stringOf(member, "cache") + "'"};
      launch.cache = cache->second;
    }
    if (member.contains("steps"))
      launch.steps = stepsOf(member["steps"]);
    if (launch.cache && launch.steps)
      throw FormatError{"expected no steps beside a cache, which has its own"};
  }
  return file;
}

} // namespace

std::optional<LaunchFile> sprint::readLaunches(const std::string &path,
                                               std::string &error) noexcept {
  std::optional<std::string> text = readFile(path, kMaxLaunchBytes, error);
  if (!text)
    return std::nullopt;
  return parseOr(path + ": ", error, [&]() -> std::optional<LaunchFile> {
    return launchFileOf(parseJson(*text), std::filesystem::path(path).parent_path());
  });
}
