// What a broken file may do to a parser, and broken files by the thousand: an Error in one line that names
// the file, or what is well-formed; soon, and without a large allocation.
#pragma once

#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>

namespace moonbeam::testing {

/// The name that parsers are told and that their messages begin with.
inline constexpr const char* kHostileName = "hostile.file";

struct Tally {
  int refused = 0, accepted = 0;
  double slowest_ms = 0;    // of this thread's CPU: a busy machine must not fail a test
  std::size_t largest = 0;  // bytes in one allocation

  int total() const { return refused + accepted; }
};

using ReadFn = std::function<void(std::string_view file)>;

/// Reads one file. What an Error may say is checked here: it begins with `name` and is kCorrupt, kUnsupported
/// or, where a file names others, kNotFound.
void judge(Tally& tally, const ReadFn& read, std::string_view file, std::string_view name = kHostileName,
           bool names_files = false);

/// One to four changes of the kinds that find faults in parsers of text and of counts.
std::string mutate(const std::string& file, std::mt19937& random);

/// MOONBEAM_MUTANTS, or `otherwise`.
int mutants(int otherwise);

/// `count` mutants of `file`, the same ones every time.
Tally judge_mutants(const std::string& file, int count, const ReadFn& read,
                    std::string_view name = kHostileName, bool names_files = false);

}  // namespace moonbeam::testing
