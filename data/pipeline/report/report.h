// moonbeam data report: what became of a run's pictures, what the monitors say of it and of each shard, what
// it cost. Made from the work folder alone, at any time after the shards are done; with what S13 to S15
// decided, where they have run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/reduce/decisions.h"
#include "data/pipeline/report/costs.h"
#include "data/pipeline/report/measured.h"

namespace moonbeam::pipeline {

struct ReportOptions {
  std::string title = "Pipeline report";
  MonitorOptions monitors = {};
  std::string pictures = {};  ///< folder of the pictures; empty: samples without them
  std::size_t samples = 12;   ///< pictures that are shown
  /// Of an earlier run, and of one of its shards.
  std::optional<Measured> reference = {}, shard_reference = {};

  /// From report_json() of that run. @throws Error kNotFound, kCorrupt.
  void read_reference(const std::string& path);
  std::string embedder = std::string(kHashedName);
  Auditor auditor = {};  ///< of M9; empty: what the run's own verdicts say
  std::string auditor_name = {};
  int threads = 1;
};

struct ShardFindings {
  int shard = 0;
  std::int64_t pictures = 0;
  std::vector<Finding> findings;
  bool alert() const;
};

struct ShownPicture {
  Record record;
  std::vector<Why> why;  ///< of each of items_of(record)
};

struct Report {
  std::string pipeline, embedder, auditor;
  bool reduced = false;                           ///< S13 to S15 have decided
  std::map<std::string, std::int64_t> pictures;   ///< ok, rejected, failed
  std::map<std::string, std::int64_t> reasons;    ///< of those that are not ok
  std::map<std::string, std::int64_t> filters;    ///< "S3/quote-not-in-source"
  std::map<std::string, std::int64_t> decisions;  ///< "S13/near", "kept"
  std::map<std::string, std::int64_t> samples;    ///< kept, by task and type
  Measured run;
  Measured shard;  ///< of the first of the largest ones, as a reference for later runs
  std::vector<Finding> findings;
  std::vector<ShardFindings> shards;
  Costs costs;
  std::vector<ShownPicture> shown;

  /// Some limit is passed: the program exits with 1.
  bool alert() const;
};

/// @param seeds  nouns of absurd questions, sorted
Report make_report(const WorkFolder& work, const ReportOptions& options,
                   const std::vector<std::string>& seeds, const Embedder& embed);

Json report_json(const Report& report);
/// One page without outside files, light and dark.
std::string report_html(const Report& report, const ReportOptions& options);

}  // namespace moonbeam::pipeline
