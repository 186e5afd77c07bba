// What of a picture's record may become a training sample, one by one and in a fixed order: captions, pairs
// of question and answer, regions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

enum class ItemKind : std::uint8_t { kCaption, kPair, kRegion };

struct Item {
  ItemKind kind = ItemKind::kCaption;
  std::size_t index = 0;  ///< in its list of the record
};

/// All, those that were dropped too: an item keeps its number whatever the stages decide.
std::vector<Item> items_of(const Record& record);

/// "coco-7#query:count:0", "coco-7#caption:short:0", "coco-7#detect:0"
std::string sample_id(const Record& record, const Item& item);
std::string_view task_of(const Record& record, const Item& item);  ///< query, caption, detect, point
/// Why it is none: the picture's reason or its own; empty where it is one as far as the stages S0 to S12 go.
std::string dropped_before(const Record& record, const Item& item);

/// Place of its twin in items_of(); none: it has none.
std::optional<std::size_t> twin_item(const Record& record, const Pair& pair);

/// "yes" and "no" of yesno and absent pairs as 1 and 0; -1 for all others.
int yes_of(const Pair& pair);
/// The question as it is trained, with its instruction.
std::string asked_of(const Pair& pair);
/// The answer that is trained: the short one where there is an instruction.
const std::string& answer_of(const Pair& pair);

}  // namespace moonbeam::pipeline
