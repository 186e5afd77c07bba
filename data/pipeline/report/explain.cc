#include "data/pipeline/report/explain.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/reduce/items.h"
#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

namespace {

using base::cat;

struct Found {
  Record record;
  WorkChunk chunk;
};

/// The line of a chunk that holds the picture. A key may stand in a text as well: the record decides.
std::optional<Record> find_in(const WorkChunk& chunk, const std::string& key) {
  const auto file = base::MappedFile::open(chunk.path);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  const std::string wanted = "\"key\":" + Json(key).dump();
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    const std::size_t before = text.rfind('\n', at),
                      begin = before == std::string_view::npos ? 0 : before + 1,
                      end = std::min(text.find('\n', at), text.size());
    Record record = record_of(text.substr(begin, end - begin), base::printable(chunk.path));
    if (record.input.key == key) return record;
  }
  return std::nullopt;
}

Found find_picture(const WorkFolder& work, const std::string& key) {
  for (const WorkChunk& chunk : work.chunks()) {
    if (std::optional<Record> record = find_in(chunk, key)) return {std::move(*record), chunk};
  }
  base::fail(ErrorCode::kNotFound, base::printable(work.path()), ": no picture '", base::printable(key), "'");
}

/// What S13 to S15 said; empty where they have not run.
struct Decided {
  std::vector<Why> why;
  std::vector<std::string> like;
};

/// The sample an item's number means.
std::string name_of_item(const WorkFolder& work, const Decisions& decisions, std::uint32_t item) {
  const auto after =
      std::upper_bound(decisions.pictures.begin(), decisions.pictures.end(), item,
                       [](std::uint32_t a, const DecidedPicture& b) { return a < b.first_item; });
  if (after == decisions.pictures.begin()) return {};
  const DecidedPicture& picture = *std::prev(after);
  const Record record = work.read(picture.place);
  const std::vector<Item> items = items_of(record);
  const std::size_t at = item - picture.first_item;
  return at < items.size() ? sample_id(record, items[at]) : record.input.key;
}

Decided decided_of(const WorkFolder& work, const Record& record) {
  Decided out;
  const std::string path = decisions_path(work.path());
  if (!std::filesystem::exists(path)) return out;
  const Decisions decisions = Decisions::load(path);
  const std::uint64_t key = hash_of(record.input.key);
  for (std::size_t i = 0; i < decisions.pictures.size(); ++i) {
    if (decisions.pictures[i].key != key) continue;
    for (std::uint32_t item = decisions.pictures[i].first_item; item < decisions.items_end(i); ++item) {
      out.why.push_back(decisions.why[item]);
      out.like.push_back(decisions.of[item] == kNone ? ""
                                                     : name_of_item(work, decisions, decisions.of[item]));
    }
    break;
  }
  return out;
}

class Explainer {
 public:
  Explainer(const WorkFolder& work, Found found) : record_(std::move(found.record)), chunk_(found.chunk) {
    decided_ = decided_of(work, record_);
  }

  Explanation run(const std::string& id) {
    picture();
    const bool whole = id == record_.input.key;
    const std::vector<Item> items = items_of(record_);
    bool any = whole;
    Json samples = Json::array();
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!whole && sample_id(record_, items[i]) != id) continue;
      any = true;
      samples.push_back(sample(items[i], i));
    }
    if (!any) {
      std::string known;
      for (const Item& item : items) known += (known.empty() ? "" : ", ") + sample_id(record_, item);
      base::fail(ErrorCode::kNotFound, "no sample '", base::printable(id), "'; its picture has ", known);
    }
    out_.json["samples"] = std::move(samples);
    if (whole) {
      for (const Claim& one : record_.claims) claims_.insert(one.id);
      for (const CallNote& one : record_.calls) requests_.insert(one.request);
    }
    claims();
    sources();
    calls();
    return std::move(out_);
  }

 private:
  template <typename... Parts>
  void line(const Parts&... parts) {
    out_.text += cat(parts...) + "\n";
  }

  void picture() {
    line("picture  ", record_.input.key, "  ", record_.input.file, "  ", record_.input.width, "x",
         record_.input.height);
    line("         sha256 ", record_.picture.sha256, record_.input.licence.empty() ? "" : "  licence ",
         record_.input.licence);
    line("         ", record_.status, record_.reason.empty() ? "" : ": ", record_.reason, "; shard ",
         chunk_.shard, ", chunk ", chunk_.number, ", attempts ", record_.attempts);
    out_.json["picture"] = {{"key", record_.input.key},
                            {"file", record_.input.file},
                            {"sha256", record_.picture.sha256},
                            {"licence", record_.input.licence},
                            {"status", record_.status},
                            {"reason", record_.reason},
                            {"shard", chunk_.shard},
                            {"chunk", chunk_.number}};
  }

  std::string fate(const Item& item, std::size_t number) const {
    if (const std::string earlier = dropped_before(record_, item); !earlier.empty())
      return "dropped: " + earlier;
    if (number >= decided_.why.size()) return "as far as S12";
    const Why why = decided_.why[number];
    if (why == Why::kKept) return "kept";
    return cat("dropped: ", name(why), decided_.like[number].empty() ? "" : ", like ", decided_.like[number]);
  }

  Json sample(const Item& item, std::size_t number) {
    const std::string id = sample_id(record_, item), what = fate(item, number);
    line("sample   ", id, "  ", what);
    Json json = {{"id", id}, {"fate", what}};
    switch (item.kind) {
      case ItemKind::kCaption: {
        const Caption& one = record_.captions[item.index];
        line("         ", one.human ? "human: " : "", one.text);
        cite(one.claims, one.request, one.source);
        json["caption"] = one.text;
        json["generator"] = one.human ? "human" : one.generator;
        break;
      }
      case ItemKind::kPair: {
        const Pair& one = record_.pairs[item.index];
        line("         asked \"", asked_of(one), "\", answered \"", answer_of(one), "\"");
        line("         written \"", one.q, "\" by ", one.generator, "; text ", one.by_text, ", picture ",
             one.by_picture, ", judge ", one.judge, ", weight ", one.weight, ", noise ", one.noise);
        cite(one.claims, one.request, "");
        json["q"] = one.q;
        json["asked"] = asked_of(one);
        json["answer"] = answer_of(one);
        json["generator"] = one.generator;
        json["checks"] = {{"text", one.by_text}, {"picture", one.by_picture}, {"judge", one.judge}};
        break;
      }
      case ItemKind::kRegion: {
        const Region& one = record_.regions[item.index];
        line("         ", one.task, " \"", one.label, "\": ", std::max(one.boxes.size(), one.points.size()),
             " found");
        for (const std::string& evidence : one.evidence) line("         evidence ", evidence);
        json["label"] = one.label;
        json["evidence"] = one.evidence;
        break;
      }
    }
    return json;
  }

  void cite(const std::vector<std::string>& claims, const std::string& request, const std::string& source) {
    claims_.insert(claims.begin(), claims.end());
    if (!request.empty()) requests_.insert(request);
    if (!source.empty()) sources_.insert(source);
  }

  void claims() {
    Json& list = out_.json["claims"] = Json::array();
    for (const std::string& id : claims_) {
      const Claim* one = record_.claim(id);
      if (one == nullptr) {  // a fact of the sheet
        line("claim    ", id);
        list.push_back({{"id", id}});
        continue;
      }
      const auto said = [](const std::string& verdict) {
        return verdict.empty() ? std::string("not asked") : verdict;
      };
      line("claim    ", id, "  ", one->type, ": ", one->subject, " ", one->predicate, " ", one->object, "  ",
           one->accepted ? "accepted" : "dropped: " + one->dropped);
      line("         quote \"", one->quote, "\" of ", one->source, one->thing.empty() ? "" : ", thing ",
           one->thing);
      line("         source ", said(one->by_source), ", sheet ", said(one->by_sheet),
           one->by_code ? " (by code)" : "", ", picture ", said(one->by_picture));
      list.push_back(json_of(*one));
      if (!one->source.empty()) sources_.insert(one->source);
      if (!one->request.empty()) requests_.insert(one->request);
    }
  }

  static Json json_of(const Claim& one) {
    return {{"id", one.id},
            {"type", one.type},
            {"subject", one.subject},
            {"predicate", one.predicate},
            {"object", one.object},
            {"quote", one.quote},
            {"source", one.source},
            {"thing", one.thing},
            {"by_source", one.by_source},
            {"by_sheet", one.by_sheet},
            {"by_picture", one.by_picture},
            {"by_code", one.by_code},
            {"accepted", one.accepted},
            {"dropped", one.dropped},
            {"evidence", one.evidence}};
  }

  void sources() {
    Json& list = out_.json["sources"] = Json::array();
    for (const std::string& id : sources_) {
      const Source* one = record_.source(id);
      if (one == nullptr) continue;
      line("source   ", id, "  ", one->kind, one->origin.empty() ? "" : "  ", one->origin);
      line("         \"", one->raw, "\"");
      if (one->text != one->raw) line("         read as \"", one->text, "\"");
      list.push_back(
          {{"id", id}, {"kind", one->kind}, {"origin", one->origin}, {"raw", one->raw}, {"text", one->text}});
    }
  }

  void calls() {
    Json& list = out_.json["calls"] = Json::array();
    for (const CallNote& one : record_.calls) {
      // What verified is not named by what it verified: all calls of those stages belong to the chain.
      const bool verifies = one.stage == "S4" || one.stage == "S5" || one.stage == "S10";
      if (!requests_.contains(one.request) && !verifies) continue;
      line("call     ", one.stage, "  ", one.id, "  ", one.request, "  ", one.outcome,
           one.model.empty() ? "" : ", ", one.model);
      list.push_back({{"stage", one.stage},
                      {"id", one.id},
                      {"request", one.request},
                      {"outcome", one.outcome},
                      {"model", one.model}});
    }
  }

  Record record_;
  WorkChunk chunk_;
  Decided decided_;
  std::set<std::string> claims_, sources_, requests_;
  Explanation out_;
};

}  // namespace

Explanation explain(const WorkFolder& work, const std::string& id) {
  const std::string key = id.substr(0, id.find('#'));
  return Explainer(work, find_picture(work, key)).run(id);
}

}  // namespace moonbeam::pipeline
