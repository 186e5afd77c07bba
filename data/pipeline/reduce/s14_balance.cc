#include "data/pipeline/reduce/s14_balance.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "data/formats/vqa_answer.h"
#include "data/pipeline/reduce/items.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<std::string_view, 12> kTypes = {"what",   "where",    "count",   "colour",
                                                     "action", "relation", "ocr",     "yesno",
                                                     "absent", "premise",  "unknown", "other"};
constexpr int kMostRounds = 50;

using Groups = std::unordered_map<std::uint64_t, std::vector<std::size_t>>;

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

/// "cups" and "cup" are one here: the shape of a question has no number.
std::string stem(const std::string& word) {
  return word.size() > 3 && word.ends_with('s') && !word.ends_with("ss") ? word.substr(0, word.size() - 1)
                                                                         : word;
}

class Balance {
 public:
  Balance(std::span<const BalanceRow> rows, const BalanceOptions& options)
      : rows_(rows), options_(options), why_(rows.size(), Why::kKept) {}

  std::vector<Why> run() {
    if (options_.thin) thin();
    cap(all_groups([](const BalanceRow& row) { return row.yes < 0; },
                   [](const BalanceRow& row) { return joined_hash(row.shape, row.answer); }),
        options_.template_share, Why::kTemplate, alive());
    for (std::size_t type = 0; type < kTypes.size(); ++type) cap_answers(type);
    limit_refusals();
    if (options_.yes_no) equalise();
    return std::move(why_);
  }

 private:
  bool kept(std::size_t row) const { return why_[row] == Why::kKept; }
  std::int64_t alive() const { return std::count(why_.begin(), why_.end(), Why::kKept); }
  std::uint64_t draw(std::size_t row) const { return joined_hash(rows_[row].name, options_.seed); }

  void thin() {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const double chance = static_cast<double>(joined_hash(draw(i), 1) >> 11) * 0x1p-53;
      if (chance >= static_cast<double>(rows_[i].weight)) why_[i] = Why::kWeight;
    }
    std::unordered_map<std::uint32_t, std::size_t> twins;  // rows that have one, by their items
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].twin != kNone) twins.emplace(rows_[i].item, i);
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (why_[i] != Why::kWeight || rows_[i].twin == kNone) continue;
      const auto other = twins.find(rows_[i].twin);
      if (other != twins.end() && kept(other->second)) why_[other->second] = Why::kTwin;
    }
  }

  template <typename Take, typename Key>
  Groups all_groups(const Take& take, const Key& key) const {
    Groups groups;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (kept(i) && take(rows_[i])) groups[key(rows_[i])].push_back(i);
    }
    return groups;
  }

  /// All but `count` of the rows, by their draws.
  void cut(std::vector<std::size_t>& group, std::int64_t count, Why reason) {
    std::sort(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(draw(a), rows_[a].item) < std::pair(draw(b), rows_[b].item);
    });
    for (std::size_t i = static_cast<std::size_t>(std::max<std::int64_t>(count, 0)); i < group.size(); ++i) {
      why_[group[i]] = reason;
    }
  }

  void cap(Groups groups, double share, Why reason, std::int64_t of) {
    std::vector<std::int64_t> counts;
    std::int64_t inside = 0;
    for (const auto& [key, group] : groups) {
      counts.push_back(static_cast<std::int64_t>(group.size()));
      inside += counts.back();
    }
    // What is outside the groups counts in the share, and is not cut.
    for (std::int64_t i = inside; i < of; ++i) counts.push_back(1);
    const std::int64_t most = cap_of(counts, share, options_.least);
    for (auto& [key, group] : groups) {
      if (static_cast<std::int64_t>(group.size()) > most) cut(group, most, reason);
    }
  }

  void cap_answers(std::size_t type) {
    const std::string name(kTypes[type]);
    // Refusals are all alike, and yes and no are equalised.
    if (name == "yesno" || name == "absent" || name == "premise" || name == "unknown") return;
    const auto own = options_.answer_shares.find(name);
    Groups groups = all_groups([&](const BalanceRow& row) { return row.type == type && row.yes < 0; },
                               [](const BalanceRow& row) { return row.answer; });
    const double even = groups.empty() ? 1 : 1.5 / static_cast<double>(groups.size());
    const double share =
        own == options_.answer_shares.end() ? std::max(options_.answer_share, even) : own->second;
    cap(std::move(groups), share, Why::kAnswer, 0);
  }

  /// Of the questions with an opening: what presupposes something that is not there, to what has an answer.
  void limit_refusals() {
    const auto premise = static_cast<std::uint8_t>(
        std::find(kTypes.begin(), kTypes.end(), std::string_view("premise")) - kTypes.begin());
    Groups groups = all_groups([](const BalanceRow& row) { return row.yes < 0; },
                               [](const BalanceRow& row) { return row.opener; });
    for (auto& [opener, group] : groups) {
      std::vector<std::size_t> refused;
      for (const std::size_t row : group) {
        if (rows_[row].type == premise) refused.push_back(row);
      }
      const auto most = static_cast<std::int64_t>(options_.refusal_ratio *
                                                  static_cast<double>(group.size() - refused.size()));
      if (static_cast<std::int64_t>(refused.size()) > most) cut(refused, most, Why::kRefusal);
    }
  }

  /// The commoner of yes and no is cut to the other and `slack` more. @return whether anything was.
  bool equalise(Groups groups, double slack) {
    bool changed = false;
    for (auto& [key, group] : groups) {
      std::vector<std::size_t> yes, no;
      for (const std::size_t row : group) (rows_[row].yes == 1 ? yes : no).push_back(row);
      std::vector<std::size_t>& more = yes.size() > no.size() ? yes : no;
      const auto least = static_cast<std::int64_t>(std::min(yes.size(), no.size()));
      const auto most = least + static_cast<std::int64_t>(slack * static_cast<double>(group.size()));
      if (static_cast<std::int64_t>(more.size()) <= most) continue;
      cut(more, most, Why::kYesNo);
      changed = true;
    }
    return changed;
  }

  /// Cutting for the openings disturbs the things and the other way round: in turns, until both are right.
  /// Things come last: they make the whole exactly even.
  void equalise() {
    const auto asks = [](const BalanceRow& row) { return row.yes >= 0; };
    for (int round = 0; round < kMostRounds; ++round) {
      const bool by_opener = equalise(all_groups(asks, [](const BalanceRow& row) { return row.opener; }),
                                      options_.opener_tolerance);
      const bool by_thing = equalise(all_groups(asks, [](const BalanceRow& row) { return row.about; }), 0);
      if (!by_opener && !by_thing) return;
    }
  }

  std::span<const BalanceRow> rows_;
  const BalanceOptions& options_;
  std::vector<Why> why_;
};

}  // namespace

void BalanceOptions::read(base::KeySection& section) {
  section.read("seed", seed);
  section.read("template_share", template_share, 0, 1);
  for (const std::string_view type : kTypes) {
    const std::string key = std::string(type) + "_share";
    if (!section.has(key)) continue;
    double share = 1;
    section.read(key.c_str(), share, 0, 1);
    answer_shares[std::string(type)] = share;
  }
  section.read("answer_share", answer_share, 0, 1);
  section.read("least", least, 0, 1'000'000'000);
  section.read("yes_no", yes_no);
  section.read("refusal_ratio", refusal_ratio, 0, 100);
  section.read("opener_tolerance", opener_tolerance, 0, 1);
  section.read("thin", thin);
}

std::span<const std::string_view> balance_types() {
  return kTypes;
}

std::string question_shape(const std::string& question, const std::string& about) {
  std::set<std::string> thing;
  for (const std::string& word : plain_words(about)) thing.insert(stem(word));
  std::string out;
  bool open = false;
  for (const std::string& word : plain_words(question)) {
    const bool of_thing = thing.contains(stem(word));
    if (of_thing && open) continue;
    open = of_thing;
    if (!out.empty()) out += ' ';
    out += of_thing ? "_" : is_number(word) ? "#" : word == "an" ? "a" : word;
  }
  return out;
}

std::string opener_of(const std::string& question) {
  std::string out;
  const std::vector<std::string> words = plain_words(question);
  for (std::size_t i = 0; i < std::min<std::size_t>(words.size(), 4); ++i)
    out += (i > 0 ? " " : "") + words[i];
  return out;
}

BalanceRow balance_row(const Pair& pair, std::uint32_t item, const std::string& id) {
  const auto type = std::find(kTypes.begin(), kTypes.end() - 1, pair.type);
  // Nothing that is asked for: the sample is alone with its thing.
  const std::string about = pair.about.empty() ? "?" : squeezed(pair.about);
  return {.item = item,
          .type = static_cast<std::uint8_t>(type - kTypes.begin()),
          .yes = static_cast<std::int8_t>(yes_of(pair)),
          .weight = static_cast<float>(pair.weight),
          .name = hash_of(id),
          .shape = hash_of(question_shape(pair.q, pair.about)),
          .answer = hash_of(data::normalised_answer(pair.a_short.empty() ? pair.a_sentence : pair.a_short)),
          .about = hash_of(about),
          // Of the shape: the thing itself would be in it.
          .opener = hash_of(opener_of(question_shape(pair.q, pair.about)))};
}

std::int64_t cap_of(std::span<const std::int64_t> counts, double share, std::int64_t least) {
  if (counts.empty()) return least;
  std::vector<std::int64_t> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> below(sorted.size() + 1, 0);
  for (std::size_t i = 0; i < sorted.size(); ++i) below[i + 1] = below[i] + sorted[i];
  const auto fits = [&](std::int64_t cap) {
    const auto at =
        static_cast<std::size_t>(std::upper_bound(sorted.begin(), sorted.end(), cap) - sorted.begin());
    const std::int64_t sum = below[at] + cap * static_cast<std::int64_t>(sorted.size() - at);
    return static_cast<double>(cap) <= share * static_cast<double>(sum) * (1 + 1e-12);
  };
  // The sum grows ever slower with the cap: what fits is an interval that begins at 0.
  std::int64_t low = 0, high = sorted.back();
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return std::max(low, least);
}

std::vector<Why> balance(std::span<const BalanceRow> rows, const BalanceOptions& options) {
  return Balance(rows, options).run();
}

void balance(const WorkFolder& work, const BalanceOptions& options, int threads, Decisions& decisions) {
  std::vector<BalanceRow> rows;
  std::size_t picture = 0;
  work.each_chunk(threads, [&](std::size_t, std::vector<Record>& records, std::span<const RecordPlace>) {
    for (const Record& record : records) {
      const std::uint32_t first = decisions.pictures.at(picture++).first_item;
      const std::vector<Item> items = items_of(record);
      for (std::uint32_t i = 0; i < items.size(); ++i) {
        if (items[i].kind != ItemKind::kPair || !decisions.kept(first + i)) continue;
        const Pair& pair = record.pairs[items[i].index];
        rows.push_back(balance_row(pair, first + i, sample_id(record, items[i])));
        if (const auto twin = twin_item(record, pair)) {
          rows.back().twin = first + static_cast<std::uint32_t>(*twin);
        }
      }
    }
  });
  const std::vector<Why> why = balance(rows, options);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (why[i] != Why::kKept) decisions.drop(rows[i].item, why[i]);
  }
}

}  // namespace moonbeam::pipeline
