// When a monitor's value is an alert, and what was measured as JSON.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/pipeline/report/measured.h"

namespace moonbeam::pipeline {

namespace {

class Judge {
 public:
  Judge(const Measured& measured, const Measured* reference, const MonitorOptions& options)
      : measured_(measured), reference_(reference), options_(options) {}

  std::vector<Finding> run() {
    for (const std::string name : {"captions", "questions"}) {
      const bool fits = reference_ != nullptr && alike(count(name), count_in(*reference_, name));
      texts(name, name, fits ? reference_ : nullptr, name);
    }
    texts("short", "short captions beside people's", &measured_, "human");
    if (const auto value = of("M6.top")) {
      add("M6", "commonest noun of absurd questions", *value, {}, at_most(options_.noun),
          *value > options_.noun && often(*value, "M6"));
    }
    if (const auto value = of("M6.divergence")) {
      add("M6", "divergence of those nouns from the list", *value, before("M6.divergence"), "watched", false);
    }
    answers();
    for (const auto& [key, what] : {std::pair("M8.yes_no", "margin of words alone: yes or no"),
                                    std::pair("M8.refuse", "margin of words alone: refused or answered")}) {
      if (const auto value = of(key)) {
        add("M8", what, *value, {}, at_most(options_.blind),
            *value > options_.blind + 2 * error_of(0.5, key));
      }
    }
    if (const auto value = of("M9")) {
      add("M9", "claims of captions with evidence", *value, {}, at_least(options_.support),
          *value < options_.support);
    }
    lengths();
    return std::move(out_);
  }

 private:
  std::optional<double> of(const std::string& key) const { return find(measured_, key); }
  std::optional<double> before(const std::string& key) const {
    return reference_ == nullptr ? std::nullopt : find(*reference_, key);
  }
  static std::optional<double> find(const Measured& in, const std::string& key) {
    const auto found = in.values.find(key);
    return found == in.values.end() ? std::nullopt : std::optional(found->second);
  }
  static double count_in(const Measured& in, const std::string& key) {
    const auto found = in.counts.find(key);
    return found == in.counts.end() ? 0 : static_cast<double>(found->second);
  }
  double count(const std::string& key) const { return count_in(measured_, key); }
  /// How many words are different, how spread vectors are: all of it depends on how many texts there are.
  static bool alike(double a, double b) { return a > 0 && b > 0 && a <= 1.5 * b && b <= 1.5 * a; }
  /// Of a share p among as many as were counted: in a small shard a value wanders by this much.
  double error_of(double p, const std::string& key) const {
    return std::sqrt(p * (1 - p) / std::max(count(key), 1.0));
  }
  bool often(double share, const std::string& key) const {
    return share * count(key) > static_cast<double>(options_.seldom) + 0.5;
  }
  static std::string number(double value) { return shown_number(value); }
  static std::string at_most(double limit) { return "at most " + number(limit); }
  static std::string at_least(double limit) { return "at least " + number(limit); }

  void add(std::string monitor, std::string what, double value, std::optional<double> reference,
           std::string limit, bool alert) {
    out_.push_back({std::move(monitor), std::move(what), value, reference, std::move(limit), alert});
  }

  /// A value that may be at least, or at most, so much; without a reference it is only shown.
  void against(const std::string& monitor, const std::string& what, const std::string& key,
               std::optional<double> reference, double factor, double plus) {
    const auto value = of(key);
    if (!value) return;
    if (!reference) return add(monitor, what, *value, {}, "no reference", false);
    const double limit = *reference * factor + plus;
    const bool floor = factor < 1;
    add(monitor, what, *value, reference, floor ? at_least(limit) : at_most(limit),
        floor ? *value < limit : *value > limit);
  }

  /// @param other  whose values of `in` are the reference
  void texts(const std::string& name, const std::string& what, const Measured* in, const std::string& other) {
    const auto reference = [&](const std::string& monitor, const std::string& rest) {
      return in == nullptr ? std::nullopt : find(*in, monitor + other + rest);
    };
    for (int n = 1; n <= 4; ++n) {
      const std::string rest = base::cat(".", n);
      against("M1", base::cat("distinct runs of ", n, n == 1 ? " word, " : " words, ", what),
              "M1." + name + rest, reference("M1.", rest), 1 - options_.distinct_drop, 0);
    }
    against("M2", "self-BLEU, " + what, "M2." + name, reference("M2.", ""), 1, options_.bleu_rise);
    against("M3", "compression ratio, " + what, "M3." + name, reference("M3.", ""), 1 + options_.ratio_rise,
            0);
    if (const auto value = of("M4." + name)) {
      add("M4", "commonest opening of " + what, *value, {}, at_most(options_.opener),
          *value > options_.opener && often(*value, name));
    }
    against("M5", "Vendi score, " + what, "M5." + name, reference("M5.", ""), 1 - options_.vendi_drop, 0);
  }

  void answers() {
    if (const auto value = of("M7.p_yes")) {
      const double slack = 2 * error_of(0.5, "M7.p_yes");
      add("M7", "share of yes", *value, {},
          base::cat(number(options_.yes_low), " to ", number(options_.yes_high)),
          *value < options_.yes_low - slack || *value > options_.yes_high + slack);
    }
    for (const auto& [key, value] : measured_.values) {
      constexpr std::string_view kEntropy = "M7.entropy.";
      if (!key.starts_with(kEntropy)) continue;
      const std::string type = key.substr(kEntropy.size()), counts = "M7." + type;
      const bool fits = reference_ != nullptr && alike(count(counts), count_in(*reference_, counts));
      against("M7", "entropy of answers, " + type, key, fits ? before(key) : std::nullopt,
              1 - options_.entropy_drop, 0);
    }
  }

  void lengths() {
    if (reference_ == nullptr) return;
    for (const auto& [name, lengths] : measured_.lengths) {
      const auto found = reference_->lengths.find(name);
      if (found == reference_->lengths.end()) continue;
      const double distance = length_distance(lengths, found->second);
      add("M10", "distance of lengths, " + name, distance, {}, at_most(options_.lengths),
          distance > options_.lengths);
    }
  }

  const Measured& measured_;
  const Measured* reference_;
  const MonitorOptions& options_;
  std::vector<Finding> out_;
};

}  // namespace

std::string shown_number(double value) {
  const double size = std::fabs(value);
  return base::format_decimal(value, size >= 10 ? 2 : size >= 0.1 ? 4 : 6);
}

std::vector<Finding> judge(const Measured& measured, const Measured* reference,
                           const MonitorOptions& options) {
  return Judge(measured, reference, options).run();
}

Json to_json(const Measured& measured) {
  Json lengths = Json::object();
  for (const auto& [name, counts] : measured.lengths) {
    Json& rows = lengths[name] = Json::array();
    for (const auto& [length, count] : counts) rows.push_back({length, count});
  }
  return {{"values", measured.values},
          {"counts", measured.counts},
          {"lengths", lengths},
          {"question_openers", measured.question_openers},
          {"caption_openers", measured.caption_openers},
          {"nouns", measured.nouns},
          {"answers", measured.answers}};
}

Measured measured_of(const Json& json, const std::string& part, const std::string& where) {
  try {
    const Json& run = json.at(part);
    Measured out;
    out.values = run.at("values").get<std::map<std::string, double>>();
    out.counts = run.at("counts").get<std::map<std::string, std::int64_t>>();
    for (const auto& [name, rows] : run.at("lengths").items()) {
      for (const Json& row : rows) out.lengths[name][row.at(0).get<int>()] = row.at(1).get<std::int64_t>();
    }
    return out;
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, where, ": expected a report of the pipeline, got ", error.what());
  }
}

}  // namespace moonbeam::pipeline
