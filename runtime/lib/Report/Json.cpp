//===- Json.cpp - Documents that are written and read ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace sprint;

/// How deep arrays and objects of what is read may be nested, far more than any reader wants. What
/// writes a document for a message calls itself for each level.
static constexpr int kMaxNesting = 64;

Json sprint::parseJson(std::string_view text) {
  // The members of each object that is open.
  std::vector<std::set<std::string>> members;
  return Json::parse(text, [&](int depth, Json::parse_event_t event, Json &parsed) {
    if (depth > kMaxNesting)
      throw FormatError{"expected arrays and objects at most " + std::to_string(kMaxNesting) +
                        " deep, got more"};
    if (event == Json::parse_event_t::object_start)
      members.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      members.pop_back();
    else if (event == Json::parse_event_t::key &&
             !members.back().insert(parsed.get<std::string>()).second)
      throw FormatError{"expected each member of an object once, got two " + toLine(parsed)};
    return true;
  });
}

std::string sprint::toLine(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string sprint::toFile(const Json &json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

const Json &sprint::memberOf(const Json &json, const std::string &key) {
  if (!json.is_object() || !json.contains(key))
    throw FormatError{"expected an object with '" + key + "'"};
  return json[key];
}

double sprint::numberOf(const Json &json, const std::string &key) {
  const Json &member = memberOf(json, key);
  if (!member.is_number())
    throw FormatError{"expected '" + key + "' to be a number, got " + member.type_name()};
  return member.get<double>();
}

int64_t sprint::countOf(const Json &json, const std::string &key) {
  const Json &member = memberOf(json, key);
  bool fits = member.is_number_unsigned() &&
              member.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max());
  if (!fits)
    throw FormatError{"expected '" + key + "' to be a count, got " + member.dump()};
  return member.get<int64_t>();
}

std::vector<std::string> sprint::stringsOf(const Json &json, const std::string &key) {
  const Json &member = memberOf(json, key);
  std::vector<std::string> strings;
  bool areStrings = member.is_array();
  for (const Json &element : member)
    if ((areStrings &= element.is_string()))
      strings.push_back(element.get<std::string>());
  if (!areStrings)
    throw FormatError{"expected '" + key + "' to be a list of strings, got " + member.dump()};
  return strings;
}

float sprint::thresholdOf(const Json &json) {
  if (json.is_number()) {
    auto threshold = json.get<float>();
    if (!std::isfinite(threshold))
      throw FormatError{"expected thresholds that an f32 holds, got " + json.dump()};
    return threshold;
  }
  for (auto [word, sign] : {std::pair(kMinusInfinity, -1.0f), {kPlusInfinity, 1.0f}})
    if (json.is_string() && json.get<std::string>() == word)
      return sign * std::numeric_limits<float>::infinity();
  throw FormatError{"expected thresholds to be numbers, \"-inf\" or \"inf\", got " + json.dump()};
}

Json sprint::thresholdsJson(const std::vector<float> &thresholds) {
  Json json = Json::array();
  for (float threshold : thresholds) {
    if (std::isinf(threshold))
      json.push_back(threshold < 0 ? kMinusInfinity : kPlusInfinity);
    else
      json.push_back(threshold);
  }
  return json;
}
