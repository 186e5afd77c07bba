#include "data/pipeline/writing/style.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<double, 3> kTemperatures = {.7, .9, 1.1};
constexpr double kTopP = .95;

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

int whole_number(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? out : 0;
}

/// A question of about so many words.
int draw_length(const Prompts& prompts, data::Stream& draws) {
  std::vector<int> words;
  std::vector<float> weights;
  for (const auto& [text, weight] : weights_in(prompts, "question_lengths")) {
    words.push_back(whole_number(text));
    weights.push_back(weight);
    if (words.back() < 1) {
      base::fail(ErrorCode::kInvalidArgument, "question_lengths.list: expected a number of words, got \"",
                 text, "\"");
    }
  }
  return words[static_cast<std::size_t>(draws.weighted(weights))];
}

}  // namespace

const std::string& pick(const Prompts& prompts, const std::string& list, data::Stream& draws) {
  const std::vector<std::string>& lines = prompts.list(list);
  if (lines.empty()) base::fail(ErrorCode::kInvalidArgument, list, ".list: expected lines, it is empty");
  return lines[draws.below(static_cast<std::uint32_t>(lines.size()))];
}

std::string candidate_part(const std::string& part, int candidate) {
  return candidate == 0 ? part : base::cat(part, ':', candidate + 1);
}

std::vector<std::pair<std::string, float>> weights_in(const Prompts& prompts, const std::string& list) {
  std::vector<std::pair<std::string, float>> out;
  for (const std::string& line : prompts.list(list)) {
    const std::size_t space = line.find(' ');
    const int weight =
        space == std::string::npos ? 0 : whole_number(std::string_view(line).substr(space + 1));
    if (weight < 1) {
      base::fail(ErrorCode::kInvalidArgument, list, ".list: expected what and its weight, got \"", line,
                 "\"");
    }
    out.emplace_back(line.substr(0, space), static_cast<float>(weight));
  }
  return out;
}

Style draw_style(const Prompts& prompts, data::Stream& draws) {
  Style out;
  out.asker = pick(prompts, "personas", draws);
  out.manner = pick(prompts, "manners", draws);
  out.opener = pick(prompts, "openers", draws);
  out.words = draw_length(prompts, draws);
  return out;
}

Json shown(const Style& style) {
  return {{"asker", style.asker}, {"manner", style.manner}, {"opener", style.opener}, {"words", style.words}};
}

std::string named(const Style& style) {
  return base::cat(style.asker, "; ", style.manner, "; ", style.opener, "; ", style.words);
}

CallShape creative(const std::string& prompt, const std::string& part, int examples, const Context& context,
                   data::Stream& draws) {
  CallShape shape;
  shape.prompt = prompt;
  shape.part = part;
  shape.who = &context.writer(draws);
  shape.temperature = kTemperatures[draws.below(kTemperatures.size())];
  shape.top_p = kTopP;
  shape.examples = examples;
  return shape;
}

std::string filled(std::string form, const std::string& noun, const Lexicon& lexicon) {
  replace_all(form, "{a}", with_article(noun));
  replace_all(form, "{n}", noun);
  replace_all(form, "{s}", lexicon.plural(noun));
  return form;
}

std::string swapped(const std::string& text, const std::string& from, const std::string& to) {
  const std::vector<Word> words = words_of(text), wanted = words_of(from);
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i + wanted.size() <= words.size() && !wanted.empty(); ++i) {
    bool equal = true;
    for (std::size_t k = 0; k < wanted.size(); ++k) equal = equal && words[i + k].text == wanted[k].text;
    if (!equal) continue;
    if (at) return "";
    at = i;
  }
  if (!at) return "";
  const std::size_t end = words[*at + wanted.size() - 1].end;
  const bool article = *at > 0 && (words[*at - 1].text == "a" || words[*at - 1].text == "an");
  const std::size_t begin = article ? words[*at - 1].begin : words[*at].begin;
  std::string in = article ? with_article(to) : to;
  if (begin == 0) in = capitalised(in);
  return text.substr(0, begin) + in + text.substr(end);
}

}  // namespace moonbeam::pipeline
