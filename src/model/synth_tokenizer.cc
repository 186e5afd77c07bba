// The tokenizer of generated weights: single bytes, the ids that the variant's prompts name, and fillers
// (" w1234") that no text encodes to but every id decodes to.
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "model/synth.h"
#include "model/variants.h"

namespace moonbeam::model {

namespace {

/// GPT-2's printable alphabet: what stands for each byte, in GPT-2's order of ids.
std::vector<std::string> byte_alphabet() {
  const auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  std::vector<std::string> out;
  const auto add = [&](char32_t code) {
    out.emplace_back();
    base::append_utf8(out.back(), code);
  };
  for (int b = 0; b < 256; ++b) {
    if (printable(b)) add(static_cast<char32_t>(b));
  }
  for (char32_t code = 256; out.size() < 256; ++code) add(code);
  return out;
}

struct Named {
  int id;
  const char* token;
};

// Ids that the templates of the releases name, in the byte-level alphabet.
constexpr Named kStarmie[] = {{32708, "caption"}, {12492, "short"}, {6382, "normal"}, {4059, "long"},
                              {15381, "query"},   {7235, "det"},    {476, "ect"},     {2581, "point"}};
constexpr Named kPhi[] = {
    {628, "\u010a\u010a"}, {24361, "Question"}, {33706, "Answer"},       {16438, "Short"},  {24334, "Capt"},
    {1159, "ion"},         {14617, "Long"},     {8305, "\u0120caption"}, {47504, "Detect"}, {12727, "Point"}};
constexpr const char* kControl[] = {
    "<|endoftext|>", "<|md_reserved_0|>", "<|md_reserved_1|>",       "<|md_reserved_2|>", "<|md_reserved_3|>",
    "<|coord|>",     "<|size|>",          "<|start_ground_points|>", "<|md_reserved_4|>", "<|end_ground|>"};

void add_control(formats::TokenizerData& data, int id, const char* content) {
  data.tokens[static_cast<std::size_t>(id)] = content;
  formats::AddedToken token;
  token.id = id;
  token.content = content;
  token.special = true;
  data.added.push_back(std::move(token));
}

}  // namespace

formats::TokenizerData synth_tokenizer(const ModelConfig& config) {
  const auto vocab = static_cast<std::size_t>(config.text.vocab_size);
  const bool phi = config.prompts.eos == 50256;
  formats::TokenizerData data;
  data.tokens.resize(vocab);
  data.ignore_merges = true;
  data.pre_tokenizers.emplace_back();
  if (phi) {
    add_control(data, config.prompts.eos, kControl[0]);
  } else {
    for (int i = 0; i < static_cast<int>(std::size(kControl)); ++i) add_control(data, i, kControl[i]);
  }
  std::size_t at = phi ? 0 : std::size(kControl);
  for (const std::string& byte : byte_alphabet()) data.tokens[at++] = byte;
  const auto name = [&](const auto& rows) {
    for (const Named& row : rows) data.tokens[static_cast<std::size_t>(row.id)] = row.token;
  };
  if (phi) name(kPhi);
  if (!phi && vocab > 32708) name(kStarmie);
  for (std::size_t id = 0; id < vocab; ++id) {
    if (data.tokens[id].empty()) data.tokens[id] = base::cat("\u0120w", id);
  }
  return data;
}

}  // namespace moonbeam::model
