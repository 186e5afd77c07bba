// S8: what is not there. Existence in twins of a thing that is there and one that is not; questions that take
// something for granted which is not so; questions that no picture answers. Words must not tell which is
// which (M8), or a model learns the words (T9): twins share them, and an absurd question is one that was
// asked of a thing in the picture, word for word, with another noun.
#include <algorithm>

#include "base/text.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/absent.h"
#include "data/pipeline/writing/ask_once.h"
#include "data/pipeline/writing/candidates.h"
#include "data/pipeline/writing/questions.h"
#include "data/pipeline/writing/seeds.h"
#include "data/pipeline/writing/stages.h"
#include "data/pipeline/writing/style.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

constexpr double kDrawn = 0.87;  // twins of existence that can be drawn, in the mean

struct Settings {
  int twins = 2, premises = 2, seeds = 3, questions = 3;
  double unknown = .05;  // of pictures
  // The rest of the absurd questions is about classes: what seeds name is never seen, and a word that is
  // never seen would tell that the answer is a denial.
  double seed_share = .05;
  double name_present = .5;
  int examples = 2, candidates = 1;
  PairLimits limits;
};

class Negatives final : public AskOnce {
 public:
  explicit Negatives(Settings settings) : settings_(settings) {}
  std::string_view name() const override { return "S8"; }

  void finish(std::span<Record*> chunk, const Context&) const override {
    if (compares_pictures()) choose_pairs(chunk, "S8");
  }
  bool compares_pictures() const override { return settings_.candidates > 1; }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    if (picture.accepted <= 0) return {};
    const double askable =
                     settings_.premises > 0 ? std::max({picture.single, picture.coloured * 0.8}) * 0.9 : 0,
                 unknown = settings_.unknown * picture.single;
    picture.pairs += 2 * settings_.twins * kDrawn * (picture.exhaustive > 0 ? 1 : 0) +
                     askable * settings_.premises + unknown;
    return {{.prompt = "S8",
             .role = Role::kWriter,
             .calls = askable * settings_.candidates + unknown,
             .input = 150 + 15 * picture.accepted,
             .output = 35.0 * settings_.premises,
             .examples = settings_.examples}};
  }

 private:
  std::vector<llm::Call> ask(Record& record, const Facts& facts, const Context& context) const override {
    add_existence(record, facts, context);
    std::vector<llm::Call> calls;
    for (int i = 0; i < settings_.candidates; ++i) {
      if (auto call = ask_premise(record, i, facts, context)) calls.push_back(std::move(*call));
    }
    if (auto call = ask_unknown(record, facts, context)) calls.push_back(std::move(*call));
    return calls;
  }

  // ---- existence, by code

  void add_existence(Record& record, const Facts& facts, const Context& context) const {
    data::Stream draws = context.draws(record, "S8 existence");
    std::vector<std::string> present = present_classes(facts), absent = absent_classes(record, context);
    for (int i = 0; i < settings_.twins; ++i) {
      const auto kind = static_cast<Negative>((record.input.ordinal + i) % 3);  // 1:1:1
      const auto twin = draw_twin(kind, present, absent, context.corpus, draws);
      if (!twin) return;
      present.erase(std::find(present.begin(), present.end(), twin->present));
      absent.erase(std::find(absent.begin(), absent.end(), twin->absent));
      const std::string form = pick(context.prompts, "exist_questions", draws);
      Pair yes, no;
      yes.type = "yesno";
      yes.about = twin->present;
      yes.a_short = "yes";
      yes.polarity = "pos";
      yes.claims = claims_of(record, twin->present, context.lexicon);
      yes.a_sentence = filled(pick(context.prompts, "exist_yes", draws), twin->present, context.lexicon);
      no.type = "absent";
      no.about = twin->absent;
      no.a_short = "no";
      no.polarity = "neg";
      no.claims = {cat("absent:", twin->absent)};
      no.a_sentence = filled(pick(context.prompts, "exist_no", draws), twin->absent, context.lexicon);
      for (Pair* one : {&yes, &no}) {
        one->q = filled(form, one->about, context.lexicon);
        one->style = negative_name(kind);
        one->generator = "code";
      }
      add_twins(record, std::move(yes), std::move(no));
    }
  }

  static std::vector<std::string> claims_of(const Record& record, const std::string& noun,
                                            const Lexicon& lexicon) {
    std::vector<std::string> out;
    for (const Claim* claim : record.accepted()) {
      if (out.empty() && is_about(claim->subject, noun, lexicon)) out.push_back(claim->id);
    }
    return out;
  }

  static std::string next_id(const Record& record, const std::string& type) {
    return cat(type, ':',
               static_cast<std::int64_t>(std::count_if(record.pairs.begin(), record.pairs.end(),
                                                       [&](const Pair& one) { return one.type == type; })));
  }

  static void add_twins(Record& record, Pair yes, Pair no) {
    yes.id = next_id(record, yes.type);
    no.id = next_id(record, no.type);
    yes.twin = no.id;
    no.twin = yes.id;
    record.pairs.push_back(std::move(yes));
    record.pairs.push_back(std::move(no));
  }

  // ---- what is taken for granted

  /// Answered questions whose noun can be another's: their words are those of the absurd ones.
  std::vector<const Pair*> askable(const Record& record, const Facts& facts, data::Stream& draws) const {
    std::vector<const Pair*> out;
    for (const Pair& pair : record.pairs) {
      const bool fits = pair.type == "where" || pair.type == "colour" || pair.type == "action" ||
                        pair.type == "relation" || pair.type == "what";
      if (!fits || !pair.dropped.empty() || pair.about.empty() ||
          swapped(pair.q, pair.about, "thing").empty())
        continue;
      // "Is it a dog or a cat?" stays a question about a dog with one of the two exchanged.
      if (pair.type == "what" && has_words(pair.q, "or")) continue;
      if (!facts.lexicon().is_noun(pair.about)) continue;
      out.push_back(&pair);
    }
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
      std::swap(out[i], out[i + draws.below(static_cast<std::uint32_t>(out.size() - i))]);
    }
    if (out.size() > static_cast<std::size_t>(settings_.questions))
      out.resize(static_cast<std::size_t>(settings_.questions));
    return out;
  }

  std::optional<llm::Call> ask_premise(Record& record, int candidate, const Facts& facts,
                                       const Context& context) const {
    const std::string part = candidate_part("premise", candidate);
    data::Stream draws = context.draws(record, cat("S8 ", part));
    const std::vector<const Pair*> questions = askable(record, facts, draws);
    const bool seeds = draws.chance(settings_.seed_share);
    std::vector<std::string> nouns;
    if (seeds) {
      const Heard heard(record, context.lexicon);
      for (const std::string& noun :
           seed_nouns(context.lexicon.seeds(), context.pipeline, record.input.ordinal, settings_.seeds)) {
        if (heard.never_of(noun)) nouns.push_back(noun);
      }
    } else if (!questions.empty()) {
      std::vector<std::string> absent = absent_classes(record, context);
      for (int i = 0; i < settings_.seeds; ++i) {
        const std::string& about = questions[static_cast<std::size_t>(i) % questions.size()]->about;
        const auto twin =
            draw_twin(static_cast<Negative>(draws.below(3)), {about}, absent, context.corpus, draws);
        if (!twin) break;
        nouns.push_back(twin->absent);
        absent.erase(std::find(absent.begin(), absent.end(), twin->absent));
      }
    }
    if (nouns.empty() || questions.empty() || settings_.premises == 0) return std::nullopt;
    Json asked = Json::array();
    for (const Pair* one : questions) asked.push_back({{"id", one->id}, {"q", one->q}, {"noun", one->about}});
    Json input = {{"kind", "premise"},
                  {"n", settings_.premises},
                  {"nouns", nouns},
                  {"questions", asked},
                  {"name_present", draws.chance(settings_.name_present)},
                  {"claims", shown(some_of(facts.all(), .4, .7, 2, draws))},
                  {"opener", pick(context.prompts, "denial_openers", draws)}};
    const CallShape shape = creative("S8", part, settings_.examples, context, draws);
    record.scratch.push_back({{"input", input},
                              {"generator", shape.who->model},
                              {"source", seeds ? "seed" : "absent"},
                              {"short", pick(context.prompts, "premise_short", draws)}});
    return context.call(record, name(), input, shape);
  }

  // ---- what no picture shows

  std::optional<llm::Call> ask_unknown(Record& record, const Facts& facts, const Context& context) const {
    data::Stream draws = context.draws(record, "S8 unknown");
    if (!draws.chance(settings_.unknown)) return std::nullopt;
    std::vector<std::string> things;
    for (const std::string& noun : present_classes(facts)) {
      if (facts.only(noun) != nullptr) things.push_back(noun);
    }
    if (things.empty()) return std::nullopt;
    Json properties = Json::array();
    for (int i = 0; i < 3; ++i) properties.push_back(pick(context.prompts, "unseen", draws));
    const Json input = {{"kind", "unknown"},
                        {"n", 1},
                        {"nouns", things},
                        {"properties", properties},
                        {"claims", shown(some_of(facts.all(), .4, .7, 2, draws))},
                        {"opener", pick(context.prompts, "denial_openers", draws)}};
    const CallShape shape = creative("S8", "unknown", settings_.examples, context, draws);
    record.scratch.push_back({{"input", input},
                              {"generator", shape.who->model},
                              {"short", pick(context.prompts, "unknown_short", draws)}});
    return context.call(record, name(), input, shape);
  }

  // ---- answers

  void take(Record& record, const Json& asked, const llm::Result& result, const Facts& facts,
            const Rules& rules) const override {
    const Json& input = asked["input"];
    const bool premise = input["kind"] == "premise";
    int kept = 0;
    std::set<std::string> used;
    for (const Json& row : result.value.value("pairs", Json::array())) {
      if (kept == input["n"].get<int>()) break;
      Pair pair;
      pair.type = premise ? "premise" : "unknown";
      pair.polarity = "neg";
      pair.q = row.value("q", "");
      pair.a_sentence = row.value("a_sentence", "");
      pair.a_short = asked["short"];
      pair.about = lower(row.value("noun", ""));
      pair.generator = asked["generator"];
      pair.request = result.request.hex();
      std::string fault = any_pair_fault(pair, settings_.limits);
      if (fault.empty())
        fault = premise ? premise_fault(pair, row, input, facts, rules)
                        : unknown_fault(pair, input, facts, rules);
      if (fault.empty() && !used.insert(pair.about).second) fault = "twice";
      if (fault.empty()) {
        for (const std::string* text : {&pair.q, &pair.a_sentence}) {
          if (fault.empty()) fault = rules.fault(*text, facts);
        }
        if (rules.banned_opening(pair.q) || rules.banned_opening(pair.a_sentence)) fault = "opening";
      }
      if (!fault.empty()) {
        record.count(cat("S8/", pair.type, "/", fault));
        continue;
      }
      pair.claims = {cat(premise ? asked["source"].get<std::string>() : "unseen", ":", pair.about)};
      pair.id = next_id(record, pair.type);
      record.pairs.push_back(std::move(pair));
      ++kept;
    }
  }

  static std::string premise_fault(Pair& pair, const Json& row, const Json& input, const Facts& facts,
                                   const Rules& rules) {
    const auto& nouns = input["nouns"];
    if (std::find(nouns.begin(), nouns.end(), pair.about) == nouns.end()) return "other-noun";
    const auto twin =
        std::find_if(input["questions"].begin(), input["questions"].end(),
                     [&](const Json& one) { return one["id"].get<std::string>() == row.value("twin", ""); });
    if (twin == input["questions"].end()) return "no-twin";
    const std::string same = swapped((*twin)["q"], (*twin)["noun"], pair.about);
    if (lower(same) != lower(pair.q)) return "wording";
    pair.q = same;
    pair.twin = (*twin)["id"];
    if (!rules.denies(pair.a_sentence)) return "no-denial";
    if (!facts.lexicon().mentions(pair.a_sentence, pair.about) && !has_words(pair.a_sentence, pair.about))
      return "noun";
    return rules.unsupported(pair.a_sentence, facts, pair.about).empty() ? "" : "unsupported";
  }

  static std::string unknown_fault(const Pair& pair, const Json& input, const Facts& facts,
                                   const Rules& rules) {
    const auto& nouns = input["nouns"];
    if (std::find(nouns.begin(), nouns.end(), pair.about) == nouns.end()) return "other-noun";
    if (!has_words(pair.q, pair.about)) return "noun";
    if (!rules.declines(pair.a_sentence)) return "no-refusal";
    return rules.unsupported(pair.a_sentence, facts).empty() ? "" : "unsupported";
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s8(base::KeySection& keys) {
  Settings settings;
  keys.read("twins", settings.twins, 0, 50);
  keys.read("premises", settings.premises, 0, 6);
  keys.read("seed_nouns", settings.seeds, 1, 12);
  keys.read("seed_share", settings.seed_share, 0, 1);
  keys.read("questions_shown", settings.questions, 1, 12);
  keys.read("unknown_share", settings.unknown, 0, 1);
  keys.read("name_present", settings.name_present, 0, 1);
  keys.read("examples", settings.examples, 0, 16);
  keys.read("candidates", settings.candidates, 1, 8);
  settings.limits.read(keys);
  return std::make_unique<Negatives>(settings);
}

}  // namespace moonbeam::pipeline
