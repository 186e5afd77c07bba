// A stream of records measured by the monitors: of a shard or of a run. Texts are sampled by a hash of their
// names, so that the sample does not depend on the order, and memory does not grow with the data.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/key_file.h"
#include "data/pipeline/record/record.h"
#include "data/pipeline/reduce/embedding.h"
#include "data/pipeline/reduce/items.h"
#include "data/pipeline/report/monitors.h"

namespace moonbeam::pipeline {

struct MonitorOptions {
  std::size_t texts = 20'000, bleu_texts = 1'000, vendi_texts = 2'000;  ///< in samples
  double distinct_drop = 0.20, bleu_rise = 0.05, ratio_rise = 0.15, vendi_drop = 0.20, entropy_drop = 0.15;
  double opener = 0.05, noun = 0.005, yes_low = 0.47, yes_high = 0.53, blind = 0.03, support = 0.98,
         lengths = 0.15;
  double audit = 0.01;      ///< share of the captions that M9 looks at
  std::int64_t seldom = 5;  ///< what was seen no more often than this is no opener or noun to worry about

  /// [report] of a recipe. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& section);
};

/// A caption of a record whose claims are held against the evidence once more.
struct AuditItem {
  Record record;
  std::size_t caption = 0;
};
struct AuditCounts {
  std::int64_t claims = 0, supported = 0;
};
/// A second verifier, another model than the run's: reads the claims out of the captions itself (M9).
using Auditor = std::function<AuditCounts(const std::vector<AuditItem>&)>;

/// What was measured: numbers by name ("M1.captions.2", "M7.p_yes"), and lists for the page.
struct Measured {
  std::map<std::string, double> values;
  std::map<std::string, std::int64_t> counts;  ///< how many texts a value is of
  std::map<std::string, Lengths> lengths;      ///< in words: "questions", "short", "sentence", "captions"
  std::vector<std::pair<std::string, double>> question_openers, caption_openers, nouns;
  std::map<std::string, std::vector<std::pair<std::string, double>>> answers;  ///< commonest of each type
};
Json to_json(const Measured& measured);
/// Of an earlier report's JSON: its part "run" or "shard". @throws Error kCorrupt.
Measured measured_of(const Json& json, const std::string& part, const std::string& where);

/// What one monitor says.
struct Finding {
  std::string monitor;  ///< "M4"
  std::string what;     ///< "commonest opening of questions"
  double value = 0;
  std::optional<double> reference;
  std::string limit;  ///< "at most 0.05"
  bool alert = false;
};

/// With four digits that say something: "0.0093", "12.41".
std::string shown_number(double value);

class Measurer {
 public:
  /// @param seeds    nouns of absurd questions, sorted
  /// @param auditor  null: M9 looks at what the run itself has found
  Measurer(MonitorOptions options, const std::vector<std::string>& seeds, const Auditor* auditor = nullptr)
      : options_(options), seeds_(seeds), auditor_(auditor) {}

  /// @param kept  of each of items_of(record): only those are measured
  void add(const Record& record, const std::vector<bool>& kept);
  Measured measure(const Embedder& embed);

 private:
  struct Sampled {
    std::uint64_t draw = 0;
    std::uint64_t order = 0;
    std::string text, answer, type;
    int yes = -1;
    bool operator<(const Sampled& other) const {
      return std::pair(draw, order) < std::pair(other.draw, other.order);
    }
  };
  using Sample = std::set<Sampled>;

  void add_caption(const Record& record, const Caption& caption, const std::string& id);
  void add_pair(const Pair& pair, const std::string& id);
  void audit();
  void keep(Sample& sample, Sampled one) const;
  static std::vector<Sampled> in_order(const Sample& sample);
  using Shares = std::vector<std::pair<std::string, double>>;
  void measure_texts(const std::string& name, const std::vector<Sampled>& sample, const Embedder& embed,
                     Measured& out) const;
  void measure_openers(const std::string& name, const Sample& sample, Shares& shares, Measured& out) const;
  void measure_beside_people(const Embedder& embed, Measured& out) const;
  void measure_answers(Measured& out) const;
  void measure_blind(Measured& out) const;

  MonitorOptions options_;
  const std::vector<std::string>& seeds_;
  const Auditor* auditor_;
  std::vector<AuditItem> to_audit_;
  std::uint64_t order_ = 0;
  Sample captions_, short_, human_, questions_;  // short_: of captions_
  std::vector<std::string> nouns_;
  std::map<std::string, std::map<std::string, std::int64_t>> answers_;  // by type: counts
  std::int64_t yes_ = 0, no_ = 0, audited_ = 0, supported_ = 0;
  std::map<std::string, Lengths> lengths_;
};

/// What is beyond its limit. A reference of many more or fewer texts is none, since the measures depend on
/// their number; short captions are held against the human ones of the same pictures besides.
std::vector<Finding> judge(const Measured& measured, const Measured* reference,
                           const MonitorOptions& options);

}  // namespace moonbeam::pipeline
