// S12: what code can see of a text is looked for once more in all of them, whoever wrote them; then, over the
// pictures of a chunk: repetitions go by their words and by what they mean (E9), twins go together, no kind
// of question has more than its share, and no word of a question tells yes from no (M8).
#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "data/formats/vqa_answer.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/balance.h"
#include "data/pipeline/writing/meanings.h"
#include "data/pipeline/writing/questions.h"
#include "data/pipeline/writing/repeats.h"
#include "data/pipeline/writing/rules.h"
#include "data/pipeline/writing/stages.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

struct Settings {
  PairLimits limits;
  double jaccard = .6, cosine = .95;
  int window = 2000;
  double yes_or_no = .25, denied = .10, count = .12;
  int slack = 1;
};

bool asks_yes(const Pair& pair) {
  return pair.type == "yesno" || pair.type == "absent";
}

class Filters final : public Stage {
 public:
  explicit Filters(const Settings& settings) : settings_(settings) {}
  std::string_view name() const override { return "S12"; }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    if (round > 0) {
      record.scratch = nullptr;
      if (answered(record, name(), results[0])) take_meanings(record, results[0]);
      return {};
    }
    const Facts facts(record, context.lexicon);
    const Rules rules(context.prompts);
    for (Pair& pair : record.pairs) {
      if (pair.dropped.empty()) drop(record, pair, pair_filter(pair, facts, rules));
    }
    for (Caption& caption : record.captions) {
      if (caption.dropped.empty()) drop(record, caption, caption_filter(caption, facts, rules));
    }
    for (Region& region : record.regions) {
      if (region.dropped.empty()) drop(record, region, region_filter(region));
    }
    close_twins(record);
    return compares_meanings() ? ask_meanings(record, name(), texts_of(compared(record)), context)
                               : std::vector<llm::Call>{};
  }

  bool compares_pictures() const override { return true; }

  /// All of a picture's texts in one call.
  std::vector<ExpectedCalls> expect(Expected& picture, const Context& context) const override {
    if (!compares_meanings() || context.roles.embedder.model.empty()) return {};
    constexpr double kTokensAPair = 22;  // question and sentence
    return {{.prompt = "S12",
             .role = Role::kEmbedder,
             .calls = share_with(1, picture.pairs),
             .input = kTokensAPair * picture.pairs,
             .output = 0}};
  }

  void finish(std::span<Record*> chunk, const Context& context) const override {
    drop_repeats(chunk, context);
    for (Record* record : chunk) close_twins(*record);
    keep_shares(chunk, context);
    balance(chunk);
    for (Record* record : chunk) close_twins(*record);
  }

 private:
  static void drop(Record& record, auto& item, const std::string& fault) {
    if (fault.empty()) return;
    item.dropped = cat("S12/", fault);
    record.count(item.dropped);
  }

  std::string pair_filter(const Pair& pair, const Facts& facts, const Rules& rules) const {
    if (std::string fault = any_pair_fault(pair, settings_.limits); !fault.empty()) return fault;
    for (const std::string* text : {&pair.q, &pair.a_short, &pair.a_sentence}) {
      if (std::string fault = rules.fault(*text, facts); !fault.empty() && pair.type != "ocr") return fault;
    }
    if (rules.banned_opening(pair.q) || rules.banned_opening(pair.a_sentence)) return "opening";
    // What is denied is not among the facts, and must not be.
    const bool denied = pair.type == "absent" || pair.type == "premise" || pair.a_short == "0";
    if (pair.type != "ocr" && !rules.unsupported(pair.a_sentence, facts, denied ? pair.about : "").empty())
      return "unsupported";
    if (denied && !pair.about.empty() && facts.names(pair.about)) return "denied-and-told";
    return "";
  }

  static std::string caption_filter(const Caption& caption, const Facts& facts, const Rules& rules) {
    const std::string fault = rules.fault(caption.text, facts);
    // People's words stay as they are, if they are words.
    if (caption.human) return fault == "control" || fault == "language" || fault == "empty" ? fault : "";
    if (!fault.empty()) return fault;
    return rules.unsupported(caption.text, facts).empty() ? "" : "unsupported";
  }

  static std::string region_filter(const Region& region) {
    const auto outside = [](double at) { return !(at >= 0 && at <= 1); };
    for (const Box& box : region.boxes) {
      if (std::any_of(box.begin(), box.end(), outside) || box[0] >= box[2] || box[1] >= box[3]) return "box";
    }
    for (const Point& point : region.points) {
      if (outside(point[0]) || outside(point[1])) return "point";
    }
    return region.label.empty() ? "label" : "";
  }

  /// A pair does not stay without the one that shares its words.
  static void close_twins(Record& record) {
    for (bool more = true; more;) {
      more = false;
      for (Pair& pair : record.pairs) {
        if (!pair.dropped.empty()) continue;
        const auto twin = std::find_if(record.pairs.begin(), record.pairs.end(),
                                       [&](const Pair& one) { return one.id == pair.twin; });
        const bool alone =
            twin == record.pairs.end() ? asks_yes(pair) || !pair.twin.empty() : !twin->dropped.empty();
        if (!alone) continue;
        drop(record, pair, "twin");
        more = true;
      }
    }
  }

  bool compares_meanings() const { return settings_.cosine <= 1; }

  struct Compared {
    std::string kind, id, twin, text, answer;
    std::function<void(const char* fault)> drop;
  };
  /// What is compared with others of its kind, in a fixed order.
  static std::vector<Compared> compared(Record& record) {
    std::vector<Compared> out;
    const std::string& key = record.input.key;
    for (Pair& pair : record.pairs) {
      if (!pair.dropped.empty()) continue;
      out.push_back({pair.type, cat(key, '#', pair.id), cat(key, '#', pair.twin),
                     cat(pair.q, ' ', pair.a_sentence), data::normalised_answer(pair.a_short),
                     [&](const char* fault) { drop(record, pair, fault); }});
    }
    for (Caption& caption : record.captions) {
      if (!caption.dropped.empty() || caption.human) continue;
      out.push_back({cat("caption ", caption.length), key, "", caption.text, "",
                     [&](const char* fault) { drop(record, caption, fault); }});
    }
    return out;
  }

  static std::vector<std::string> texts_of(const std::vector<Compared>& all) {
    std::vector<std::string> out;
    for (const Compared& one : all) out.push_back(one.text);
    return out;
  }

  void drop_repeats(std::span<Record*> chunk, const Context& context) const {
    Recent recent(static_cast<std::size_t>(settings_.window));
    for (Record* record : chunk) {
      const std::vector<Compared> all = compared(*record);
      std::vector<std::vector<float>> meanings(all.size());
      if (compares_meanings()) meanings = meanings_of(*record, texts_of(all), context);
      for (std::size_t i = 0; i < all.size(); ++i) {
        const Compared& one = all[i];
        std::vector<std::uint64_t> grams = word_trigrams(one.text);
        if (!recent.like(one.kind, grams, settings_.jaccard, one.twin).empty()) {
          one.drop("repeated");
        } else if (!recent.near(one.kind, meanings[i], one.answer, settings_.cosine, one.twin).empty()) {
          one.drop("meaning");
        } else {
          recent.add(one.kind, one.id, std::move(grams), meanings[i], one.answer);
        }
      }
    }
  }

  struct Group {
    std::vector<std::pair<Record*, Pair*>> pairs;
    std::uint32_t order = 0;
  };

  /// Pairs of yes and no go with their twins; which go is drawn.
  void keep_shares(std::span<Record*> chunk, const Context& context) const {
    std::array<std::vector<Group>, 3> kinds;
    std::size_t open = 0;
    for (Record* record : chunk) {
      for (Pair& pair : record->pairs) {
        if (!pair.dropped.empty()) continue;
        const bool denied = pair.type == "premise" || pair.type == "unknown";
        if (!asks_yes(pair) && !denied && pair.type != "count") {
          ++open;
          continue;
        }
        std::vector<Group>& groups = kinds[asks_yes(pair) ? 0 : denied ? 1 : 2];
        if (asks_yes(pair) && !groups.empty() && groups.back().pairs[0].first == record) {
          const auto mine = std::find_if(groups.begin(), groups.end(), [&](const Group& one) {
            return one.pairs[0].first == record && one.pairs[0].second->id == pair.twin;
          });
          if (mine != groups.end()) {
            mine->pairs.emplace_back(record, &pair);
            continue;
          }
        }
        groups.push_back({{{record, &pair}}, context.draws(*record, cat("S12 ", pair.id)).next()});
      }
    }
    const std::vector<std::size_t> most =
        allowed(open, {2 * kinds[0].size(), kinds[1].size(), kinds[2].size()},
                {settings_.yes_or_no, settings_.denied, settings_.count});
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      const std::size_t keep = k == 0 ? most[k] / 2 : most[k];
      std::stable_sort(kinds[k].begin(), kinds[k].end(),
                       [](const Group& a, const Group& b) { return a.order < b.order; });
      for (std::size_t i = keep; i < kinds[k].size(); ++i) {
        for (auto& [record, pair] : kinds[k][i].pairs) drop(*record, *pair, "share");
      }
    }
  }

  void balance(std::span<Record*> chunk) const {
    std::vector<TwinEdge> edges;
    std::vector<std::pair<Record*, std::array<Pair*, 2>>> twins;
    for (Record* record : chunk) {
      for (Pair& yes : record->pairs) {
        if (!yes.dropped.empty() || !asks_yes(yes) || lower(yes.a_short) != "yes") continue;
        for (Pair& no : record->pairs) {
          if (no.id != yes.twin) continue;
          edges.push_back(difference(yes.q, no.q));
          twins.push_back({record, {&yes, &no}});
        }
      }
    }
    for (const std::size_t at : surplus(edges, settings_.slack)) {
      for (Pair* pair : twins[at].second) drop(*twins[at].first, *pair, "balance");
    }
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s12(base::KeySection& keys) {
  Settings settings;
  settings.limits.read(keys);
  keys.read("jaccard", settings.jaccard, 0, 1);
  keys.read("cosine", settings.cosine, 0, 2);
  keys.read("window", settings.window, 1, 1'000'000);
  keys.read("yes_or_no_share", settings.yes_or_no, 0, 1);
  keys.read("denied_share", settings.denied, 0, 1);
  keys.read("count_share", settings.count, 0, 1);
  keys.read("slack", settings.slack, 0, 1000);
  return std::make_unique<Filters>(settings);
}

}  // namespace moonbeam::pipeline
