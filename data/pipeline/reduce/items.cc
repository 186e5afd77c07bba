#include "data/pipeline/reduce/items.h"

#include "base/text.h"
#include "data/formats/vqa_answer.h"

namespace moonbeam::pipeline {

std::vector<Item> items_of(const Record& record) {
  std::vector<Item> out;
  for (std::size_t i = 0; i < record.captions.size(); ++i) out.push_back({ItemKind::kCaption, i});
  for (std::size_t i = 0; i < record.pairs.size(); ++i) out.push_back({ItemKind::kPair, i});
  for (std::size_t i = 0; i < record.regions.size(); ++i) out.push_back({ItemKind::kRegion, i});
  return out;
}

std::string_view task_of(const Record& record, const Item& item) {
  switch (item.kind) {
    case ItemKind::kCaption:
      return "caption";
    case ItemKind::kPair:
      return "query";
    case ItemKind::kRegion:
      return record.regions[item.index].task;
  }
  return "";
}

std::string sample_id(const Record& record, const Item& item) {
  switch (item.kind) {
    case ItemKind::kCaption:
      return base::cat(record.input.key, "#caption:", record.captions[item.index].length, ":", item.index);
    case ItemKind::kPair:
      return base::cat(record.input.key, "#query:", record.pairs[item.index].id);
    case ItemKind::kRegion:
      return base::cat(record.input.key, "#", record.regions[item.index].id);
  }
  return {};
}

std::string dropped_before(const Record& record, const Item& item) {
  if (record.status != "ok") return record.reason.empty() ? record.status : record.reason;
  switch (item.kind) {
    case ItemKind::kCaption: {
      const Caption& caption = record.captions[item.index];
      return caption.dropped.empty() && caption.text.empty() ? "empty" : caption.dropped;
    }
    case ItemKind::kPair: {
      const Pair& pair = record.pairs[item.index];
      return pair.dropped.empty() && (pair.q.empty() || answer_of(pair).empty()) ? "empty" : pair.dropped;
    }
    case ItemKind::kRegion: {
      const Region& region = record.regions[item.index];
      return region.dropped.empty() && region.label.empty() ? "empty" : region.dropped;
    }
  }
  return {};
}

std::optional<std::size_t> twin_item(const Record& record, const Pair& pair) {
  if (pair.twin.empty()) return std::nullopt;
  for (std::size_t i = 0; i < record.pairs.size(); ++i) {
    if (record.pairs[i].id == pair.twin) return record.captions.size() + i;
  }
  return std::nullopt;
}

int yes_of(const Pair& pair) {
  if (pair.type != "yesno" && pair.type != "absent") return -1;
  const std::string answer = data::normalised_answer(pair.a_short);
  return answer == "yes" ? 1 : answer == "no" ? 0 : -1;
}

std::string asked_of(const Pair& pair) {
  if (!pair.asked.empty()) return pair.asked;
  return pair.instruction.empty() ? pair.q : base::cat(pair.q, " ", pair.instruction);
}

const std::string& answer_of(const Pair& pair) {
  return !pair.instruction.empty() || pair.a_sentence.empty() ? pair.a_short : pair.a_sentence;
}

}  // namespace moonbeam::pipeline
