//===- ThresholdFile.cpp - Files of thresholds ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/ThresholdFile.h"
#include "Json.h"
#include "SprintRuntime/Messages.h"

#include <charconv>
#include <cmath>
#include <exception>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

using namespace sprint;

namespace {

/// Largest file of thresholds.
constexpr uint64_t kMaxThresholdBytes = uint64_t(1) << 26;

/// Keys of what thresholds can be calibrated for.
constexpr std::pair<const char *, ThresholdPolicy::Kind> kCalibrations[] = {
    {"prune_rate", ThresholdPolicy::Kind::PruneRate},
    {"keep_mass", ThresholdPolicy::Kind::KeepMass},
};

void readCalibration(const Json &json, ThresholdFile &file) {
  for (const auto &[key, kind] : kCalibrations)
    if (json.is_object() && json.size() == 2 && json.contains(key)) {
      file.kind = kind;
      file.fraction = numberOf(json, key);
      file.inputs = countOf(json, "inputs");
      if (!(file.fraction >= 0 && file.fraction <= 1))
        throw FormatError{"expected '" + std::string(key) + "' to be between 0 and 1, got " +
                          json[key].dump()};
      return;
    }
  throw FormatError{
      R"(expected 'calibration' to be {"prune_rate" or "keep_mass": ..., "inputs": ...}, got )" +
      json.dump()};
}

ThresholdFile thresholdFileOf(const Json &json) {
  constexpr const char *kForm = R"({"thresholds": [[...], ...]})";
  if (!json.is_object() || !json.contains("thresholds") || !json["thresholds"].is_array())
    throw FormatError{"expected " + std::string(kForm)};
  ThresholdFile file;
  for (const auto &[key, value] : json.items()) {
    if (key == "attentions")
      file.attentions = stringsOf(json, "attentions");
    else if (key == "calibration")
      readCalibration(value, file);
    else if (key != "thresholds")
      throw FormatError{"expected " + std::string(kForm) + ", attentions and calibration, got '" +
                        key + "'"};
  }
  for (const Json &row : json["thresholds"]) {
    if (!row.is_array() || row.empty())
      throw FormatError{"expected a list of thresholds for each attention, got " +
                        std::string(row.type_name())};
    std::vector<float> &thresholds = file.thresholds.emplace_back();
    for (const Json &threshold : row)
      thresholds.push_back(thresholdOf(threshold));
  }
  if (json.contains("attentions") && file.attentions.size() != file.thresholds.size())
    throw FormatError{"expected names of " + std::to_string(file.thresholds.size()) +
                      " attentions, got " + std::to_string(file.attentions.size())};
  std::unordered_set<std::string_view> names;
  for (const std::string &name : file.attentions)
    if (!names.insert(name).second)
      throw FormatError{"expected an attention of each name, got two named '" + name + "'"};
  return file;
}

} // namespace

std::optional<float> sprint::parseThreshold(std::string_view text) noexcept {
  float value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || std::isnan(value))
    return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    // Zero is the nearest to what is too small.
    double small = 0;
    bool isKnown = std::from_chars(text.data(), text.data() + text.size(), small).ec == std::errc();
    return isKnown && std::abs(small) < 1 ? std::optional(static_cast<float>(small)) : std::nullopt;
  }
  return code == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<ThresholdFile> sprint::readThresholds(const std::string &path,
                                                    std::string &error) noexcept {
  std::optional<std::string> text = readFile(path, kMaxThresholdBytes, error);
  if (!text)
    return std::nullopt;
  return parseOr(path + ": ", error, [&]() -> std::optional<ThresholdFile> {
    return thresholdFileOf(parseJson(*text));
  });
}

std::optional<std::vector<std::vector<float>>>
sprint::thresholdsOf(const ThresholdFile &file, const std::string &path,
                     std::span<const std::string> attentions, std::string &error) {
  if (file.attentions.empty()) {
    if (file.thresholds.size() == attentions.size())
      return file.thresholds;
    error = path + ": expected thresholds of " + std::to_string(attentions.size()) +
            " attentions, got " + std::to_string(file.thresholds.size());
    return std::nullopt;
  }
  std::unordered_map<std::string_view, size_t> places;
  for (size_t place = 0; place < file.attentions.size(); ++place)
    places.emplace(file.attentions[place], place);
  std::vector<std::vector<float>> thresholds;
  for (const std::string &attention : attentions) {
    auto place = places.find(attention);
    if (place == places.end()) {
      error = path + ": expected thresholds of attention '" + attention + "', got none";
      return std::nullopt;
    }
    thresholds.push_back(file.thresholds[place->second]);
    places.erase(place);
  }
  for (const std::string &name : file.attentions)
    if (places.contains(name)) {
      error = path + ": expected thresholds of attentions that run, got those of '" +
              oneLine(name) + "'";
      return std::nullopt;
    }
  return thresholds;
}

bool sprint::addThresholds(OutputFiles &files, const std::string &path, const ThresholdFile &file,
                           std::string &error) noexcept try {
  Json json;
  json["thresholds"] = Json::array();
  for (const std::vector<float> &thresholds : file.thresholds)
    json["thresholds"].push_back(thresholdsJson(thresholds));
  if (!file.attentions.empty())
    json["attentions"] = file.attentions;
  for (const auto &[key, kind] : kCalibrations)
    if (kind == file.kind)
      json["calibration"] = {{key, file.fraction}, {"inputs", file.inputs}};
  return files.add(path, toFile(json), error);
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return false;
}
