// What users do to questions: case, missing marks, typos (data.md 4.9). Never to what decides the answer.
#pragma once

#include <string>
#include <string_view>

#include "data/scenes/random.h"

namespace moonbeam::data {

/// With the odds of 0.3 draws one profile and applies it to `text`; `deciding` are words that no typo may
/// touch ("red star", "left right"), compared without case. Returns the profile's name, "" for clean:
/// "lower", "lower-first", "no-mark", "typo", "upper", "telegraphic".
std::string add_user_noise(std::string& text, std::string_view deciding, Stream& stream);

/// The same for the noun of detect and point: only its case changes.
std::string add_noun_noise(std::string& noun, Stream& stream);

}  // namespace moonbeam::data
