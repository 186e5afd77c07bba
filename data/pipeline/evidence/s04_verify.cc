// S4: three independent verdicts on each claim. a: a model reads the claim against its text alone. b: code
// checks it against the sheet, a model only what code cannot (which thing stands "next to" which). c: a
// vision model is asked about the picture twice, neutrally and negated, where a and b leave something to see.
// Verdicts are filters, never training text.
//
// Every batch of a and b holds a claim that is certainly false. A model that supports it agrees with whatever
// it is shown; nothing that it said in that batch counts.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "data/pipeline/evidence/acceptance.h"
#include "data/pipeline/evidence/audit.h"
#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/evidence/questions.h"
#include "data/pipeline/evidence/sheet.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

// Of claims, in the mean: those that only a reader of the sheet can decide, those that need eyes.
constexpr double kOnlyReadOnSheet = 0.02, kUnsettled = 0.05, kUnsettledWithoutBoxes = 0.6, kCutsAClaim = 0.55;
constexpr double kTokensAClaim = 30, kTokensAVerdict = 16;

constexpr const char* kControl = "X0";  // id of the false claim

template <typename T>
void shuffle(std::vector<T>& all, data::Stream& draws) {
  for (std::size_t i = all.size(); i > 1; --i) {
    std::swap(all[i - 1], all[draws.below(static_cast<std::uint32_t>(i))]);
  }
}

Json claim_json(const Claim& claim, const Lexicon& lexicon) {
  Json out = {{"id", claim.id},
              {"type", claim.type},
              {"subject", claim.subject},
              {"predicate", claim.predicate},
              {"object", claim.object}};
  if (!claim.quote.empty()) out["quote"] = claim.quote;
  const std::string plural = lexicon.plural(claim.subject);
  if (plural != claim.subject + "s") out["plural"] = plural;
  return out;
}

/// Narratives are checked with narratives, captions with captions: what one person says is not proven by
/// another.
std::string group_of(const Source& source) {
  return source.kind == "narrative" ? source.id : source.kind;
}

class VerifyStage final : public Stage {
 public:
  explicit VerifyStage(base::KeySection& keys) {
    keys.read("batch", batch_, 2, 8);
    keys.read("max_tokens", max_tokens_, 64, 32'768);
    keys.read("margin", margin_, 0, 2);
    keys.read("most_cuts", most_cuts_, 0, 100);
    keys.read("most_seen", most_seen_, 0, 1000);
    keys.read("audit_texts", audit_texts_, 1, 100);
    keys.read("examples", examples_, 0, 8);
    keys.read("control_claims", control_claims_);
    keys.read("swapped_questions", swapped_questions_);
  }

  std::string_view name() const override { return "S4"; }

  /// Round 0 asks a and b, round 1 c, round 2 decides. Record::scratch holds what was asked, in the order of
  /// the calls.
  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    if (round == 0) {
      audit_sheet(record, context.lexicon, audit_texts_);
      check_by_code(record, context.lexicon);
      std::vector<llm::Call> calls = ask_readers(record, context);
      if (!calls.empty()) return calls;
    }
    if (round <= 1) {
      if (round == 1) hear_readers(record, results);
      std::vector<llm::Call> calls = ask_viewer(record, context);
      if (!calls.empty()) return calls;
    } else {
      hear_viewer(record, results);
    }
    record.scratch = nullptr;
    decide(record, context.lexicon);
    return {};
  }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context& context) const override {
    const double nouns = picture.narratives.nouns + picture.captions.nouns + picture.regions.nouns;
    double readers = 0;
    for (const ExpectedTexts* one :
         {&picture.narratives, &picture.captions, &picture.regions, &picture.alt}) {
      if (one->nouns == 0 || (one == &picture.alt && nouns > 0)) continue;
      const double groups = one == &picture.narratives ? one->texts : 1;  // each narrative alone
      const double claims = picture.claims * one->nouns / (one == &picture.alt ? one->nouns : nouns);
      readers += groups * batches(claims / groups, batch_ - 1);
    }
    const double words = picture.narratives.words + picture.captions.words + picture.regions.words;
    const double rows = std::min<double>(batch_, 1 + picture.claims / std::max(1.0, readers));
    std::vector<ExpectedCalls> out;
    out.push_back({.prompt = "S4a",
                   .role = Role::kVerifier,
                   .calls = readers,
                   .input = kTokensAWord * words / 2 + kTokensAClaim * rows,
                   .output = kTokensAVerdict * rows,
                   .examples = examples_});
    out.push_back({.prompt = "S4b",
                   .role = Role::kVerifier,
                   .calls = std::min(1.0, kOnlyReadOnSheet * picture.claims),
                   .input = 25 * picture.things + kTokensAClaim * 2,
                   .output = kTokensAVerdict * 2,
                   .examples = examples_});
    // What boxes settle needs no eyes; where there are none, most does.
    const double boxes = picture.exhaustive > 0 && picture.things > 0 ? 1 : 0;
    picture.unsettled = picture.claims * (boxes > 0 ? kUnsettled : kUnsettledWithoutBoxes);
    if (!context.roles.vision.model.empty()) {
      const double asked = std::min<double>(picture.unsettled, most_seen_);
      const double looks = std::min(kCutsAClaim * asked, most_cuts_ + 1.0) + asked / batch_ / 4;
      out.push_back({.prompt = "S4c",
                     .role = Role::kVision,
                     .calls = 2 * looks,
                     .input = 40 + 20 * asked / std::max(looks, 0.01),
                     .output = kTokensAVerdict * asked / std::max(looks, 0.01)});
    }
    return out;
  }

 private:
  static void check_by_code(Record& record, const Lexicon& lexicon) {
    for (Claim& one : record.claims) {
      if (!one.dropped.empty()) continue;
      if (!one.thing.empty() &&
          std::none_of(record.sheet.objects.begin(), record.sheet.objects.end(),
                       [&](const SheetObject& thing) { return thing.id == one.thing; })) {
        one.thing.clear();  // the audit took it away
        one.box.clear();
      }
      const SheetVerdict verdict = check_on_sheet(record, one, lexicon);
      one.by_sheet = verdict.is;
      one.by_code = verdict.is != kUnknown;
      if (one.thing.empty() && verdict.is == kSupported && !verdict.thing.empty()) {
        one.thing = verdict.thing;
        for (const SheetObject& thing : record.sheet.objects) {
          if (thing.id == one.thing) one.box.assign(thing.box.begin(), thing.box.end());
        }
      }
    }
  }

  /// A thing that is on no list of this picture.
  static Claim control(const Record& record, const std::string& text, const Lexicon& lexicon,
                       data::Stream& draws) {
    Claim out;
    out.id = kControl;
    out.type = "existence";
    out.predicate = "exists";
    const auto& seeds = lexicon.seeds();
    for (int attempt = 0; attempt < 100; ++attempt) {
      out.subject = seeds[draws.below(static_cast<std::uint32_t>(seeds.size()))];
      const bool near =
          lexicon.mentions(text, out.subject) ||
          std::any_of(record.sheet.objects.begin(), record.sheet.objects.end(),
                      [&](const SheetObject& one) { return lexicon.related(one.name, out.subject); });
      if (!near) break;
    }
    return out;
  }

  std::vector<llm::Call> ask_readers(Record& record, const Context& context) const {
    record.scratch = {{"asked", Json::array()}};
    std::vector<llm::Call> calls;
    std::map<std::string, std::vector<const Claim*>> by_group;
    std::map<std::string, std::vector<const Source*>> texts;
    for (const Source& one : record.sources) texts[group_of(one)].push_back(&one);
    for (const Claim& one : record.claims) {
      const Source* source = record.source(one.source);
      // What the sheet denies is dropped whatever its text says, and written text is compared by code.
      const bool settled = one.by_code && (one.by_sheet == kContradicted || one.type == "text");
      if (one.dropped.empty() && !settled && source != nullptr) by_group[group_of(*source)].push_back(&one);
    }
    for (auto& [group, claims] : by_group) {
      Json sources = Json::array();
      std::string all;
      for (const Source* one : texts[group]) {
        Json row = {{"id", one->id}, {"text", one->text}};
        if (one->raw != one->text) row["as_heard"] = one->raw;
        sources.push_back(std::move(row));
        all += one->text + "\n";
      }
      ask_batches(record, context, "a", group, claims, {{"sources", sources}}, all, calls);
    }
    std::vector<const Claim*> rest;
    for (const Claim& one : record.claims) {
      const bool on_sheet = one.type == "relation" && !one.thing.empty();
      if (one.dropped.empty() && one.by_sheet == kUnknown && !only_code_decides(one) && on_sheet)
        rest.push_back(&one);
    }
    const std::string sheet = sheet_text(record.sheet);
    if (!rest.empty()) ask_batches(record, context, "b", "", rest, {{"sheet", sheet}}, sheet, calls);
    return calls;
  }

  void ask_batches(Record& record, const Context& context, const std::string& check, const std::string& group,
                   std::vector<const Claim*>& claims, const Json& base_input, const std::string& text,
                   std::vector<llm::Call>& calls) const {
    data::Stream draws = context.draws(record, base::cat("S4", check, ' ', group));
    shuffle(claims, draws);
    const auto most = static_cast<std::size_t>(batch_ - 1);  // the control is one of them
    for (std::size_t start = 0; start < claims.size(); start += most) {
      std::vector<Json> rows = {claim_json(control(record, text, context.lexicon, draws), context.lexicon)};
      Json ids = Json::array();
      for (std::size_t i = start; i < std::min(claims.size(), start + most); ++i) {
        rows.push_back(claim_json(*claims[i], context.lexicon));
        ids.push_back(claims[i]->id);
      }
      shuffle(rows, draws);
      CallShape shape;
      shape.prompt = base::cat("S4", check);
      shape.part = base::cat(check, group.empty() ? "" : ":", group, ':', start / most);
      shape.who = &context.roles.verifier;
      shape.max_tokens = max_tokens_;
      shape.examples = examples_;
      Json input = base_input;
      input["claims"] = rows;
      calls.push_back(context.call(record, name(), input, shape));
      record.scratch["asked"].push_back({{"check", check}, {"claims", ids}});
    }
  }

  static Claim* claim_of(Record& record, const std::string& id) {
    const auto found = std::find_if(record.claims.begin(), record.claims.end(),
                                    [&](const Claim& one) { return one.id == id; });
    return found == record.claims.end() ? nullptr : &*found;
  }

  void hear_readers(Record& record, std::span<const llm::Result> results) const {
    const Json asked = record.scratch["asked"];
    for (std::size_t i = 0; i < std::min(results.size(), asked.size()); ++i) {
      const std::string check = asked[i]["check"];
      if (!answered(record, base::cat("S4", check), results[i])) continue;
      std::map<std::string, std::string> verdicts;
      for (const Json& one : results[i].value["verdicts"])
        verdicts.emplace(one.value("id", ""), one.value("verdict", ""));
      if (control_claims_ && verdicts[kControl] == kSupported) {
        record.count(base::cat("S4", check, "/agrees-with-anything"));
        continue;
      }
      for (const Json& id : asked[i]["claims"]) {
        Claim* claim = claim_of(record, id);
        const auto found = verdicts.find(id.get<std::string>());
        if (claim == nullptr || found == verdicts.end()) continue;
        (check == "a" ? claim->by_source : claim->by_sheet) = found->second;
      }
    }
    for (Claim& one : record.claims) {
      if (one.dropped.empty() && one.by_source.empty() && one.type != "text") one.by_source = kUnknown;
    }
  }

  /// Only the picture can tell.
  static bool needs_eyes(const Claim& claim) {
    if (!claim.dropped.empty() || claim.by_source != kSupported || claim.by_sheet == kContradicted)
      return false;
    if (claim.type == "text" || claim.type == "count" || !place_of(claim).empty()) return false;
    return !(claim.by_code && claim.by_sheet == kSupported);
  }

  std::vector<llm::Call> ask_viewer(Record& record, const Context& context) const {
    record.scratch = {{"asked", Json::array()}};
    std::vector<llm::Call> calls;
    if (context.roles.vision.model.empty()) return calls;
    std::map<std::string, std::vector<const Claim*>> by_cut;  // "": the whole picture
    int count = 0;
    for (const Claim& one : record.claims) {
      if (!needs_eyes(one) || count >= most_seen_) continue;
      ++count;
      by_cut[one.thing].push_back(&one);
    }
    // Cuts cost a call each: the things that most is said of have one of their own.
    std::vector<std::string> things;
    for (const auto& [thing, claims] : by_cut) {
      if (!thing.empty()) things.push_back(thing);
    }
    std::stable_sort(things.begin(), things.end(), [&](const std::string& a, const std::string& b) {
      return by_cut[a].size() > by_cut[b].size();
    });
    for (std::size_t i = static_cast<std::size_t>(most_cuts_); i < things.size(); ++i) {
      auto& whole = by_cut[""];
      whole.insert(whole.end(), by_cut[things[i]].begin(), by_cut[things[i]].end());
      by_cut.erase(things[i]);
    }
    for (auto& [thing, claims] : by_cut) look(record, context, thing, claims, calls);
    return calls;
  }

  void look(Record& record, const Context& context, const std::string& thing,
            std::vector<const Claim*>& claims, std::vector<llm::Call>& calls) const {
    data::Stream draws = context.draws(record, base::cat("S4c ", thing));
    shuffle(claims, draws);
    llm::Picture picture;
    try {
      if (thing.empty() || claims[0]->box.size() != 4) {
        picture = context.picture(record);
      } else {
        const std::vector<double>& box = claims[0]->box;
        picture = context.cut(record, {box[0], box[1], box[2], box[3]}, margin_);
      }
    } catch (const Error&) {
      record.count("S4c/no-picture");
      return;
    }
    const auto most = static_cast<std::size_t>(batch_);
    for (std::size_t start = 0; start < claims.size(); start += most) {
      std::vector<Json> neutral, swapped;
      Json rows = Json::array();
      for (std::size_t i = start; i < std::min(claims.size(), start + most); ++i) {
        const SightQuestions asked = questions_about(*claims[i], context.lexicon, draws);
        neutral.push_back({{"id", claims[i]->id}, {"q", asked.neutral}});
        swapped.push_back({{"id", claims[i]->id}, {"q", asked.swapped}});
        rows.push_back({{"id", claims[i]->id}, {"colour", asked.colour}, {"other", asked.other}});
      }
      shuffle(swapped, draws);
      // Two calls, so that no answer is written with the other one in sight.
      for (const auto& [way, questions] : {std::pair{"neutral", &neutral}, {"swapped", &swapped}}) {
        CallShape shape;
        shape.prompt = "S4c";
        shape.part = base::cat("c:", thing.empty() ? "all" : thing, ':', start / most, ':', way);
        shape.who = &context.roles.vision;
        shape.max_tokens = max_tokens_;
        shape.pictures = {picture};
        Json input = {{"questions", *questions}};
        if (!record.picture.sha256.empty()) input["sha256"] = record.picture.sha256;
        calls.push_back(context.call(record, name(), input, shape));
      }
      record.scratch["asked"].push_back({{"claims", rows}});
    }
  }

  void hear_viewer(Record& record, std::span<const llm::Result> results) const {
    const Json asked = record.scratch["asked"];
    for (std::size_t i = 0; i < asked.size() && 2 * i + 1 < results.size(); ++i) {
      std::map<std::string, std::string> said[2];
      bool whole = true;
      for (std::size_t way = 0; way < 2; ++way) {
        const llm::Result& result = results[2 * i + way];
        if (!answered(record, "S4c", result)) {
          whole = false;
          continue;
        }
        for (const Json& one : result.value["answers"])
          said[way].emplace(one.value("id", ""), one.value("answer", ""));
      }
      if (!whole) continue;
      for (const Json& row : asked[i]["claims"]) {
        const std::string id = row["id"];
        Claim* claim = claim_of(record, id);
        if (claim == nullptr) continue;
        const SightQuestions questions{"", "", row["colour"], row["other"]};
        const std::string opposite =
            questions.colour.empty() && lower(said[0][id]).starts_with("yes") ? "no" : "yes";
        claim->by_picture = seen(questions, said[0][id], swapped_questions_ ? said[1][id] : opposite);
        if (agrees_with_both(said[0][id], said[1][id])) record.count("S4c/yes-to-both");
      }
    }
  }

  int batch_ = 8, max_tokens_ = 1500, most_cuts_ = 3, most_seen_ = 24, audit_texts_ = 2, examples_ = 1;
  double margin_ = 0.2;
  bool control_claims_ = true, swapped_questions_ = true;  // false only to show what they are good for
};

}  // namespace

std::unique_ptr<Stage> make_s4(base::KeySection& keys) {
  return std::make_unique<VerifyStage>(keys);
}

}  // namespace moonbeam::pipeline
