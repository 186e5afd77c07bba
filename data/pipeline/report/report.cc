#include "data/pipeline/report/report.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

namespace {

bool any_alert(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& one) { return one.alert; });
}

/// Nothing where S13 to S15 have not run; those of other chunks are refused.
std::optional<Decisions> decisions_of(const WorkFolder& work) {
  const std::string path = decisions_path(work.path());
  if (!std::filesystem::exists(path)) return std::nullopt;
  Decisions out = Decisions::load(path);
  if (out.pipeline != work.pipeline()) {
    base::fail(ErrorCode::kCorrupt, base::printable(path), ": of another pipeline: reduce again");
  }
  return out;
}

class Maker {
 public:
  Maker(const WorkFolder& work, const ReportOptions& options, const std::vector<std::string>& seeds,
        const Embedder& embed)
      : work_(work),
        options_(options),
        seeds_(seeds),
        embed_(embed),
        run_(options.monitors, seeds, &options.auditor) {}

  Report make() {
    const std::optional<Decisions> decisions = decisions_of(work_);
    out_.pipeline = work_.pipeline();
    out_.embedder = options_.embedder;
    out_.auditor = options_.auditor_name;
    out_.reduced = decisions.has_value();
    if (decisions) out_.decisions = decisions->counts();
    work_.each_chunk(options_.threads,
                     [&](std::size_t chunk, std::vector<Record>& records, std::span<const RecordPlace>) {
                       enter(work_.chunks()[chunk].shard);
                       for (Record& record : records) add(std::move(record), decisions);
                     });
    leave();
    if (decisions && picture_ != decisions->pictures.size()) mismatch();
    const Measured* reference = options_.reference ? &*options_.reference : nullptr;
    out_.run = run_.measure(embed_);
    out_.findings = judge(out_.run, reference, options_.monitors);
    out_.costs = read_costs(work_.path());
    for (const auto& [draw, picture] : shown_) out_.shown.push_back(picture);
    return std::move(out_);
  }

 private:
  [[noreturn]] void mismatch() const {
    base::fail(ErrorCode::kCorrupt, base::printable(decisions_path(work_.path())),
               ": made from other chunks: reduce again");
  }

  void enter(int shard) {
    if (measurer_ && shard == shard_) return;
    leave();
    shard_ = shard;
    pictures_ = 0;
    measurer_ = std::make_unique<Measurer>(options_.monitors, seeds_, &options_.auditor);
  }

  void leave() {
    if (!measurer_) return;
    const Measured* reference = options_.shard_reference ? &*options_.shard_reference : nullptr;
    Measured measured = measurer_->measure(embed_);
    out_.shards.push_back({shard_, pictures_, judge(measured, reference, options_.monitors)});
    if (pictures_ > largest_) out_.shard = std::move(measured);
    largest_ = std::max(largest_, pictures_);
    measurer_.reset();
  }

  std::vector<Why> why_of(const Record& record, const std::optional<Decisions>& decisions) const {
    const std::vector<Item> items = items_of(record);
    std::vector<Why> out;
    if (decisions) {
      if (picture_ >= decisions->pictures.size()) mismatch();
      const std::uint32_t first = decisions->pictures[picture_].first_item,
                          end = decisions->items_end(picture_);
      if (end - first != items.size()) mismatch();
      out.assign(decisions->why.begin() + first, decisions->why.begin() + end);
      return out;
    }
    for (const Item& item : items) {
      out.push_back(dropped_before(record, item).empty() ? Why::kKept : Why::kEarlier);
    }
    return out;
  }

  void add(Record record, const std::optional<Decisions>& decisions) {
    const std::vector<Why> why = why_of(record, decisions);
    ++picture_;
    ++pictures_;
    ++out_.pictures[record.status];
    if (record.status != "ok") ++out_.reasons[record.reason.empty() ? record.status : record.reason];
    for (const auto& [what, count] : record.counts) out_.filters[what] += count;
    std::vector<bool> kept;
    const std::vector<Item> items = items_of(record);
    for (std::size_t i = 0; i < items.size(); ++i) {
      kept.push_back(why[i] == Why::kKept);
      if (!kept.back()) continue;
      std::string name(task_of(record, items[i]));
      if (items[i].kind == ItemKind::kPair) name += " " + record.pairs[items[i].index].type;
      if (items[i].kind == ItemKind::kCaption) {
        const Caption& caption = record.captions[items[i].index];
        name += caption.human ? " human" : " " + caption.length;
      }
      ++out_.samples[name];
    }
    run_.add(record, kept);
    measurer_->add(record, kept);
    if (std::find(kept.begin(), kept.end(), true) != kept.end()) show(std::move(record), why);
  }

  /// Those with the least hashes: a drawn sample that does not depend on the order.
  void show(Record record, const std::vector<Why>& why) {
    const std::pair draw(hash_of(record.input.key), record.input.key);
    if (shown_.size() >= options_.samples && (shown_.empty() || std::prev(shown_.end())->first <= draw))
      return;
    shown_[draw] = {std::move(record), why};
    if (shown_.size() > options_.samples) shown_.erase(std::prev(shown_.end()));
  }

  const WorkFolder& work_;
  const ReportOptions& options_;
  const std::vector<std::string>& seeds_;
  const Embedder& embed_;
  Report out_;
  Measurer run_;
  std::unique_ptr<Measurer> measurer_;  // of the shard
  int shard_ = -1;
  std::int64_t pictures_ = 0, largest_ = 0;  // of the shard, and of any so far
  std::size_t picture_ = 0;
  std::map<std::pair<std::uint64_t, std::string>, ShownPicture> shown_;
};

Json to_json(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& one : findings) {
    out.push_back({{"monitor", one.monitor},
                   {"what", one.what},
                   {"value", one.value},
                   {"reference", one.reference ? Json(*one.reference) : Json(nullptr)},
                   {"limit", one.limit},
                   {"alert", one.alert}});
  }
  return out;
}

Json to_json(const llm::Spent& spent) {
  return {{"calls", spent.calls},
          {"prompt", spent.usage.prompt},
          {"completion", spent.usage.completion},
          {"cached", spent.usage.cached},
          {"money", spent.money},
          {"gpu_hours", spent.gpu_seconds / 3600}};
}

Json to_json(const std::map<std::string, llm::Spent>& all) {
  Json out = Json::object();
  for (const auto& [name, spent] : all) out[name] = to_json(spent);
  return out;
}

}  // namespace

bool ShardFindings::alert() const {
  return any_alert(findings);
}

bool Report::alert() const {
  return any_alert(findings) ||
         std::any_of(shards.begin(), shards.end(), [](const ShardFindings& one) { return one.alert(); });
}

void ReportOptions::read_reference(const std::string& path) {
  constexpr std::size_t kMostJson = std::size_t{256} << 20;
  const Json json = Json::parse(base::read_file(path, kMostJson), nullptr, /*allow_exceptions=*/false);
  reference = measured_of(json, "run", base::printable(path));
  shard_reference = measured_of(json, "shard", base::printable(path));
}

Report make_report(const WorkFolder& work, const ReportOptions& options,
                   const std::vector<std::string>& seeds, const Embedder& embed) {
  return Maker(work, options, seeds, embed).make();
}

Json report_json(const Report& report) {
  Json shards = Json::array();
  for (const ShardFindings& one : report.shards) {
    shards.push_back({{"shard", one.shard},
                      {"pictures", one.pictures},
                      {"alert", one.alert()},
                      {"findings", to_json(one.findings)}});
  }
  return {{"pipeline", report.pipeline},
          {"embedder", report.embedder},
          {"auditor", report.auditor},
          {"alert", report.alert()},
          {"reduced", report.reduced},
          {"pictures", report.pictures},
          {"reasons", report.reasons},
          {"filters", report.filters},
          {"decisions", report.decisions},
          {"samples", report.samples},
          {"run", to_json(report.run)},
          {"shard", to_json(report.shard)},
          {"findings", to_json(report.findings)},
          {"shards", shards},
          {"cost",
           {{"total", to_json(report.costs.total)},
            {"by_stage", to_json(report.costs.by_stage)},
            {"by_model", to_json(report.costs.by_model)},
            {"by_status", report.costs.by_status}}}};
}

}  // namespace moonbeam::pipeline
