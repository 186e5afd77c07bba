// S5: one claim for what several texts say; the more specific of two; of two that exclude one another the one
// that code has checked, else neither. A model is asked only for contradictions that code does not see.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/text.h"
#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kOpen = 0.1;  // pictures with two open claims of one thing, for each that needs eyes

void add_evidence(Claim& claim, const std::string& id) {
  if (!id.empty() && std::find(claim.evidence.begin(), claim.evidence.end(), id) == claim.evidence.end()) {
    claim.evidence.push_back(id);
  }
}

bool by_code(const Claim& claim) {
  return claim.by_code && claim.by_sheet == kSupported;
}

class Merger {
 public:
  Merger(Record& record, const Lexicon& lexicon) : record_(record), lexicon_(lexicon) {}

  void merge() {
    each_pair([&](Claim& a, Claim& b) {
      if (!same_claim(a, b)) return;
      Claim& kept = better(b, a) ? b : a;
      absorb(kept, &kept == &a ? b : a, "S5/merged");
    });
    each_pair([&](Claim& a, Claim& b) {
      if (says_more(a, b))
        absorb(a, b, "S5/less-specific");
      else if (says_more(b, a))
        absorb(b, a, "S5/less-specific");
    });
    each_pair([&](Claim& a, Claim& b) {
      if (exclude(a, b)) conflict(a, b);
    });
  }

  /// Claims of one thing that no code has checked, two or more of it.
  std::vector<const Claim*> open_questions() const {
    std::map<std::string, std::vector<const Claim*>> by_noun;
    for (const Claim& one : record_.claims) {
      const bool open =
          one.accepted && !by_code(one) &&
          (one.type == "attribute" || one.type == "action" || one.type == "relation" || one.type == "scene");
      if (open) by_noun[one.type == "scene" ? "" : subject_of(one.subject, lexicon_).noun].push_back(&one);
    }
    std::vector<const Claim*> out;
    for (const auto& [noun, claims] : by_noun) {
      if (claims.size() > 1) out.insert(out.end(), claims.begin(), claims.end());
    }
    return out;
  }

  void conflict(Claim& a, Claim& b) {
    if (by_code(a) != by_code(b)) {
      drop(by_code(a) ? b : a, base::cat("S5/conflict:", (by_code(a) ? a : b).id), "S5/conflict");
      return;
    }
    drop(a, base::cat("S5/conflict:", b.id), "S5/conflict");
    drop(b, base::cat("S5/conflict:", a.id), "S5/conflict");
  }

 private:
  void each_pair(const std::function<void(Claim&, Claim&)>& use) {
    for (std::size_t i = 0; i < record_.claims.size(); ++i) {
      for (std::size_t k = i + 1; k < record_.claims.size(); ++k) {
        if (record_.claims[i].accepted && record_.claims[k].accepted)
          use(record_.claims[i], record_.claims[k]);
      }
    }
  }

  void drop(Claim& claim, const std::string& reason, const std::string& counted) {
    claim.accepted = false;
    claim.dropped = reason;
    record_.count(counted);
  }

  void absorb(Claim& kept, Claim& gone, const std::string& reason) {
    for (const std::string& id : gone.evidence) add_evidence(kept, id);
    add_evidence(kept, gone.id);
    if (kept.thing.empty() && reason == "S5/merged") kept.thing = gone.thing, kept.box = gone.box;
    drop(gone, base::cat(reason, ':', kept.id), reason);
  }

  bool same_subject(const Claim& a, const Claim& b) const {
    const Subject x = subject_of(a.subject, lexicon_), y = subject_of(b.subject, lexicon_);
    return x.colour == y.colour && lexicon_.same(x.noun, y.noun);
  }

  bool same_claim(const Claim& a, const Claim& b) const {
    if (a.type != b.type) return false;
    if (content_of(a, lexicon_) == content_of(b, lexicon_)) return true;
    if (!same_subject(a, b)) return false;
    if (a.type == "existence") return true;
    const std::string x = place_of(a), y = place_of(b);
    if (!x.empty() || !y.empty()) return x == y;
    if (a.type == "count" || lower(a.predicate) == lower(b.predicate)) {
      return a.object == b.object || (lexicon_.is_noun(a.object) && lexicon_.same(a.object, b.object));
    }
    return false;
  }

  /// Checked by code, then of more sources, then the earlier one.
  static bool better(const Claim& a, const Claim& b) {
    return std::pair{by_code(a), a.evidence.size()} > std::pair{by_code(b), b.evidence.size()};
  }

  /// "puppy" beside "animal", where the sheet has as many of the one as of the other; "top left" beside
  /// "left".
  bool says_more(const Claim& a, const Claim& b) const {
    if (a.type != b.type) return false;
    const Subject x = subject_of(a.subject, lexicon_), y = subject_of(b.subject, lexicon_);
    if (a.type == "existence") {
      const bool narrower = lexicon_.is_a(x.noun, y.noun) && !lexicon_.same(x.noun, y.noun);
      if (!narrower || (!y.colour.empty() && x.colour != y.colour)) return false;
      return things_of(record_.sheet, {y.noun}, lexicon_).of_noun.size() == 1;
    }
    if (!same_subject(a, b)) return false;
    const std::string p = place_of(a), q = place_of(b);
    return !p.empty() && !q.empty() && p.size() > q.size() && p.find(q) != std::string::npos;
  }

  bool one_thing(const Claim& a, const Claim& b, const std::string& noun) const {
    if (!a.thing.empty() && !b.thing.empty()) return a.thing == b.thing;
    return things_of(record_.sheet, {noun}, lexicon_).of_noun.size() <= 1;
  }

  static bool share_source(const Claim& a, const Claim& b) {
    return std::any_of(a.evidence.begin(), a.evidence.end(), [&](const std::string& id) {
      return std::find(b.evidence.begin(), b.evidence.end(), id) != b.evidence.end();
    });
  }

  bool exclude(const Claim& a, const Claim& b) const {
    const Subject x = subject_of(a.subject, lexicon_), y = subject_of(b.subject, lexicon_);
    if (a.type != b.type || !lexicon_.same(x.noun, y.noun) || !one_thing(a, b, x.noun)) return false;
    // One person who names two colours means both.
    if (a.type == "existence")
      return !x.colour.empty() && !y.colour.empty() && x.colour != y.colour && !share_source(a, b);
    if (x.colour != y.colour) return false;
    if (a.type == "count") return a.object != b.object;
    const std::string p = place_of(a), q = place_of(b);
    if (!p.empty() && !q.empty()) {
      const auto opposite = [&](const char* one, const char* other) {
        return (p.find(one) != std::string::npos && q.find(other) != std::string::npos) ||
               (q.find(one) != std::string::npos && p.find(other) != std::string::npos);
      };
      return opposite("left", "right") || opposite("top", "bottom") || opposite("left", "middle") ||
             opposite("right", "middle");
    }
    const auto c = colour_of(a.object), d = colour_of(b.object);
    return a.type == "attribute" && c && d && *c != *d && !share_source(a, b);
  }

  Record& record_;
  const Lexicon& lexicon_;
};

class MergeStage final : public Stage {
 public:
  explicit MergeStage(base::KeySection& keys) {
    keys.read("most_asked", most_asked_, 0, 100);
    keys.read("max_tokens", max_tokens_, 64, 32'768);
    keys.read("examples", examples_, 0, 8);
  }

  std::string_view name() const override { return "S5"; }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    Merger merger(record, context.lexicon);
    if (round == 0) {
      merger.merge();
      const std::vector<const Claim*> open = merger.open_questions();
      if (open.size() > 1 && most_asked_ > 1) return {ask(record, open, context)};
    } else if (!results.empty() && answered(record, name(), results[0])) {
      hear(record, results[0], merger, context.lexicon);
    }
    for (Claim& one : record.claims) {
      if (one.accepted) add_evidence(one, one.thing);
    }
    return {};
  }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    // Two kinds of texts say the same of each thing.
    const double kinds = (picture.narratives.texts > 0 ? 1 : 0) + (picture.captions.texts > 0 ? 1 : 0) +
                         (picture.regions.texts > 0 ? 1 : 0);
    picture.accepted = picture.claims / std::max(1.0, kinds);
    const double open = most_asked_ > 1 ? std::min(1.0, kOpen * picture.unsettled) : 0;
    return {{.prompt = "S5",
             .role = Role::kVerifier,
             .calls = open,
             .input = 25 * std::max(2.0, picture.unsettled),
             .output = 10,
             .examples = examples_}};
  }

 private:
  llm::Call ask(const Record& record, const std::vector<const Claim*>& open, const Context& context) const {
    Json claims = Json::array();
    for (std::size_t i = 0; i < std::min(open.size(), static_cast<std::size_t>(most_asked_)); ++i) {
      const Claim& one = *open[i];
      claims.push_back({{"id", one.id},
                        {"type", one.type},
                        {"subject", one.subject},
                        {"predicate", one.predicate},
                        {"object", one.object}});
    }
    CallShape shape;
    shape.prompt = "S5";
    shape.who = &context.roles.verifier;
    shape.max_tokens = max_tokens_;
    shape.examples = examples_;
    return context.call(record, name(), {{"claims", claims}}, shape);
  }

  static void hear(Record& record, const llm::Result& result, Merger& merger, const Lexicon& lexicon) {
    std::set<std::string> asked;
    for (const Claim* one : merger.open_questions()) asked.insert(one->id);
    const auto find = [&](const std::string& id) -> Claim* {
      const auto found = std::find_if(record.claims.begin(), record.claims.end(),
                                      [&](const Claim& one) { return one.id == id; });
      return found == record.claims.end() || !asked.contains(id) || !found->accepted ? nullptr : &*found;
    };
    for (const Json& one : result.value["conflicts"]) {
      Claim *a = find(one.value("a", "")), *b = find(one.value("b", ""));
      if (a == nullptr || b == nullptr || a == b) continue;
      // Only of one thing: that "the star" is red and "the cup" blue is no contradiction.
      const bool both =
          a->type == "scene" || b->type == "scene" ||
          lexicon.same(subject_of(a->subject, lexicon).noun, subject_of(b->subject, lexicon).noun);
      if (both) merger.conflict(*a, *b);
    }
  }

  int most_asked_ = 24, max_tokens_ = 800, examples_ = 1;
};

}  // namespace

std::unique_ptr<Stage> make_s5(base::KeySection& keys) {
  return std::make_unique<MergeStage>(keys);
}

}  // namespace moonbeam::pipeline
