#include "data/pipeline/evidence/acceptance.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/subject.h"

namespace moonbeam::pipeline {

namespace {

using Agreement = std::map<std::string, std::set<std::string>>;  // content: sources

Agreement agreement_of(const Record& record, const Lexicon& lexicon) {
  Agreement out;
  for (const Claim& one : record.claims) {
    if (!one.dropped.empty() || one.by_source != kSupported) continue;
    std::set<std::string>& sources = out[content_of(one, lexicon)];
    for (const std::string& id : one.evidence) {
      const Source* source = record.source(id);
      if (source != nullptr && !source->low_trust) sources.insert(id);
    }
  }
  return out;
}

class Judge {
 public:
  Judge(Record& record, const Lexicon& lexicon)
      : record_(record), lexicon_(lexicon), agreement_(agreement_of(record, lexicon)) {}

  /// "" where the claim holds.
  std::string existence(const Claim& claim) const {
    if (claim.by_sheet == kContradicted) return "not-on-sheet";
    if (claim.by_source != kSupported) return "not-in-source";
    if (claim.by_picture == kContradicted) return "not-seen";
    if (claim.by_sheet == kSupported || claim.by_picture == kSupported) return "";
    // "red star": the star is on the sheet, its colour is what two people say.
    const Subject subject = subject_of(claim.subject, lexicon_);
    const bool colour_alone =
        !subject.colour.empty() && check_existence(record_.sheet, {subject.noun}, lexicon_).is == kSupported;
    return colour_alone && agree(claim) ? "" : "nobody-saw-it";
  }

  std::string other(const Claim& claim) const {
    if (claim.type == "text") return claim.by_sheet == kSupported ? "" : "text-not-read";
    if (claim.by_sheet == kContradicted) return claim.type == "count" ? "wrong-count" : "not-on-sheet";
    if (claim.by_source != kSupported) return "not-in-source";
    if (claim.type == "count") return claim.by_sheet == kSupported ? "" : "count-not-sure";
    if (claim.by_picture == kContradicted) return "not-seen";
    if (claim.type != "scene" && !is_there(claim.subject)) return "no-such-thing";
    if (claim.type == "relation" && place_of(claim).empty() &&
        lexicon_.is_concrete(lexicon_.head(claim.object)) && !is_there(claim.object)) {
      return "no-such-thing";
    }
    if (claim.by_sheet == kSupported || claim.by_picture == kSupported || agree(claim)) return "";
    return "one-source";
  }

  /// By the sheet, or by a claim that was accepted before.
  bool is_there(const std::string& phrase) const {
    const Subject subject = subject_of(phrase, lexicon_);
    const SheetVerdict on_sheet = check_existence(record_.sheet, subject, lexicon_);
    if (on_sheet.is != kUnknown) return on_sheet.is == kSupported;
    return std::any_of(record_.claims.begin(), record_.claims.end(), [&](const Claim& one) {
      return one.accepted && one.type == "existence" &&
             lexicon_.same(subject_of(one.subject, lexicon_).noun, subject.noun);
    });
  }

  bool agree(const Claim& claim) const {
    const auto found = agreement_.find(content_of(claim, lexicon_));
    return found != agreement_.end() && found->second.size() >= 2;
  }

 private:
  const Record& record_;
  const Lexicon& lexicon_;
  Agreement agreement_;
};

}  // namespace

int agreeing_sources(const Record& record, const Claim& claim, const Lexicon& lexicon) {
  const Agreement all = agreement_of(record, lexicon);
  const auto found = all.find(content_of(claim, lexicon));
  return found == all.end() ? 0 : static_cast<int>(found->second.size());
}

void decide(Record& record, const Lexicon& lexicon) {
  const Judge judge(record, lexicon);
  const auto settle = [&](Claim& claim, const std::string& reason) {
    claim.accepted = reason.empty();
    if (claim.accepted) return;
    claim.dropped = base::cat("S4/", reason);
    record.count(claim.dropped);
  };
  // Things first: what is said of them needs them.
  for (Claim& one : record.claims) {
    if (one.dropped.empty() && one.type == "existence") settle(one, judge.existence(one));
  }
  for (Claim& one : record.claims) {
    if (one.dropped.empty() && one.type != "existence") settle(one, judge.other(one));
  }
}

}  // namespace moonbeam::pipeline
