// S10: every question is answered once more from the facts alone by another model, and from the picture by
// one that sees; a judge marks what is left. A pair stays where both agree, with half the weight where the
// picture says nothing, and goes where either says something else (arXiv 2205.01883).
#include <algorithm>

#include "base/text.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/absent.h"
#include "data/pipeline/writing/agree.h"
#include "data/pipeline/writing/stages.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

constexpr double kAgreed = 0.98;  // pairs that the texts answer alike, in the mean

struct Settings {
  int questions_a_call = 8, judged_a_call = 6, least_mark = 4;
  double half = .5;
  int when_differs = 0;  // index of {drop, half}
  int unjudged = 0;      // index of {drop, keep}: the judge's answer was none
};

class Check final : public Stage {
 public:
  explicit Check(const Settings& settings) : settings_(settings) {}
  std::string_view name() const override { return "S10"; }

  /// Rounds: answers from text; whether those that differ in words differ in sense; answers from the picture
  /// and marks for what is left; then the same of the answers from the picture.
  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    const Facts facts(record, context.lexicon);
    const Rules rules(context.prompts);
    std::vector<llm::Call> calls;
    const Json before = round == 0 ? Json() : record.scratch;
    record.scratch = {{"asked", Json::array()}, {"seen", round > 0 && before["seen"].get<bool>()}};
    for (std::size_t i = 0; i < results.size() && i < before["asked"].size(); ++i) {
      take(record, before["asked"][i], results[i], rules, context, calls);
    }
    if (round == 0) {
      ask_text(record, facts, context, calls);
    } else if (calls.empty() && !record.scratch["seen"].get<bool>()) {
      record.scratch["seen"] = true;
      ask_picture(record, context, calls);
      ask_judge(record, facts, context, calls);
    }
    if (calls.empty()) settle(record, context);
    return calls;
  }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context& context) const override {
    const double facts = 25 * (picture.accepted + picture.things), agreed = kAgreed * picture.pairs;
    const auto rows = [](double items, double calls) { return calls > 0 ? items / calls : 0; };
    const double text = batches(picture.pairs, settings_.questions_a_call),
                 judged = batches(agreed, settings_.judged_a_call);
    std::vector<ExpectedCalls> out = {{.prompt = "S10",
                                       .role = Role::kVerifier,
                                       .calls = text,
                                       .input = facts + 18 * rows(picture.pairs, text),
                                       .output = 12 * rows(picture.pairs, text)}};
    if (!context.roles.vision.model.empty()) {
      out.push_back({.prompt = "S10v", .role = Role::kVision, .calls = agreed, .input = 25, .output = 8});
    }
    if (!context.roles.judge.model.empty()) {
      out.push_back({.prompt = "judge",
                     .role = Role::kJudge,
                     .calls = judged,
                     .input = facts + 35 * rows(agreed, judged),
                     .output = 22 * rows(agreed, judged)});
    }
    return out;
  }

 private:
  static Pair& of(Record& record, const std::string& id) {
    return *std::find_if(record.pairs.begin(), record.pairs.end(),
                         [&](const Pair& one) { return one.id == id; });
  }

  /// Pairs that are still in, in a random order: places in a list shall not favour any.
  static std::vector<Pair*> open_pairs(Record& record, const Context& context, std::string_view what) {
    data::Stream draws = context.draws(record, what);
    std::vector<Pair*> out;
    for (Pair& pair : record.pairs) {
      if (pair.dropped.empty() && pair.by_text != "differ" && pair.by_text != "unknown") out.push_back(&pair);
    }
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
      std::swap(out[i], out[i + draws.below(static_cast<std::uint32_t>(out.size() - i))]);
    }
    return out;
  }

  // ---- asking

  /// Nouns whose facts are all there is: what is not among the facts is not in the picture.
  static Json complete(const Record& record, const std::vector<Pair*>& pairs, const Context& context) {
    std::set<std::string> nouns;
    const Heard heard(record, context.lexicon);
    for (const Pair* pair : pairs) {
      const bool absent = pair->type == "absent" || pair->type == "premise" || pair->a_short == "0";
      if (record.has_exhaustive(pair->about) || (absent && heard.never_of(pair->about)))
        nouns.insert(pair->about);
    }
    return nouns;
  }

  void ask_text(Record& record, const Facts& facts, const Context& context,
                std::vector<llm::Call>& calls) const {
    const std::vector<Pair*> pairs = open_pairs(record, context, "S10 text");
    const auto step = static_cast<std::size_t>(settings_.questions_a_call);
    for (std::size_t at = 0; at < pairs.size(); at += step) {
      Json questions = Json::array(), ids = Json::array();
      for (std::size_t i = at; i < std::min(at + step, pairs.size()); ++i) {
        const std::string id = cat("q", static_cast<std::int64_t>(i + 1));
        questions.push_back({{"id", id}, {"q", pairs[i]->q}});
        ids.push_back({{"id", id}, {"pair", pairs[i]->id}});
      }
      CallShape shape;
      shape.prompt = "S10";
      shape.part = cat("text:", static_cast<std::int64_t>(at / step));
      shape.who = &context.roles.verifier;
      const Json input = {{"claims", shown(facts.all())},
                          {"complete", complete(record, pairs, context)},
                          {"questions", questions}};
      calls.push_back(context.call(record, name(), input, shape));
      record.scratch["asked"].push_back({{"kind", "text"}, {"pairs", ids}});
    }
  }

  void ask_picture(Record& record, const Context& context, std::vector<llm::Call>& calls) const {
    if (context.roles.vision.model.empty()) return;
    const llm::Picture picture = context.picture(record);
    for (Pair& pair : record.pairs) {
      if (!pair.dropped.empty() || pair.by_text != "agree" || pair.type == "unknown") continue;
      CallShape shape;
      shape.prompt = "S10v";
      shape.part = cat("picture:", pair.id);
      shape.who = &context.roles.vision;
      shape.max_tokens = 256;
      shape.pictures = {picture};
      // Those that see like to go along with what a question takes for granted: they are asked whether it is
      // so.
      const std::string question =
          pair.type == "premise" ? cat("Is there ", with_article(pair.about), " in the picture?") : pair.q;
      calls.push_back(context.call(record, name(), {{"question", question}}, shape));
      record.scratch["asked"].push_back({{"kind", "picture"}, {"pair", pair.id}});
    }
  }

  void ask_judge(Record& record, const Facts& facts, const Context& context,
                 std::vector<llm::Call>& calls) const {
    if (context.roles.judge.model.empty()) return;
    std::vector<Pair*> pairs = open_pairs(record, context, "S10 judge");
    std::erase_if(pairs, [](const Pair* pair) { return pair->by_text != "agree"; });
    const auto step = static_cast<std::size_t>(settings_.judged_a_call);
    for (std::size_t at = 0; at < pairs.size(); at += step) {
      Json rows = Json::array(), ids = Json::array();
      for (std::size_t i = at; i < std::min(at + step, pairs.size()); ++i) {
        const std::string id = cat("p", static_cast<std::int64_t>(i + 1));
        rows.push_back({{"id", id}, {"q", pairs[i]->q}, {"a", pairs[i]->a_sentence}});
        ids.push_back({{"id", id}, {"pair", pairs[i]->id}});
      }
      CallShape shape;
      shape.prompt = "judge";
      shape.part = cat("judge:", static_cast<std::int64_t>(at / step));
      shape.who = &context.roles.judge;
      calls.push_back(context.call(record, name(), {{"claims", shown(facts.all())}, {"pairs", rows}}, shape));
      record.scratch["asked"].push_back({{"kind", "judge"}, {"pairs", ids}});
    }
  }

  void ask_same(Record& record, const Pair& pair, const std::string& got, bool picture,
                const Context& context, std::vector<llm::Call>& calls) const {
    CallShape shape;
    shape.prompt = "entail";
    shape.part = cat("entail:", picture ? "picture:" : "text:", pair.id);
    shape.who = &context.roles.verifier;
    shape.max_tokens = 256;
    calls.push_back(
        context.call(record, name(), {{"question", pair.q}, {"a", pair.a_short}, {"b", got}}, shape));
    record.scratch["asked"].push_back({{"kind", "entail"}, {"pair", pair.id}, {"picture", picture}});
  }

  // ---- answers

  void take(Record& record, const Json& asked, const llm::Result& result, const Rules& rules,
            const Context& context, std::vector<llm::Call>& calls) const {
    const std::string kind = asked["kind"];
    const bool ok = answered(record, name(), result);
    if (kind == "text") {
      for (const Json& one : asked["pairs"]) {
        Pair& pair = of(record, one["pair"]);
        std::string got = "unknown";
        for (const Json& row : ok ? result.value.value("answers", Json::array()) : Json::array()) {
          if (row.value("id", "") == one["id"].get<std::string>()) got = row.value("answer", "unknown");
        }
        compare(record, pair, got, false, rules, context, calls);
      }
    } else if (kind == "picture") {
      Pair& pair = of(record, asked["pair"]);
      const std::string got = !ok                        ? "unknown"
                              : result.value.is_object() ? result.value.value("answer", "unknown")
                                                         : result.text;
      compare(record, pair, got, true, rules, context, calls);
    } else if (kind == "judge") {
      for (const Json& one : asked["pairs"]) {
        for (const Json& row : ok ? result.value.value("scores", Json::array()) : Json::array()) {
          if (row.value("id", "") != one["id"].get<std::string>()) continue;
          int least = 5;
          for (const char* mark : {"correct", "visual", "useful", "format"})
            least = std::min(least, row.value(mark, 0));
          of(record, one["pair"]).judge = least;
        }
      }
    } else {
      Pair& pair = of(record, asked["pair"]);
      (asked["picture"].get<bool>() ? pair.by_picture : pair.by_text) =
          ok && result.value.value("same", false) ? "agree" : "differ";
    }
  }

  void compare(Record& record, Pair& pair, const std::string& got, bool picture, const Rules& rules,
               const Context& context, std::vector<llm::Call>& calls) const {
    std::string& to = picture ? pair.by_picture : pair.by_text;
    const bool denied = picture && pair.type == "premise";
    switch (agreement(denied ? "no" : pair.a_short, got, rules)) {
      case Agreement::kSame:
        to = "agree";
        return;
      case Agreement::kUnknown:
        to = "unknown";
        return;
      case Agreement::kOther:
        break;
    }
    // Numbers, yes and no differ or do not; other words may be two ways to say one thing.
    const bool plain = denied || pair.type == "yesno" || pair.type == "absent" || pair.type == "count";
    to = plain ? "differ" : "pending";
    if (!plain) ask_same(record, pair, got, picture, context, calls);
  }

  // ---- the end

  void settle(Record& record, const Context& context) const {
    record.scratch = nullptr;
    const bool judging = !context.roles.judge.model.empty();
    for (Pair& pair : record.pairs) {
      if (!pair.dropped.empty()) continue;
      if (pair.by_text != "agree") {
        pair.dropped = pair.by_text == "unknown" ? "S10/text-unknown" : "S10/text-differs";
      } else if (pair.by_picture == "differ" && settings_.when_differs == 0) {
        pair.dropped = "S10/picture-differs";
      } else if (judging && pair.judge == 0 && settings_.unjudged == 0) {
        pair.dropped = "S10/unjudged";
      } else if (judging && pair.judge != 0 && pair.judge < settings_.least_mark) {
        pair.dropped = "S10/judge";
      } else if (pair.by_picture != "agree" && pair.type != "unknown") {
        pair.weight = settings_.half;
        record.count("S10/half-weight");
      }
      if (!pair.dropped.empty()) record.count(pair.dropped);
    }
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s10(base::KeySection& keys) {
  Settings settings;
  keys.read("questions_a_call", settings.questions_a_call, 1, 64);
  keys.read("judged_a_call", settings.judged_a_call, 1, 64);
  keys.read("least_mark", settings.least_mark, 0, 5);
  keys.read("half_weight", settings.half, 0, 1);
  settings.when_differs = keys.read_choice("picture_differs", {"drop", "half"}, settings.when_differs);
  settings.unjudged = keys.read_choice("unjudged", {"drop", "keep"}, settings.unjudged);
  return std::make_unique<Check>(settings);
}

}  // namespace moonbeam::pipeline
