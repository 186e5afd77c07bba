// S6: captions of three lengths, written from accepted claims and layout alone. What a writer adds is found
// by reading the claims out of its caption again (prompt S6v) and by code that knows nouns, colours and
// numbers; such a sentence is taken out, or the caption is written once more, or it is dropped.
#include <algorithm>

#include "base/text.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/candidates.h"
#include "data/pipeline/writing/rules.h"
#include "data/pipeline/writing/stages.h"
#include "data/pipeline/writing/style.h"
#include "data/pipeline/writing/support.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

// Of captions, in the mean; "red cup" and "cup" are two subjects of one class.
constexpr double kWrittenAgain = 0.05, kReadAgain = 0.95, kSubjectsAClass = 1.1;

struct Length {
  const char* name;
  int least, most, sentences;  // words; at most so many sentences
};

struct Settings {
  std::vector<Length> lengths = {{"short", 2, 15, 1}, {"normal", 30, 70, 4}, {"long", 80, 180, 0}};
  std::vector<std::string> wanted = {"short", "normal", "long"};
  std::vector<std::string> human = {"caption"};
  double side = .5;
  // Of a picture that has little to tell no long caption is asked for, and fewer words will do.
  int things_normal = 1, things_long = 4, words_a_thing = 3;
  int examples = 1, candidates = 1;
};

std::vector<Fact> by_layout(const Facts& facts) {
  const auto height = [&](const Fact& fact) {
    for (const SheetObject& one : facts.record().sheet.objects) {
      if (one.id == fact.thing || facts.lexicon().same(one.name, fact.subject)) return one.centre[1];
    }
    return 2.0;
  };
  std::vector<Fact> out = facts.all();
  std::stable_sort(out.begin(), out.end(),
                   [&](const Fact& a, const Fact& b) { return height(a) < height(b); });
  return out;
}

int word_count(std::string_view text) {
  return static_cast<int>(words_of(text).size());
}

class Captions final : public Stage {
 public:
  explicit Captions(Settings settings) : settings_(std::move(settings)) {}
  std::string_view name() const override { return "S6"; }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    const Facts facts(record, context.lexicon);
    if (round == 0) {
      keep_human(record);
      return first_calls(record, facts, context);
    }
    std::vector<llm::Call> calls = record.scratch["phase"] == "written"
                                       ? read_again(record, facts, results, context)
                                       : judge(record, facts, results, context);
    if (calls.empty()) record.scratch = nullptr;
    return calls;
  }

  void finish(std::span<Record*> chunk, const Context&) const override {
    if (compares_pictures()) choose_captions(chunk);
  }
  bool compares_pictures() const override { return settings_.candidates > 1; }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    const double things =
        kSubjectsAClass * picture.classes + (picture.classes > 0 ? 0 : picture.accepted / 2);
    double captions = 0, words = 0;
    for (const std::string& one : settings_.wanted) {
      const int least = one == "normal" ? settings_.things_normal : one == "long" ? settings_.things_long : 1;
      const double share = picture.accepted > 0 ? share_with(std::max(1, least), things) : 0;
      captions += share;
      words += share * (length(one).least + length(one).most) / 2.0;
    }
    if (captions == 0) return {};
    words /= captions;
    const double facts = 30 * picture.accepted;
    return {{.prompt = "S6",
             .role = Role::kWriter,
             .calls = captions * (settings_.candidates + kWrittenAgain),
             .input = 60 + facts,
             .output = 10 + kTokensAWord * words,
             .examples = settings_.examples},
            {.prompt = "S6v",
             .role = Role::kVerifier,
             .calls = captions * kReadAgain * settings_.candidates,
             .input = 20 + kTokensAWord * words,
             .output = 25 * std::min(picture.accepted, words / 3)}};
  }

 private:
  const Length& length(const std::string& name) const {
    return *std::find_if(settings_.lengths.begin(), settings_.lengths.end(),
                         [&](const Length& one) { return name == one.name; });
  }

  /// Verbatim; not where its claims were found wrong (T4).
  void keep_human(Record& record) const {
    for (const Source& source : record.sources) {
      if (std::find(settings_.human.begin(), settings_.human.end(), source.kind) == settings_.human.end())
        continue;
      Caption& out = record.captions.emplace_back();
      out.text = source.raw;
      out.human = true;
      out.source = source.id;
      const int words = word_count(source.raw);
      out.length = words <= length("short").most ? "short" : words < length("long").least ? "normal" : "long";
      for (const Claim& claim : record.claims) {
        if (claim.source != source.id) continue;
        if (claim.accepted) out.claims.push_back(claim.id);
        if (claim.by_sheet == "contradicted" || claim.by_picture == "contradicted")
          out.dropped = "contradicted";
      }
      if (!out.dropped.empty()) record.count("S6/human-contradicted");
    }
  }

  std::vector<llm::Call> first_calls(Record& record, const Facts& facts, const Context& context) const {
    std::vector<llm::Call> calls;
    record.scratch = {{"phase", "written"}, {"parts", Json::array()}};
    const int things = things_in(facts);
    for (const std::string& one : settings_.wanted) {
      if (things == 0 || (one == "normal" && things < settings_.things_normal) ||
          (one == "long" && things < settings_.things_long)) {
        continue;
      }
      for (int i = 0; i < settings_.candidates; ++i) {
        const std::string part = candidate_part(one, i);
        calls.push_back(write(record, facts, one, part, context));
        record.scratch["parts"].push_back(
            {{"length", one}, {"part", part}, {"generator", calls.back().model}});
      }
    }
    return calls;
  }

  static int things_in(const Facts& facts) {
    std::set<std::string> subjects;
    for (const Fact& fact : facts.all()) subjects.insert(fact.subject);
    return static_cast<int>(subjects.size());
  }

  llm::Call write(const Record& record, const Facts& facts, const std::string& length,
                  const std::string& part, const Context& context) const {
    data::Stream draws = context.draws(record, cat("S6 ", part));
    const CallShape shape = creative("S6", part, settings_.examples, context, draws);
    Json input = {{"claims", shown(by_layout(facts))},
                  {"length", length},
                  {"style",
                   {{"manner", pick(context.prompts, "manners", draws)},
                    {"opener", pick(context.prompts, "caption_openers", draws)}}}};
    if (draws.chance(settings_.side)) {
      Json side = Json::array();
      for (const Source& source : record.sources) {
        if (source.kind == "alt" || source.kind == "region") side.push_back(source.text);
      }
      if (!side.empty()) input["side"] = side;
    }
    return context.call(record, name(), input, shape);
  }

  /// Captions that came in: those that keep the rules are read again by another model.
  std::vector<llm::Call> read_again(Record& record, const Facts& facts, std::span<const llm::Result> results,
                                    const Context& context) const {
    const Rules rules(context.prompts);
    std::vector<llm::Call> calls;
    Json& parts = record.scratch["parts"];
    for (std::size_t i = 0; i < results.size() && i < parts.size(); ++i) {
      Json& part = parts[i];
      part.erase("text");
      if (!answered(record, name(), results[i])) continue;
      const std::string text = trimmed(results[i].value.value("caption", ""));
      const std::string fault = rule_fault(text, part["length"], rules, facts, true);
      part["request"] = results[i].request.hex();
      if (!fault.empty()) {
        record.count(cat("S6/", fault));
        continue;
      }
      part["text"] = text;
      CallShape shape;
      shape.prompt = "S6v";
      shape.part = cat("read:", part["part"].get<std::string>());
      shape.who = &context.roles.verifier;
      Json classes = Json::array();
      for (const std::string& noun : nouns_for_reading(text, facts)) classes.push_back(noun);
      calls.push_back(context.call(record, name(), {{"text", text}, {"classes", classes}}, shape));
    }
    if (calls.empty()) return again(record, facts, context);
    record.scratch["phase"] = "read";
    return calls;
  }

  static std::string trimmed(std::string text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
    for (char& c : text) {
      if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    }
    return text;
  }

  static std::set<std::string> nouns_for_reading(const std::string& text, const Facts& facts) {
    std::set<std::string> out;
    for (const std::string& noun : nouns_in(text, facts.lexicon())) out.insert(noun);
    for (const Fact& fact : facts.all()) {
      if (facts.lexicon().mentions(text, fact.subject)) out.insert(fact.subject);
    }
    return out;
  }

  std::string rule_fault(const std::string& text, const std::string& wanted, const Rules& rules,
                         const Facts& facts, bool openings) const {
    if (std::string fault = rules.fault(text, facts); !fault.empty()) return fault;
    if (openings && rules.banned_opening(text)) return "opening";
    const Length& bounds = length(wanted);
    const int words = word_count(text);
    const int enough = settings_.words_a_thing * things_in(facts) * (wanted == "long" ? 2 : 1);
    if (words > bounds.most) return "too-long";
    if (words < std::min(bounds.least, enough)) return "too-short";
    if (bounds.sentences > 0 && static_cast<int>(sentences_of(text).size()) > bounds.sentences)
      return "sentences";
    return "";
  }

  /// Claims that were read out of the captions: what nothing bears out goes with its sentence.
  std::vector<llm::Call> judge(Record& record, const Facts& facts, std::span<const llm::Result> results,
                               const Context& context) const {
    const Rules rules(context.prompts);
    std::size_t next = 0;
    for (Json& part : record.scratch["parts"]) {
      if (!part.contains("text")) continue;
      const llm::Result& result = results[next++];
      const std::string text = part["text"];
      part.erase("text");
      if (!answered(record, name(), result)) continue;  // nobody has read it: it is not trusted
      Kept kept = supported_part(text, result.value.value("claims", Json::array()), rules, facts);
      if (kept.removed > 0) record.count("S6/sentence-removed", kept.removed);
      const bool whole = kept.removed == 0;
      if (kept.text.empty() ||
          (!whole && !rule_fault(kept.text, part["length"], rules, facts, true).empty())) {
        record.count("S6/unsupported");
        continue;
      }
      part["done"] = true;
      Caption& out = record.captions.emplace_back();
      out.length = part["length"];
      out.text = kept.text;
      out.claims.assign(kept.claims.begin(), kept.claims.end());
      out.generator = part["generator"];
      out.request = part["request"];
    }
    return again(record, facts, context);
  }

  struct Kept {
    std::string text;
    std::set<std::string> claims;
    int removed = 0;
  };

  static Kept supported_part(const std::string& text, const Json& claims, const Rules& rules,
                             const Facts& facts) {
    Kept out;
    for (const std::string& sentence : sentences_of(text)) {
      bool good = rules.unsupported(sentence, facts).empty();
      for (const Json& claim : claims) {
        const std::string quote = claim.value("quote", "");
        // A quote that stands nowhere condemns every sentence: it is not known what it is about.
        const bool here = text.find(quote) == std::string::npos || sentence.find(quote) != std::string::npos;
        if (!here) continue;
        const std::vector<std::string> ids = bearing(claim, facts);
        if (ids.empty()) good = false;
        if (good) out.claims.insert(ids.begin(), ids.end());
      }
      if (good) {
        out.text += (out.text.empty() ? "" : " ") + sentence;
      } else {
        ++out.removed;
      }
    }
    return out;
  }

  /// Once more for the lengths that have no caption.
  std::vector<llm::Call> again(Record& record, const Facts& facts, const Context& context) const {
    std::vector<llm::Call> calls;
    Json left = Json::array();
    std::set<std::string> settled;
    for (const Json& part : record.scratch["parts"]) {
      if (part.contains("done")) settled.insert(part["length"]);
    }
    for (const Json& part : record.scratch["parts"]) {
      const std::string length = part["length"];
      if (!settled.insert(length).second) continue;
      if (part.contains("again")) {
        record.count("S6/dropped");
        continue;
      }
      const std::string name = cat(length, ":again");
      calls.push_back(write(record, facts, length, name, context));
      left.push_back(
          {{"length", length}, {"part", name}, {"again", true}, {"generator", calls.back().model}});
      record.count("S6/written-again");
    }
    record.scratch = {{"phase", "written"}, {"parts", left}};
    return calls;
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s6(base::KeySection& keys) {
  Settings settings;
  keys.read("lengths", settings.wanted);
  for (const std::string& one : settings.wanted) {
    const bool known = std::any_of(settings.lengths.begin(), settings.lengths.end(),
                                   [&](const Length& length) { return one == length.name; });
    if (!known) keys.fail("lengths", "short, normal, long");
  }
  keys.read("short_words", settings.lengths[0].most, 1, 1000);
  keys.read("normal_least_words", settings.lengths[1].least, 1, 1000);
  keys.read("normal_words", settings.lengths[1].most, 1, 1000);
  keys.read("long_least_words", settings.lengths[2].least, 1, 1000);
  keys.read("long_words", settings.lengths[2].most, 1, 1000);
  keys.read("human", settings.human);
  keys.read("side_context", settings.side, 0, 1);
  keys.read("normal_things", settings.things_normal, 0, 1000);
  keys.read("long_things", settings.things_long, 0, 1000);
  keys.read("words_a_thing", settings.words_a_thing, 0, 100);
  keys.read("examples", settings.examples, 0, 16);
  keys.read("candidates", settings.candidates, 1, 8);
  return std::make_unique<Captions>(std::move(settings));
}

}  // namespace moonbeam::pipeline
