// Nouns for absurd questions (E1): a record's own, each noun as often as any other, without a state that
// records would share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moonbeam::pipeline {

/// `count` nouns of the list: positions ordinal * count and following of one shuffle of the list after the
/// other. So no noun comes again before all others have come, except where two shuffles meet.
std::vector<std::string> seed_nouns(const std::vector<std::string>& nouns, std::uint64_t seed,
                                    std::int64_t ordinal, int count);

}  // namespace moonbeam::pipeline
