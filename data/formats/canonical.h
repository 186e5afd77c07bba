// Canonical samples (data.md 2.21), what the pipeline makes and the trainer reads: one object a line, or an
// object or an array of them in the `json` member of a shard.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/json_row.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

struct CanonicalTurn {
  std::string question;
  std::optional<std::string> answer;  ///< none for detect and point: the regions are the answer
  std::string style;                  ///< short, sentence, long; empty where there is no answer
};

/// Of width and height, 0 to 1.
struct CanonicalRegion {
  std::string label;
  std::optional<std::array<double, 4>> box;  ///< x_min < x_max, y_min < y_max; always where there is no point
  std::optional<std::array<double, 2>> point;  ///< x, y
};

struct CanonicalChecks {
  int claims = 0, supported = 0, judge = 0;
};

struct CanonicalSample {
  static constexpr int kForm = 1;

  std::string id;
  std::string picture, sha256, file;  ///< its key, its hash, its file's name; empty where they are not said
  int width = 0, height = 0;          ///< 0: not said
  std::string task;                   ///< query, caption, detect, point
  std::string type, polarity;         ///< what, count, absent, ...; pos, neg
  bool needs_detail = false;
  std::vector<CanonicalTurn> turns;
  std::vector<CanonicalRegion> regions;
  std::vector<std::string> evidence;
  std::optional<CanonicalChecks> checks;
  nlohmann::ordered_json provenance;  ///< an object, or null
  std::string noise;                  ///< what was done to the question
};

/// In fixed order: equal samples give equal bytes.
nlohmann::ordered_json canonical_json(const CanonicalSample& sample);
/// With the line's end. @throws Error kInvalidArgument (text that is no UTF-8).
std::string canonical_line(const CanonicalSample& sample);

/// @throws RecordError, Error kUnsupported (a newer form).
CanonicalSample canonical_sample(const JsonRow& row);
/// @throws Error as each_line, and as canonical_sample.
void read_canonical(ByteSource& source,
                    const std::function<void(const CanonicalSample&, std::uint64_t line)>& use,
                    Reading& reading);
/// A shard's member; `where` names it. @throws RecordError, Error as canonical_sample.
std::vector<CanonicalSample> canonical_samples_of(std::string_view json, const std::string& where);

}  // namespace moonbeam::data
