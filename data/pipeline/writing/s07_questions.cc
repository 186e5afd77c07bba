// S7: one call a type with three to six pairs. Each sees another part of the facts (E4), another asker (E2)
// and other examples (E3); what comes back is checked by code. Questions of yes and no are twins of the same
// words: the model writes the one whose answer is yes, code puts in the value that is not so.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/absent.h"
#include "data/pipeline/writing/ask_once.h"
#include "data/pipeline/writing/candidates.h"
#include "data/pipeline/writing/questions.h"
#include "data/pipeline/writing/stages.h"
#include "data/pipeline/writing/style.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

// In the mean: pairs of an answer that are kept; pictures whose single thing people name too, whose colours
// and actions hold.
constexpr double kKept = 1.6, kBorneOut = 0.9, kToldColours = 0.8, kToldActions = 0.8;

struct Settings {
  std::vector<std::string> types = question_types();
  int most_types = 6, least_pairs = 3, most_pairs = 6;
  int keep = 3, keep_counts = 2, keep_twins = 2;  // per type
  double low = .4, high = .7, zero = .15;
  int examples = 2, banned_shown = 5, candidates = 1;
  PairLimits limits;
};

class Questions final : public AskOnce {
 public:
  explicit Questions(Settings settings) : settings_(std::move(settings)) {}
  std::string_view name() const override { return "S7"; }

  void finish(std::span<Record*> chunk, const Context&) const override {
    if (compares_pictures()) choose_pairs(chunk, "S7");
  }
  bool compares_pictures() const override { return settings_.candidates > 1; }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    double calls = 0, pairs = 0;
    for (const std::string& type : settings_.types) {
      const double share = answered_share(type, picture);
      const double most = type == "count"   ? settings_.keep_counts
                          : type == "yesno" ? settings_.keep_twins
                                            : settings_.keep;
      calls += share;
      pairs += share * std::min(most, kKept) * (type == "yesno" ? 2 : 1);
    }
    const double asked = std::min<double>(calls, settings_.most_types);
    if (asked == 0) return {};
    picture.pairs += pairs * asked / calls;
    return {{.prompt = "S7",
             .role = Role::kWriter,
             .calls = asked * settings_.candidates,
             .input = 60 + 12 * picture.accepted,
             .output = 35 * (settings_.least_pairs + settings_.most_pairs) / 4.0,
             .examples = settings_.examples}};
  }

 private:
  std::vector<llm::Call> ask(Record& record, const Facts& facts, const Context& context) const override {
    std::vector<llm::Call> calls;
    for (const std::string& type : drawn_types(record, facts, context)) {
      for (int i = 0; i < settings_.candidates; ++i) {
        if (auto call = ask_for(record, type, i, facts, context)) calls.push_back(std::move(*call));
      }
    }
    return calls;
  }

  /// Share of pictures whose facts answer questions of the type.
  static double answered_share(const std::string& type, const Expected& picture) {
    if (picture.accepted <= 0) return 0;
    if (type == "count") return picture.exhaustive > 0 ? 1 : 0.3;
    if (type == "colour") return kToldColours * picture.coloured;
    if (type == "action") return kToldActions * picture.doing;
    if (type == "relation") return kBorneOut * picture.two_single;
    if (type == "ocr") return std::min(1.0, picture.written);
    return kBorneOut * picture.single;  // what, where, yesno
  }

  /// Types that the facts can answer, at most so many, in their order.
  std::vector<std::string> drawn_types(const Record& record, const Facts& facts,
                                       const Context& context) const {
    data::Stream draws = context.draws(record, "S7 types");
    std::vector<std::string> able;
    for (const std::string& type : settings_.types) {
      const bool zero = type == "count" && !absent_classes(record, context).empty();
      if (zero || type == "yesno" || !facts_for(type, facts).empty()) able.push_back(type);
    }
    if (static_cast<int>(able.size()) > settings_.most_types) keep_asked(able, context.prompts, draws);
    return able;
  }

  /// Those that people ask more often are kept more often (E10).
  void keep_asked(std::vector<std::string>& able, const Prompts& prompts, data::Stream& draws) const {
    std::map<std::string, float> asked;
    for (const auto& [type, weight] : weights_in(prompts, "question_types")) asked[type] = weight;
    std::set<std::string> kept;
    while (static_cast<int>(kept.size()) < settings_.most_types) {
      std::vector<float> weights;
      for (const std::string& type : able) {
        const auto found = asked.find(type);
        weights.push_back(kept.contains(type) ? 0 : found == asked.end() ? 1 : found->second);
      }
      kept.insert(able[static_cast<std::size_t>(draws.weighted(weights))]);
    }
    std::erase_if(able, [&](const std::string& type) { return !kept.contains(type); });
  }

  /// Another candidate sees other facts, another asker and other examples.
  std::optional<llm::Call> ask_for(Record& record, const std::string& type, int candidate, const Facts& facts,
                                   const Context& context) const {
    const std::string part = candidate_part(type, candidate);
    data::Stream draws = context.draws(record, cat("S7 ", part));
    const CallShape shape = creative("S7", part, settings_.examples, context, draws);
    const Style style = draw_style(context.prompts, draws);
    Json claims = Json::array();
    if (type == "yesno") {
      add_swaps(claims, facts, draws);
    } else {
      claims = shown(some_of(facts_for(type, facts), settings_.low, settings_.high, 2, draws));
      if (type == "count") add_zero(claims, record, context, draws);
    }
    if (claims.empty()) return std::nullopt;
    Json banned = Json::array();
    for (int i = 0; i < settings_.banned_shown; ++i)
      banned.push_back(pick(context.prompts, "openings", draws));
    const Json input = {{"qtype", type},
                        {"n", draws.between(settings_.least_pairs, settings_.most_pairs)},
                        {"claims", claims},
                        {"style", shown(style)},
                        {"banned", banned}};
    record.scratch.push_back(
        {{"type", type}, {"claims", claims}, {"generator", shape.who->model}, {"style", named(style)}});
    return context.call(record, name(), input, shape);
  }

  /// Claims with a value each that is verified not to be so.
  void add_swaps(Json& claims, const Facts& facts, data::Stream& draws) const {
    std::vector<Fact> able;
    std::vector<Swap> swaps;
    for (const Fact& fact : facts.all()) {
      if (const auto swap = swap_of(fact, facts, draws)) {
        able.push_back(fact);
        swaps.push_back(*swap);
      }
    }
    for (const Fact& fact : some_of(able, settings_.low, settings_.high, 2, draws)) {
      const auto at =
          std::find_if(able.begin(), able.end(), [&](const Fact& one) { return one.id == fact.id; });
      Json row = shown(fact);
      row["value"] = swaps[static_cast<std::size_t>(at - able.begin())].value;
      row["swap"] = swaps[static_cast<std::size_t>(at - able.begin())].other;
      claims.push_back(row);
    }
  }

  /// 0 is an answer too, for what is certainly not there.
  void add_zero(Json& claims, const Record& record, const Context& context, data::Stream& draws) const {
    const Facts facts(record, context.lexicon);
    if (!claims.empty() && !draws.chance(settings_.zero)) return;
    const auto kind = static_cast<Negative>(draws.below(3));
    const auto twin =
        draw_twin(kind, present_classes(facts), absent_classes(record, context), context.corpus, draws);
    if (twin)
      claims.push_back(shown(Fact{cat("absent:", twin->absent), "count", twin->absent, "count", "0"}));
  }

  void take(Record& record, const Json& asked, const llm::Result& result, const Facts& facts,
            const Rules& rules) const override {
    const std::string type = asked["type"];
    int kept = 0;
    const int most = type == "count"   ? settings_.keep_counts
                     : type == "yesno" ? settings_.keep_twins
                                       : settings_.keep;
    std::set<std::string> seen;
    for (const Json& row : result.value.value("pairs", Json::array())) {
      if (kept == most) break;
      Pair pair;
      pair.type = type;
      pair.q = row.value("q", "");
      pair.a_short = row.value("a_short", "");
      pair.a_sentence = row.value("a_sentence", "");
      pair.polarity = "pos";
      pair.generator = asked["generator"];
      pair.request = result.request.hex();
      pair.style = asked["style"];
      const std::vector<Fact> cited = cited_facts(row, asked["claims"]);
      for (const Fact& fact : cited) pair.claims.push_back(fact.id);
      std::string fault = pair_fault(pair, cited, facts, rules, settings_.limits);
      if (fault.empty() && !seen.insert(lower(pair.q)).second) fault = "twice";
      if (!fault.empty()) {
        record.count(cat("S7/", type, "/", fault));
        continue;
      }
      pair.about = about(pair, cited, facts);
      if (pair.about.empty()) pair.about = cited.front().subject;
      if (type == "count" && pair.a_short == "0") pair.polarity = "neg";
      if (type == "yesno" ? add_twins(record, pair, asked["claims"], facts.lexicon())
                          : (add(record, pair), true)) {
        ++kept;
      }
    }
  }

  /// The facts that a pair cites, of those that its call was shown.
  static std::vector<Fact> cited_facts(const Json& row, const Json& claims) {
    std::vector<Fact> out;
    for (const Json& id : row.value("claims", Json::array())) {
      for (const Json& one : claims) {
        if (one["id"] != id) continue;
        out.push_back({one["id"], one["type"], one["subject"], one["predicate"], one["object"]});
      }
    }
    return out;
  }

  /// The thing that the question names; else what the answer names.
  static std::string about(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
    for (const std::string* text : {&pair.q, &pair.a_short}) {
      for (const Fact& fact : cited) {
        for (const std::string* noun : {&fact.subject, &fact.object}) {
          const bool thing = noun == &fact.subject || (fact.type == "relation" && !is_place(fact));
          if (thing && !noun->empty() && facts.lexicon().mentions(*text, *noun)) return *noun;
        }
      }
    }
    return "";
  }

  static Pair& add(Record& record, Pair pair) {
    const auto number = std::count_if(record.pairs.begin(), record.pairs.end(),
                                      [&](const Pair& one) { return one.type == pair.type; });
    pair.id = cat(pair.type, ':', static_cast<std::int64_t>(number));
    record.pairs.push_back(std::move(pair));
    return record.pairs.back();
  }

  /// The same question with the other value; its answer says what is so, in the words of the first.
  static bool add_twins(Record& record, const Pair& yes, const Json& claims, const Lexicon& lexicon) {
    const auto row = std::find_if(claims.begin(), claims.end(),
                                  [&](const Json& one) { return one["id"] == yes.claims.front(); });
    const std::string value = (*row)["value"], other = (*row)["swap"];
    Pair no = yes;
    no.q = swapped(yes.q, value, other);
    std::string written = value;
    if (no.q.empty()) {
      if (const auto number = number_of(value)) {
        written = number_word(*number);
        no.q = swapped(yes.q, written, number_word(*number_of(other)));
      }
    }
    const std::size_t comma = yes.a_sentence.find_first_not_of("Yesyes");
    const std::string rest = yes.a_sentence.substr(std::min<std::size_t>(3, yes.a_sentence.size()));
    if (no.q.empty() || comma == std::string::npos || !has_value(rest, value, lexicon)) {
      record.count("S7/yesno/no-twin");
      return false;
    }
    no.a_short = "no";
    no.a_sentence = cat("No", rest);
    no.polarity = "neg";
    Pair& first = add(record, yes);
    first.a_short = "yes";
    const std::string id = first.id;
    Pair& second = add(record, no);
    second.twin = id;
    const std::string second_id = second.id;
    for (Pair& one : record.pairs) {
      if (one.id == id) one.twin = second_id;
    }
    return true;
  }

  static bool has_value(const std::string& text, const std::string& value, const Lexicon&) {
    if (has_words(text, value)) return true;
    const auto number = number_of(value);
    return number && has_words(text, number_word(*number));
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s7(base::KeySection& keys) {
  Settings settings;
  keys.read("types", settings.types);
  for (const std::string& type : settings.types) {
    const auto& known = question_types();
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      keys.fail("types", "what, where, count, colour, action, relation, ocr, yesno");
    }
  }
  keys.read("most_types", settings.most_types, 1, 8);
  keys.read("least_pairs", settings.least_pairs, 1, 12);
  keys.read("most_pairs", settings.most_pairs, settings.least_pairs, 12);
  keys.read("keep", settings.keep, 0, 12);
  keys.read("keep_counts", settings.keep_counts, 0, 12);
  keys.read("keep_twins", settings.keep_twins, 0, 12);
  keys.read("least_claims_share", settings.low, 0, 1);
  keys.read("most_claims_share", settings.high, settings.low, 1);
  keys.read("zero_share", settings.zero, 0, 1);
  keys.read("examples", settings.examples, 0, 16);
  keys.read("candidates", settings.candidates, 1, 8);
  settings.limits.read(keys);
  return std::make_unique<Questions>(std::move(settings));
}

}  // namespace moonbeam::pipeline
