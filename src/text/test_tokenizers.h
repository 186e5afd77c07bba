// For tests: JSON goldens and the tokenizers in the tree.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "text/tokenizer.h"

namespace moonbeam::text::testing {

inline std::string read_text(const std::string& relative) {
  std::ifstream in(std::string(MOONBEAM_SOURCE_DIR "/") + relative, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + relative);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline nlohmann::json read_json(const std::string& relative) {
  return nlohmann::json::parse(read_text(relative));
}

// Enough of a reader for the three files in the tree; the real one is parse_tokenizer_json.
inline formats::TokenizerData load_data(const std::string& relative) {
  const nlohmann::json file = read_json(relative);
  formats::TokenizerData data;
  for (const auto& [token, id] : file.at("model").at("vocab").items()) {
    const auto at = id.get<std::size_t>();
    if (data.tokens.size() <= at) data.tokens.resize(at + 1);
    data.tokens[at] = token;
  }
  for (const auto& merge : file.at("model").at("merges")) data.merges.emplace_back(merge.at(0), merge.at(1));
  for (const auto& token : file.at("added_tokens")) {
    formats::AddedToken added;
    added.id = token.at("id");
    added.content = token.at("content");
    added.special = token.at("special");
    added.normalized = token.at("normalized");
    data.added.push_back(added);
  }
  data.pre_tokenizers.push_back({});
  return data;
}

inline const Tokenizer& phi_tokenizer() {
  static const Tokenizer tokenizer(load_data("tests/goldens/tokenizer/phi-tokenizer.json"));
  return tokenizer;
}

}  // namespace moonbeam::text::testing
