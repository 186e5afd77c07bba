// The stages that read texts: repair, claims, verdicts, contradictions.
#include <algorithm>
#include <array>
#include <set>

#include "data/mockllm/answers.h"

namespace moonbeam::mockllm {

namespace {

constexpr std::array<std::string_view, 5> kFillers = {"um", "uh", "okay", "so", "like"};
struct Sound {
  std::string_view heard, meant;
};
constexpr std::array kSounds = std::to_array<Sound>({{"bare", "bear"},
                                                     {"pair", "pear"},
                                                     {"sale", "sail"},
                                                     {"dear", "deer"},
                                                     {"hair", "hare"},
                                                     {"be", "bee"},
                                                     {"flour", "flower"},
                                                     {"plain", "plane"},
                                                     {"son", "sun"},
                                                     {"wail", "whale"},
                                                     {"bred", "bread"},
                                                     {"quay", "key"},
                                                     {"sea", "see"},
                                                     {"their", "there"},
                                                     {"read", "red"},
                                                     {"blew", "blue"},
                                                     {"write", "right"},
                                                     {"too", "two"}});
constexpr std::array<std::string_view, 6> kPhantoms = {"umbrella", "bicycle", "kite",
                                                       "ladder",   "candle",  "drum"};

std::string text_member(const Json& input, const char* key) {
  return input.contains(key) && input[key].is_string() ? input[key].get<std::string>() : std::string();
}

/// What was heard wrongly is mended where the hints (or everyday grammar) name what was meant.
Json repair(const Question& question) {
  std::set<std::string> hints = {"see", "there", "red", "blue", "right", "two"};
  for (const Noun& noun : nouns_of(question.input.value("hints", Json::array()))) hints.insert(noun.name);
  const std::string text = text_member(question.input, "text");
  Json changed = Json::array();
  std::string out, last;
  std::size_t copied = 0;
  for (const Word& word : words_of(text)) {
    const bool filler = std::find(kFillers.begin(), kFillers.end(), word.text) != kFillers.end();
    const bool twice = word.text == last;
    const auto sound = std::find_if(kSounds.begin(), kSounds.end(),
                                    [&](const Sound& one) { return one.heard == word.text; });
    const bool misheard = sound != kSounds.end() && hints.contains(std::string(sound->meant)) &&
                          !hints.contains(std::string(sound->heard));
    if (filler || twice) {
      copied = word.end;  // with the space before it
    } else if (misheard) {
      out += text.substr(copied, word.begin - copied) + std::string(sound->meant);
      copied = word.end;
      changed.push_back({{"from", word.text}, {"to", sound->meant}});
    } else {
      out += text.substr(copied, word.end - copied);
      copied = word.end;
    }
    last = word.text;
  }
  out += text.substr(copied);
  out.erase(0, out.find_first_not_of(' ') == std::string::npos ? out.size() : out.find_first_not_of(' '));
  return {{"text", sentence(out)}, {"changed", changed}, {"unclear", Json::array()}};
}

void add_claim(Json& claims, std::string_view type, const std::string& subject, std::string_view predicate,
               const std::string& object, const std::string& quote) {
  for (const Json& one : claims) {  // texts repeat themselves
    if (one["type"] == type && one["subject"] == subject && one["object"] == object) return;
  }
  claims.push_back({{"id", "c" + std::to_string(claims.size() + 1)},
                    {"type", type},
                    {"subject", subject},
                    {"predicate", predicate},
                    {"object", object},
                    {"quote", quote}});
}

void claims_of(const std::string& text, const std::vector<Noun>& nouns, const Question& question,
               std::uint64_t salt, Json& claims) {
  for (const Mention& mention : mentions_in(text, nouns)) {
    if (mention.negated) continue;
    if (question.has(Fault::kDrop) && draw(1, question.content, salt + mention.begin) < 0.3) continue;
    const std::string quote = text.substr(mention.begin, mention.end - mention.begin);
    add_claim(claims, "existence", mention.noun, "exists", "", quote);
    if (!mention.colour.empty())
      add_claim(claims, "attribute", mention.noun, "colour", mention.colour, quote);
    if (mention.count > 0)
      add_claim(claims, "count", mention.noun, "count", std::to_string(mention.count), quote);
    if (!mention.place.empty()) {
      add_claim(claims, "relation", mention.noun, "position", mention.place,
                text.substr(mention.begin, mention.place_end - mention.begin));
    }
  }
  if (question.has(Fault::kHallucinate)) {
    const std::string phantom(kPhantoms[question.content % kPhantoms.size()]);
    // Half of the time with a quote that stands nowhere, half with one that does not bear it.
    const bool honest_quote = question.content % 2 == 0 && !text.empty();
    add_claim(claims, "existence", phantom, "exists", "",
              honest_quote ? text.substr(0, std::min<std::size_t>(20, text.size())) : with_article(phantom));
  }
}

Json extract(const Question& question) {
  const Json& input = question.input;
  const std::vector<Noun> nouns = nouns_of(input.value("classes", Json::array()));
  Json claims = Json::array();
  std::uint64_t salt = 0;
  for (const Json& source : input.value("sources", Json::array())) {
    const std::size_t before = claims.size();
    claims_of(text_member(source, "text"), nouns, question, salt += 1000, claims);
    for (std::size_t i = before; i < claims.size(); ++i) claims[i]["source"] = text_member(source, "id");
  }
  if (const std::string text = text_member(input, "text"); !text.empty()) {
    claims_of(text, nouns, question, 0, claims);
  }
  return {{"claims", claims}};
}

/// Supported where subject and object stand near one another in the text, contradicted where another value
/// does.
std::string verdict(const Json& claim, const std::string& text) {
  const std::string subject = lower(text_member(claim, "subject")),
                    object = lower(text_member(claim, "object"));
  const std::vector<Mention> mentions = mentions_in(text, {{subject, lower(text_member(claim, "plural"))}});
  if (mentions.empty()) return "unknown";
  if (std::all_of(mentions.begin(), mentions.end(), [](const Mention& one) { return one.negated; })) {
    return "contradicted";
  }
  const std::string type = text_member(claim, "type");
  if (type == "existence" || object.empty()) return "supported";
  bool other = false;
  for (const Mention& one : mentions) {
    const std::string said = type == "count" ? (one.count > 0 ? std::to_string(one.count) : "")
                             : text_member(claim, "predicate") == "colour" ? one.colour
                                                                           : one.place;
    if (said == object) return "supported";
    other = other || !said.empty();
  }
  return other ? "contradicted" : says(text, object) ? "supported" : "unknown";
}

Json verdicts(const Question& question) {
  const Json& input = question.input;
  std::string text = text_member(input, "text") + " " + text_member(input, "sheet");
  for (const Json& source : input.value("sources", Json::array())) text += " " + text_member(source, "text");
  Json out = Json::array();
  for (const Json& claim : input.value("claims", Json::array())) {
    const std::string is = question.has(Fault::kYes) ? "supported" : verdict(claim, text);
    out.push_back({{"id", claim.value("id", "")}, {"reason", "read in the text"}, {"verdict", is}});
  }
  return {{"verdicts", out}};
}

Json conflicts(const Question& question) {
  const Json claims = question.input.value("claims", Json::array());
  Json out = Json::array();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    for (std::size_t k = i + 1; k < claims.size(); ++k) {
      const bool same = text_member(claims[i], "subject") == text_member(claims[k], "subject") &&
                        text_member(claims[i], "predicate") == text_member(claims[k], "predicate");
      if (same && text_member(claims[i], "object") != text_member(claims[k], "object")) {
        out.push_back({{"a", text_member(claims[i], "id")}, {"b", text_member(claims[k], "id")}});
      }
    }
  }
  return {{"conflicts", out}};
}

}  // namespace

Json answer_reading(const Question& question) {
  const std::string& stage = question.stage;
  if (stage == "S2") return repair(question);
  if (stage == "S3" || stage == "S6v") return extract(question);
  if (stage == "S4a" || stage == "S4b") return verdicts(question);
  if (stage == "S5") return conflicts(question);
  return nullptr;
}

}  // namespace moonbeam::mockllm
