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

inline formats::TokenizerData load_data(const std::string& relative) {
  return formats::parse_tokenizer_json(read_text(relative), relative);
}

inline const Tokenizer& phi_tokenizer() {
  static const Tokenizer tokenizer(load_data("tests/goldens/tokenizer/phi-tokenizer.json"));
  return tokenizer;
}

}  // namespace moonbeam::text::testing
