// One byte further on one stack: what the automaton is made of.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/automaton.h"

namespace moonbeam::grammar {

/// Phases of objects, maps and arrays. Maps and arrays have some of them.
enum ContainerPhase : std::uint32_t {
  kOpen,        ///< '{' or '['
  kFirst,       ///< the first member, or the end
  kName,        ///< inside a property's name (Frame::at)
  kMapName,     ///< a map's name is open above
  kColon,       ///< ':'
  kColonSpace,  ///< ' '
  kMember,      ///< a value
  kAfter,       ///< ',' or the end
  kCommaSpace,  ///< ' '
  kNext,        ///< a member behind a comma
};

enum StringPhase : std::uint32_t {
  kQuote,      ///< '"' that opens it
  kCharacter,  ///< a character, or '"' that closes it
  // Bytes of a character that are left, as UTF-8 has them (Unicode 3.9, table 3-7).
  kOneLeft,
  kTwoLeft,
  kThreeLeft,
  kAfterE0,
  kAfterED,
  kAfterF0,
  kAfterF4,
  // Escapes: \" ..., \uXXXX, and the second half that follows one of a pair of surrogates.
  kEscape,
  kHex1,
  kHexAfterD,
  kHex2,
  kHex3,
  kHex4,
  kHigh3,
  kHigh4,
  kLowBackslash,
  kLowU,
  kLow1,
  kLow2,
  kLow3,
};

enum NumberPhase : std::uint32_t {
  kNumberStart,
  kMinus,
  kZero,
  kWhole,
  kPoint,
  kFraction,
  kExponent,
  kExponentSign,
  kExponentDigits,
};

/// Digits that a number may have: as many as every reader keeps, and a model cannot run on.
inline constexpr std::uint32_t kWholeDigits = 18, kFractionDigits = 17, kExponentDigitsMost = 2;

/// A value of `node`'s begins.
void push(const Grammar& grammar, Stack& stack, std::uint32_t node);
/// A number or literal that may end here, and may go on.
bool may_end(const Grammar& grammar, const Frame& frame);
/// Appends every stack that `stack` can be after `byte`.
void take(const Grammar& grammar, Stack stack, std::uint8_t byte, std::vector<Stack>& out);

}  // namespace moonbeam::grammar
