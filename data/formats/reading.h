// What readers do about records that cannot be right, and what they count. Damage that leaves no next record
// to go on with, a file of another kind, and the system's failures are always errors.
#pragma once

#include <moonbeam/error.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

enum class Reason {
  kSyntax,        ///< a line that is no JSON
  kMissingKey,    ///< what every record has
  kBadValue,      ///< of another type, out of range, a key twice
  kBadBox,        ///< not finite, negative sides, nowhere near the picture
  kBadMask,       ///< runs that do not cover the picture, outlines that are none
  kUnknownId,     ///< a picture or category that the file does not list
  kDuplicateId,   ///< the second of an id, and those behind it
  kMissingImage,  ///< no such file, or a name that leads out of its folder
  kTooLarge,      ///< more than a record can be
  kCut,           ///< the file ends in the middle of it
};
inline constexpr int kReasons = 10;
/// "missing-key"
std::string_view name(Reason reason);

/// One record cannot be used; its file and place stand in the message.
class RecordError : public Error {
 public:
  RecordError(Reason reason, const std::string& message)
      : Error(reason == Reason::kMissingImage ? ErrorCode::kNotFound : ErrorCode::kCorrupt, message),
        reason_(reason) {}
  Reason reason() const noexcept { return reason_; }

 private:
  Reason reason_;
};

struct ReadCounts {
  std::uint64_t records = 0, refused = 0;
  std::array<std::uint64_t, kReasons> by_reason{};
  std::vector<std::string> examples;  ///< the first messages
  /// "annotation.iscrowd": records with keys that mean nothing here, and without keys that they may lack.
  std::map<std::string, std::uint64_t, std::less<>> unknown_keys, absent_keys;

  std::uint64_t of(Reason reason) const { return by_reason[static_cast<std::size_t>(reason)]; }
};

class Reading {
 public:
  enum class Bad {
    kThrow,  ///< the first bad record ends it
    kCount,  ///< bad records are passed over and counted
  };
  explicit Reading(Bad bad = Bad::kThrow) : bad_(bad) {}

  /// Told of each record that is passed over.
  std::function<void(const RecordError&)> on_refused = {};
  ReadCounts counts;

  /// Runs `use` for one record, which may throw RecordError: where bad records are counted, it is.
  template <typename Use>
  bool take(Use use) {
    try {
      use();
    } catch (const RecordError& error) {
      refuse(error);
      return false;
    }
    ++counts.records;
    return true;
  }
  /// Counts it or throws it.
  void refuse(const RecordError& error);
  /// The same for a record that was taken before and turns out to be bad later.
  void take_back(const RecordError& error);
  void count_key(std::map<std::string, std::uint64_t, std::less<>>& keys, std::string_view record,
                 std::string_view key);

 private:
  Bad bad_;
};

}  // namespace moonbeam::data
