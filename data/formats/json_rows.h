// Files of JSON record by record: only one record is in memory, whatever the file's size.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/json_row.h"
#include "data/formats/kind.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

inline constexpr int kDeepestJson = 64;                             ///< brackets in brackets
inline constexpr std::size_t kMostRowValues = 1'000'000;            ///< of one record
inline constexpr std::size_t kMostRowText = std::size_t{16} << 20;  ///< bytes of one record's strings
inline constexpr std::size_t kLongestLine = std::size_t{16} << 20;

struct RowRules {
  FileKind expected = FileKind::kUnknown;  ///< unknown: whatever has such arrays
  /// Members of the file's object whose elements are wanted; "" is a file that is an array itself.
  std::vector<std::string_view> arrays;
  /// Members of records that are not looked at, whatever their size.
  std::vector<std::string_view> skip = {};
};

/// `array` is the name in RowRules, `number` counts its records from 1, those that are refused too.
using UseRow = std::function<void(std::string_view array, const JsonRow& row, std::uint64_t number)>;

/// By SAX over the source's buffer. `use` may throw RecordError.
/// @throws Error kCorrupt (no JSON, the file ends early, too deep), kInvalidArgument (another kind of file,
///         none of the arrays in it), RecordError, and what `use` throws.
void each_row(ByteSource& source, const RowRules& rules, const UseRow& use, Reading& reading);

using UseLine = std::function<void(const JsonRow& row, std::uint64_t line)>;

/// Lines that each hold an object; empty ones are passed over. A line that is no JSON is a RecordError as any
/// other. @throws Error as each_row.
void each_line(ByteSource& source, FileKind expected, const UseLine& use, Reading& reading);

/// For kind.cc: hands over the first object of every array and does not go on when `use` gives false.
void first_rows(ByteSource& source,
                const std::function<bool(std::string_view array, const nlohmann::json& row)>& use);

}  // namespace moonbeam::data
