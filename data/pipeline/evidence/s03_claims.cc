// S3: takes people's texts apart into claims of one predicate each, one call for each kind of text. Each
// claim quotes the words it rests on; one whose quote does not stand in its text, or does not say it, is
// dropped by code.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "data/pipeline/evidence/claim_check.h"
#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/subject.h"
#include "data/pipeline/evidence/traces.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kClaimsANoun = 2, kSaidAgain = 0.5, kTokensAClaim = 25;

struct Group {
  std::string part;
  std::vector<const Source*> sources = {};
};

/// Texts of a kind are asked about together. Alt texts are often of something else: they are read only where
/// there is nothing better.
std::vector<Group> groups_of(const Record& record) {
  std::vector<Group> out;
  for (const auto& [kind, part] : {std::pair{"narrative", "narratives"},
                                   {"caption", "captions"},
                                   {"region", "regions"},
                                   {"alt", "alt"}}) {
    if (std::string_view(kind) == "alt" && !out.empty()) continue;
    Group group{part};
    for (const Source& one : record.sources) {
      if (one.kind == kind) group.sources.push_back(&one);
    }
    if (!group.sources.empty()) out.push_back(std::move(group));
  }
  return out;
}

/// Names for the things that the texts may speak of: the sheet's, and the nouns of the texts.
Json names_for(const Record& record, const Group& group, const Lexicon& lexicon) {
  std::set<std::string> names(record.sheet.uncertain.begin(), record.sheet.uncertain.end());
  for (const SheetObject& one : record.sheet.objects) names.insert(one.name);
  for (const Source* source : group.sources) {
    for (const NounAt& at : lexicon.nouns_in(source->text)) {
      if (lexicon.is_concrete(at.noun) && !is_picture_word(at.noun)) names.insert(at.noun);
    }
  }
  Json out = Json::array();
  for (const std::string& name : names) {
    const std::string plural = lexicon.plural(name);
    if (plural == name + "s") {
      out.push_back(name);
    } else {
      out.push_back({{"name", name}, {"plural", plural}});
    }
  }
  return out;
}

const data::Narrative* narrative_of(const Record& record, const Source& source) {
  std::size_t number = 0;
  for (const data::Narrative& one : record.input.narratives) {
    if (one.caption.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    if (base::cat('N', ++number) == source.id) return &one;
  }
  return nullptr;
}

class ClaimStage final : public Stage {
 public:
  explicit ClaimStage(base::KeySection& keys) {
    keys.read("temperature", temperature_, 0, 2);
    keys.read("max_tokens", max_tokens_, 64, 32'768);
    keys.read("examples", examples_, 0, 8);
    keys.read("most_claims", most_claims_, 1, 1000);
    keys.read("check_quotes", check_quotes_);
    keys.read("trace_share", trace_share_, 0, 1);
    keys.read("trace_pad", traces_.pad, 0, 10);
    keys.read("trace_quality", traces_.least_quality, 0, 10);
    keys.read("trace_hull", traces_.most_hull, 0, 1);
  }

  std::string_view name() const override { return "S3"; }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    const std::vector<Group> groups = groups_of(record);
    if (round > 0) {
      for (std::size_t i = 0; i < std::min(groups.size(), results.size()); ++i) {
        if (answered(record, name(), results[i])) take(record, groups[i], results[i], context.lexicon);
      }
      read_written(record);
      locate(record, context.lexicon);
      return {};
    }
    record.claims.clear();
    data::Stream draws = context.draws(record, "S3");
    std::vector<llm::Call> calls;
    for (const Group& group : groups) {
      Json sources = Json::array();
      for (const Source* one : group.sources) sources.push_back({{"id", one->id}, {"text", one->text}});
      CallShape shape;
      shape.prompt = "S3";
      shape.part = group.part;
      shape.who = &context.writer(draws);
      shape.temperature = temperature_;
      shape.max_tokens = max_tokens_;
      shape.examples = examples_;
      const Json input = {{"sources", sources}, {"classes", names_for(record, group, context.lexicon)}};
      calls.push_back(context.call(record, name(), input, shape));
    }
    if (calls.empty()) {
      read_written(record);
      locate(record, context.lexicon);
    }
    return calls;
  }

  /// Texts of a kind together tell of each thing that it is there, and about as much again of what it is
  /// like, how many there are and where.
  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    const bool other = picture.narratives.texts + picture.captions.texts + picture.regions.texts > 0;
    ExpectedCalls out{.prompt = "S3", .role = Role::kWriter, .input = 0, .output = 0, .examples = examples_};
    picture.claims = 0;
    for (const ExpectedTexts* one :
         {&picture.narratives, &picture.captions, &picture.regions, &picture.alt}) {
      if (one->texts == 0 || (one == &picture.alt && other)) continue;
      const double claims = kClaimsANoun * one->nouns;
      picture.claims += claims;
      // Each text is quoted for what it says, though it says the same.
      const double quoted = claims * (1 + kSaidAgain * (one->texts - 1));
      out.input += kTokensAWord * one->words + 12 * one->texts + 4 * one->nouns;
      out.output += kTokensAClaim * quoted;
      ++out.calls;
    }
    picture.claims = std::min(picture.claims, static_cast<double>(most_claims_));
    if (out.calls == 0) return {};
    out.input /= out.calls;
    out.output /= out.calls;
    return {out};
  }

 private:
  static void add(Record& record, Claim claim) {
    claim.id = base::cat('C', record.claims.size() + 1);
    record.claims.push_back(std::move(claim));
  }

  void take(Record& record, const Group& group, const llm::Result& result, const Lexicon& lexicon) const {
    std::map<std::string, std::size_t> seen;  // by content: the claim that has it
    for (const Json& one : result.value["claims"]) {
      if (static_cast<int>(record.claims.size()) >= most_claims_) {
        record.count("S3/too-many");
        return;
      }
      Claim claim;
      claim.type = one.value("type", "");
      claim.subject = one.value("subject", "");
      claim.predicate = one.value("predicate", "");
      claim.object = one.value("object", "");
      claim.quote = one.value("quote", "");
      claim.source = one.value("source", "");
      claim.request = result.request.hex();
      const auto source = std::find_if(group.sources.begin(), group.sources.end(),
                                       [&](const Source* text) { return text->id == claim.source; });
      if (source == group.sources.end()) {
        record.count("S3/no-source");
        continue;
      }
      tidy(claim, record.sheet, lexicon);
      const std::string fault = check_quotes_ ? claim_fault(claim, **source, lexicon) : "";
      if (!fault.empty()) {
        record.count(base::cat("S3/", fault));
        claim.dropped = base::cat("S3/", fault);
        add(record, std::move(claim));
        continue;
      }
      scope(claim, record.sheet, **source, lexicon);
      claim.evidence = {claim.source};
      const auto [at, is_new] = seen.emplace(content_of(claim, lexicon), record.claims.size());
      if (is_new) {
        add(record, std::move(claim));
        continue;
      }
      std::vector<std::string>& evidence = record.claims[at->second].evidence;
      if (std::find(evidence.begin(), evidence.end(), claim.source) == evidence.end()) {
        evidence.push_back(claim.source);
      }
    }
  }

  /// Written text is its own claim; no model reads it.
  static void read_written(Record& record) {
    for (const Source& one : record.sources) {
      if (one.kind != "ocr") continue;
      Claim claim;
      claim.type = "text";
      claim.subject = "text";
      claim.predicate = "reads";
      claim.object = claim.quote = one.text;
      claim.source = one.id;
      claim.evidence = {one.id};
      for (const InputText& text : record.input.texts) {
        const bool has_box =
            text.box[2] > 0 && text.box[3] > 0 && record.input.width > 0 && record.input.height > 0;
        if (text.kind != "ocr" || text.source != one.origin || !has_box) continue;
        const double wide = record.input.width, high = record.input.height;
        claim.box = {text.box[0] / wide, text.box[1] / high, (text.box[0] + text.box[2]) / wide,
                     (text.box[1] + text.box[3]) / high};
        break;
      }
      add(record, std::move(claim));
    }
  }

  /// Which thing a claim is about: the only one of its name; of several the one that the mouse was on.
  void locate(Record& record, const Lexicon& lexicon) const {
    std::map<std::string, SpokenText> spoken;
    for (const Source& one : record.sources) {
      const data::Narrative* narrative = one.kind == "narrative" ? narrative_of(record, one) : nullptr;
      if (narrative != nullptr) spoken.emplace(one.id, SpokenText(one.text, *narrative, traces_));
    }
    for (Claim& claim : record.claims) {
      if (!claim.dropped.empty() || claim.type == "text" || claim.type == "scene") continue;
      const Things found = things_of(record.sheet, subject_of(claim.subject, lexicon), lexicon);
      if (found.all.size() == 1 && found.unclear == 0) {
        point_at(claim, *found.all[0]);
        continue;
      }
      const auto text = spoken.find(claim.source);
      if (text == spoken.end()) continue;
      const std::size_t begin = record.source(claim.source)->text.find(claim.quote);
      if (begin == std::string::npos) continue;
      const auto trace = text->second.at(begin, begin + claim.quote.size());
      if (!trace) continue;
      claim.box.assign(trace->box.begin(), trace->box.end());
      std::vector<const SheetObject*> under;
      for (const SheetObject* one : found.of_noun) {
        if (share_inside(trace->points, one->box) >= trace_share_) under.push_back(one);
      }
      if (under.size() == 1 && claim.type != "count") point_at(claim, *under[0]);
    }
  }

  static void point_at(Claim& claim, const SheetObject& thing) {
    claim.thing = thing.id;
    claim.box.assign(thing.box.begin(), thing.box.end());
  }

  double temperature_ = 0.2;
  int max_tokens_ = 3000, examples_ = 2, most_claims_ = 80;
  double trace_share_ = 0.6;
  bool check_quotes_ = true;  // false only to show what it is good for
  TraceSettings traces_;
};

}  // namespace

std::unique_ptr<Stage> make_s3(base::KeySection& keys) {
  return std::make_unique<ClaimStage>(keys);
}

}  // namespace moonbeam::pipeline
