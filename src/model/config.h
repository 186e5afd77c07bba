// All sizes and prompts of a model in one place, and the published config.json.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/config.h"
#include "text/config.h"
#include "vision/config.h"

namespace moonbeam::model {

/// Token ids in front of and behind what the user says; a task that a variant lacks has no template.
struct Template {
  std::vector<int> prefix, suffix;
};

/// Prompts of a variant, and what its tokens mean. Ids that a variant lacks are -1.
struct Prompts {
  int bos = 0, eos = 0;
  int answer = -1, thinking = -1, coord = -1, size = -1, start_ground = -1, end_ground = -1;
  std::array<std::optional<std::vector<int>>, 3> caption;  ///< short, normal, long
  std::optional<Template> query, detect, point;
  int query_suffix_count = 2;      ///< how often the suffix stands at the end without reasoning
  std::string question_space;      ///< put in front of a question: "" or " "
  std::string object_space = " ";  ///< put in front of an object
  bool reasoning = true;           ///< trained to think first, where there are tokens for it
  bool suppress_answer = false;    ///< logits[answer] = -inf from the second token on
  bool spatial_refs = false;
  bool gaze = false;          ///< "\n\nPoint:" eye " gaze\n\n" (beta)
  bool strip_answer = false;  ///< 2024: white space at both ends removed
  std::string text_query;     ///< 2024: the whole prompt as text, {q} for the question; empty: template
  std::array<std::string, 3> text_caption;          ///< 2024: prompt texts; empty: template or none
  std::string text_before_image, text_after_image;  ///< 2024-03-04: "<image>", "</image>"
  std::string text_stop;                            ///< stop at this text instead of an id
  /// Follow a question that is to be answered in JSON, {keys} for the names of properties; empty: nothing.
  std::string json_with_keys = "Answer in JSON with keys {keys}.";
  std::string json_plain = "Answer in JSON.";  ///< where no keys are known
};

struct ModelConfig {
  std::string variant;  ///< row of the variant table
  vision::VisionConfig vision;
  text::TextConfig text;
  std::optional<region::RegionConfig> region;
  Prompts prompts;
  std::vector<std::string> notes;  ///< unknown keys and the like, for people

  void validate() const;
};

/// Reads a published config.json over `base` (missing keys keep base's values; unknown ones give a note).
/// @throws Error kCorrupt (not JSON, wrong type or range, naming the key), kUnsupported.
ModelConfig parse_config_json(std::string_view text, const ModelConfig& base, const std::string& name);
/// The reference's keys and ours for `config`.
std::string write_config_json(const ModelConfig& config);

}  // namespace moonbeam::model
