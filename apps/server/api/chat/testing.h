// Tests only: conversations and models for them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "server/api/testing.h"

namespace moonbeam::server::testing {

/// As if it had been trained to think first: what clients see of that, not what it thinks.
inline Model thinking_starter() {
  return changed_starter("chat_thinking", [](json& config) { config["tokenizer"]["reasoning"] = true; });
}

/// As the models of 2024, whose prompt is plain text.
inline Model plain_starter() {
  return changed_starter(
      "chat_plain", [](json& config) { config["moonbeam"]["text_query"] = "\n\nQuestion: {q}\n\nAnswer:"; });
}

inline std::set<std::string> keys(const json& object) {
  std::set<std::string> out;
  for (const auto& [key, value] : object.items()) out.insert(key);
  return out;
}

inline json picture_part(const std::string& name = "s1") {
  return {{"type", "image_url"}, {"image_url", {{"url", sample_uri(name)}, {"detail", "low"}}}};
}
inline json text_part(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

inline EncodedImage encoded(const std::string& name = "s1") {
  return starter().encode_image(load_image(kTests + "data/starter/samples/" + name + ".png"));
}

}  // namespace moonbeam::server::testing
