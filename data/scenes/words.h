// Noun phrases of the labels: articles, plurals, counts, lists. What questions, captions and exports share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/labels.h"

namespace moonbeam::data {

/// "scissors", "grapes": the noun is a plural, and the verb behind it too.
bool plural_only(const Label& label);
/// "some bread": how many there are is asked with another noun ("loaves of bread"), so it is not asked.
bool uncounted(const Label& label);

std::string singular(const Label& label, std::optional<Colour> colour = {});      ///< "red star"
std::string plural(const Label& label, std::optional<Colour> colour = {});        ///< "red stars"
std::string with_article(const Label& label, std::optional<Colour> colour = {});  ///< "an orange star"
/// "a red star", "some bread" for one; "3 cups", "2 loaves of bread" for more.
std::string counted(const Label& label, std::optional<Colour> colour, int count);
/// "There is no dog.", "There are no scissors." without the full stop.
std::string denial(const Label& label, std::optional<Colour> colour = {});
/// "is" or "are", for `count` of the label.
std::string_view verb(const Label& label, int count = 1);

char lowered(char c);                                       ///< ASCII
std::string lowered(std::string_view text);                 ///< ASCII
std::string capitalised(std::string text);                  ///< ASCII
std::string listed(const std::vector<std::string>& items);  ///< "a, b and c"

}  // namespace moonbeam::data
