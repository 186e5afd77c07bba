// A schema as a grammar of bytes: what may stand where, without recursion. Each object and array of the
// schema stands here once for every level of nesting it can have, up to kMaxNesting; what would go deeper is
// left out where the schema allows that. Texts have one form: no white space but one space behind ':' and
// ','.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/schema.h"

namespace moonbeam::grammar {

/// Texts that share their beginnings; texts[i] ends where a place says `literal == i`. Place 0 is the root.
struct LiteralTrie {
  struct Place {
    std::vector<std::pair<std::uint8_t, std::uint32_t>> next = {};  ///< few: looked through in turn
    std::vector<std::uint32_t> below = {};  ///< texts that go through here or end here, ascending
    int literal = -1;
  };
  std::vector<std::string> texts;
  std::vector<Place> places{1};

  /// @return its index; that of an equal one that is there.
  std::uint32_t add(std::string text);
};

/// A property's name stands in its object's trie, quoted, at the property's index.
struct Property {
  std::uint32_t value = 0;  ///< index into Grammar::values
  bool required = false;
};

struct Node {
  enum class Kind : std::uint8_t { kObject, kMap, kArray, kString, kInteger, kNumber, kLiterals };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  Kind kind = Kind::kString;
  std::uint32_t value = kNone;    ///< kMap, kArray: of members; kNone: must be empty
  std::uint32_t least = 0;        ///< kArray: members
  std::uint32_t most = kNoLimit;  ///< kArray: members; kString: characters
  std::uint32_t trie = kNone;     ///< kObject: names; kLiterals
  std::vector<Property> properties = {};
  std::uint64_t shortest = 0;  ///< bytes of its shortest text
};

/// Constant after compile() and shared between threads.
struct Grammar {
  std::vector<Node> nodes;
  std::vector<LiteralTrie> tries;
  /// Alternatives for one place in a text; indices of nodes, none twice, none empty.
  std::vector<std::vector<std::uint32_t>> values;
  std::uint32_t root = 0;      ///< of values
  std::uint32_t map_name = 0;  ///< of nodes: the string that names a map's member

  /// The alternative with the shortest text, the first among equals.
  std::uint32_t cheapest(std::uint32_t value) const;
  /// First property from `from` on that must not be left out; properties.size() if there is none.
  static std::uint32_t next_required(const Node& object, std::uint32_t from);
};

inline constexpr std::uint64_t kMaxShortest = 16384;  ///< bytes of any node's shortest text
inline constexpr std::size_t kMaxAlternatives = 256;
inline constexpr std::size_t kMaxPlaces = 400'000;  ///< nodes and places in tries together

/// @throws Error kInvalidArgument (no text fits), kUnsupported (too deep, too large).
Grammar compile(const Document& document);
/// Any JSON object.
Grammar compile_json_object();

}  // namespace moonbeam::grammar
