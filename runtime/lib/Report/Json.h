//===- Json.h - Documents that are written and read --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_REPORT_JSON_H
#define SPRINTRUNTIME_LIB_REPORT_JSON_H

#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Messages.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// A document whose members keep their order.
using Json = nlohmann::ordered_json;

/// The text of a document, on one line or as a file. Invalid UTF-8, which a name may hold, becomes
/// the replacement character.
std::string toLine(const Json &json);
std::string toFile(const Json &json);

/// Why a document is not what it should be.
struct FormatError {
  std::string message;
};

/// Reads a document whose objects have each member once. Throws what `parseOr` makes messages of.
Json parseJson(std::string_view text);

/// The member `key` of an object, and it as what it has to be. Throw FormatError.
const Json &memberOf(const Json &json, const std::string &key);
double numberOf(const Json &json, const std::string &key);
int64_t countOf(const Json &json, const std::string &key);
std::vector<std::string> stringsOf(const Json &json, const std::string &key);

/// What stands for the infinities.
inline constexpr const char *kMinusInfinity = "-inf";
inline constexpr const char *kPlusInfinity = "inf";

/// A list of thresholds.
Json thresholdsJson(const std::vector<float> &thresholds);
/// A threshold of a file, finite or infinite. Throws FormatError.
float thresholdOf(const Json &json);

/// Calls `function`; where the text that it parses is not what it should be, `error` says why,
/// behind `place`.
template <typename Function>
auto parseOr(const std::string &place, std::string &error, Function function) noexcept
    -> decltype(function()) try {
  try {
    return function();
  } catch (const FormatError &failure) {
    error = place + oneLine(failure.message);
  } catch (const Json::parse_error &failure) {
    error = place + "byte " + std::to_string(failure.byte) + ": not JSON";
  } catch (const Json::out_of_range &) {
    error = place + "a number is too large";
  }
  return std::nullopt;
} catch (const std::exception &exception) {
  error = place + reasonOf(exception);
  return std::nullopt;
}

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_REPORT_JSON_H
