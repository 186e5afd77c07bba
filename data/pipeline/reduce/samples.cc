#include "data/pipeline/reduce/samples.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace moonbeam::pipeline {

namespace {

using data::CanonicalSample;
using data::CanonicalTurn;

/// An id of a source or a sheet's object as others know it.
std::string outside_name(const Record& record, const std::string& id) {
  if (const Source* source = record.source(id)) return source->origin.empty() ? id : source->origin;
  for (const SheetObject& one : record.sheet.objects) {
    if (one.id == id) return base::cat("ann:", one.instance);
  }
  return id;
}

/// "place:O1", "count:dog": what the sheet says stands without a claim.
bool is_sheet_fact(const std::string& id) {
  return id.find(':') != std::string::npos;
}

data::CanonicalChecks checks_of(const Record& record, const std::vector<std::string>& claims, int judge) {
  data::CanonicalChecks out;
  out.judge = judge;
  for (const std::string& id : claims) {
    const Claim* claim = record.claim(id);
    if (claim == nullptr && !is_sheet_fact(id)) continue;
    ++out.claims;
    out.supported += claim == nullptr || claim->accepted;
  }
  return out;
}

/// The call that made it, as its note stands in the record.
const CallNote* note_of(const Record& record, const std::string& request) {
  if (request.empty()) return nullptr;
  const auto found = std::find_if(record.calls.begin(), record.calls.end(),
                                  [&](const CallNote& note) { return note.request == request; });
  return found == record.calls.end() ? nullptr : &*found;
}

void add_provenance(const Record& record, const RunIdentity& run, const std::string& generator,
                    const std::string& request, CanonicalSample& out) {
  std::set<std::string> sources;
  for (const std::string& one : out.evidence) {
    if (const std::size_t mark = one.find('#'); mark != std::string::npos)
      sources.insert(one.substr(0, mark));
  }
  nlohmann::ordered_json prov = {{"sources", sources}, {"license", nlohmann::ordered_json::array()}};
  if (!record.input.licence.empty()) prov["license"].push_back(record.input.licence);
  if (!generator.empty()) prov["gen"] = generator;
  if (const CallNote* note = note_of(record, request)) {
    prov["prompt"] = base::cat(note->stage, "@", run.prompts.substr(0, 12));
  }
  if (!request.empty()) prov["req"] = request;
  prov["pipeline"] = run.pipeline;
  out.provenance = std::move(prov);
}

void fill_caption(const Record& record, const Caption& caption, const RunIdentity& run,
                  CanonicalSample& out) {
  out.type = caption.human ? "human" : "generated";
  out.turns = {{"", caption.text, caption.length == "normal" ? "sentence" : caption.length}};
  out.evidence = evidence_of(record, caption.claims);
  if (!caption.source.empty()) out.evidence.push_back(outside_name(record, caption.source));
  if (!caption.human) out.checks = checks_of(record, caption.claims, 0);
  add_provenance(record, run, caption.human ? "human" : caption.generator, caption.request, out);
}

void fill_pair(const Record& record, const Pair& pair, const RunIdentity& run, CanonicalSample& out) {
  out.type = pair.type;
  out.polarity = pair.polarity;
  out.needs_detail = pair.needs_detail;
  const bool brief = !pair.instruction.empty() || pair.a_sentence.empty();
  out.turns = {{asked_of(pair), answer_of(pair), brief ? "short" : "sentence"}};
  out.evidence = evidence_of(record, pair.claims);
  out.checks = checks_of(record, pair.claims, pair.judge);
  if (pair.noise != "clean") out.noise = pair.noise;
  add_provenance(record, run, pair.generator, pair.request, out);
}

void fill_region(const Record& record, const Region& region, const RunIdentity& run, CanonicalSample& out) {
  const std::size_t count = out.task == "point" ? region.points.size() : region.boxes.size();
  out.type = count == 0 ? "absent" : "where";
  out.polarity = count == 0 ? "neg" : "pos";
  out.turns = {{region.asked.empty() ? region.label : region.asked, {}, {}}};
  for (std::size_t i = 0; i < count; ++i) {
    data::CanonicalRegion target;
    target.label = region.label;
    if (i < region.boxes.size()) target.box = region.boxes[i];
    if (out.task == "point") target.point = region.points[i];
    out.regions.push_back(std::move(target));
  }
  for (const std::string& one : region.evidence) out.evidence.push_back(outside_name(record, one));
  add_provenance(record, run, "", "", out);
}

}  // namespace

std::vector<std::string> evidence_of(const Record& record, const std::vector<std::string>& claims) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& one) {
    if (!one.empty() && std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  };
  for (const std::string& id : claims) {
    add(id);
    const Claim* claim = record.claim(id);
    if (claim == nullptr) {
      for (std::size_t mark = id.find(':'); mark != std::string::npos; mark = id.find(':', mark + 1)) {
        const std::string part = id.substr(mark + 1, id.find(':', mark + 1) - mark - 1);
        if (const std::string outside = outside_name(record, part); outside != part) add(outside);
      }
      continue;
    }
    if (!claim->thing.empty()) add(outside_name(record, claim->thing));
    if (!claim->source.empty()) add(outside_name(record, claim->source));
    for (const std::string& one : claim->evidence) add(outside_name(record, one));
  }
  return out;
}

data::CanonicalSample sample_of(const Record& record, const Item& item, const RunIdentity& run) {
  CanonicalSample out;
  out.id = sample_id(record, item);
  out.task = task_of(record, item);
  out.picture = record.input.key;
  out.sha256 = record.picture.sha256;
  out.file = record.input.file;
  out.width = record.input.width;
  out.height = record.input.height;
  switch (item.kind) {
    case ItemKind::kCaption:
      fill_caption(record, record.captions[item.index], run, out);
      break;
    case ItemKind::kPair:
      fill_pair(record, record.pairs[item.index], run, out);
      break;
    case ItemKind::kRegion:
      fill_region(record, record.regions[item.index], run, out);
      break;
  }
  return out;
}

}  // namespace moonbeam::pipeline
