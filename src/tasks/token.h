// What can be fed to the decoder: a token of text, a coordinate or a size.
#pragma once

#include <span>
#include <variant>
#include <vector>

namespace moonbeam::tasks {

struct TextToken {
  int id;
};
struct CoordToken {
  float value;  ///< in [0,1]
};
struct SizeToken {
  float width, height;  ///< of the picture
};

/// Takes one position in the context, whatever it is.
using Token = std::variant<TextToken, CoordToken, SizeToken>;

inline void append(std::vector<Token>& tokens, std::span<const int> ids) {
  for (const int id : ids) tokens.emplace_back(TextToken{id});
}

}  // namespace moonbeam::tasks
