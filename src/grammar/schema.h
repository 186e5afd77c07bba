// A JSON schema as plain data: which texts a constrained answer may be. Reads the subset that docs/library.md
// lists and refuses the rest by name; what follows from it for bytes and tokens is grammar.h's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::grammar {

inline constexpr int kMaxNesting = 8;  ///< objects and arrays inside each other, in schema and answer
inline constexpr std::size_t kMaxSchemaBytes = std::size_t{256} << 10;
inline constexpr std::uint32_t kMaxLeast = 1000;       ///< of minItems: all of them must fit into an answer
inline constexpr std::uint32_t kNoLimit = 0xFFFFFFFF;  ///< of items, of characters

struct Schema {
  enum class Kind {
    kAny,
    kNothing,  ///< `false`: no text fits
    kObject,   ///< of the listed properties, in their order
    kMap,      ///< of any names; parts[0]: the values
    kArray,    ///< parts[0]: the items
    kString,
    kInteger,
    kNumber,
    kLiterals,  ///< enum, const, boolean, null
    kAnyOf,     ///< one of the parts; $ref too
  };
  struct Property {
    std::string name;
    int schema;
    bool required;
  };

  Kind kind = Kind::kAny;
  std::string place;  ///< JSON pointer, for messages
  std::vector<Property> properties = {};
  std::vector<int> parts = {};
  std::uint32_t least = 0;                 ///< items
  std::uint32_t most = kNoLimit;           ///< items; characters of a string
  std::vector<std::string> literals = {};  ///< JSON texts
};

struct Document {
  std::vector<Schema> schemas;  ///< indices are those of `parts` and `properties`; 0 is the root
};

/// @throws Error kInvalidArgument (not JSON, not a schema, a reference to nowhere), kUnsupported (a keyword
/// or a size outside the subset). The message names the place as a JSON pointer.
Document parse_schema(std::string_view text);

/// `place` for a message: printable, not longer than a line.
std::string shown(const std::string& place);

}  // namespace moonbeam::grammar
