// Texts of records.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::data {

/// White space at both ends removed, and a single space for each stretch of it inside.
std::string squeezed(std::string_view text);

}  // namespace moonbeam::data
