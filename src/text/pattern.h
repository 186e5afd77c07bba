// Patterns of tokenizer.json are written for Oniguruma; this says the same for PCRE2.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::text {

/// A PCRE2 pattern (for UTF + UCP + MULTILINE) that matches what `pattern` matches under Oniguruma's Ruby
/// syntax. @throws Error kUnsupported, naming the pattern and what in it has no equivalent here.
std::string to_pcre2(std::string_view pattern);

}  // namespace moonbeam::text
