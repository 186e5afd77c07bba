#include "data/pipeline/writing/candidates.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "data/pipeline/writing/repeats.h"

namespace moonbeam::pipeline {

namespace {

using base::cat;

constexpr std::size_t kReservoir = 500;  // texts of a kind that candidates are held against

std::string text_of(const Pair& pair) {
  return cat(pair.q, ' ', pair.a_sentence);
}

/// What one call gave: how many, and how like they are to what there is.
struct Candidate {
  std::string request;
  int count = 0;
  double likeness = 0;
  bool operator<(const Candidate& other) const {  // better ones first
    return count != other.count ? count > other.count : likeness < other.likeness;
  }
};

bool is_of(const Pair& pair, const std::string& stage) {
  const bool denied = pair.type == "premise" || pair.type == "unknown";
  // What code wrote has no candidates.
  return pair.dropped.empty() && !pair.request.empty() && pair.generator != "code" &&
         (stage == "S8") == denied;
}

/// The best call of each type.
std::map<std::string, std::string> best_calls(const Record& record, const std::string& stage,
                                              const Recent& reservoir) {
  std::map<std::string, std::vector<Candidate>> by_type;
  for (const Pair& pair : record.pairs) {
    if (!is_of(pair, stage)) continue;
    std::vector<Candidate>& all = by_type[pair.type];
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const Candidate& one) { return one.request == pair.request; });
    if (found == all.end()) found = all.insert(all.end(), Candidate{pair.request});
    ++found->count;
    found->likeness += reservoir.likeness(pair.type, word_trigrams(text_of(pair)));
  }
  std::map<std::string, std::string> out;
  for (auto& [type, all] : by_type) {
    for (Candidate& one : all) one.likeness /= one.count;
    out[type] = std::min_element(all.begin(), all.end())->request;
  }
  return out;
}

}  // namespace

void choose_captions(std::span<Record*> chunk) {
  Recent reservoir(kReservoir);
  for (Record* record : chunk) {
    std::map<std::string, std::vector<Caption*>> by_length;
    for (Caption& one : record->captions) {
      if (!one.human && one.dropped.empty()) by_length[one.length].push_back(&one);
    }
    for (auto& [length, all] : by_length) {
      std::vector<double> likeness;
      for (const Caption* one : all) likeness.push_back(reservoir.likeness(length, word_trigrams(one->text)));
      const auto best = std::min_element(likeness.begin(), likeness.end()) - likeness.begin();
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (static_cast<std::ptrdiff_t>(i) == best) {
          reservoir.add(length, record->input.key, word_trigrams(all[i]->text));
        } else {
          all[i]->dropped = "S6/other-candidate";
          record->count(all[i]->dropped);
        }
      }
    }
  }
}

void choose_pairs(std::span<Record*> chunk, const std::string& stage) {
  Recent reservoir(kReservoir);
  for (Record* record : chunk) {
    const std::map<std::string, std::string> best = best_calls(*record, stage, reservoir);
    for (Pair& pair : record->pairs) {
      if (!is_of(pair, stage)) continue;
      if (pair.request == best.at(pair.type)) {
        reservoir.add(pair.type, cat(record->input.key, '#', pair.id), word_trigrams(text_of(pair)));
      } else {
        pair.dropped = cat(stage, "/other-candidate");
        record->count(pair.dropped);
      }
    }
  }
}

}  // namespace moonbeam::pipeline
