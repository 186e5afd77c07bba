// Sorts more than fits into memory: runs that are sorted go to files without a name, which are gone when the
// sorter is, or the process; reading them merges them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

struct SpillOptions {
  std::size_t memory = std::size_t{64} << 20;  ///< bytes of entries that wait, about
  std::string folder = {};                     ///< of the files; empty: $TMPDIR, or /tmp
};

class SpillSort {
 public:
  explicit SpillSort(SpillOptions options = {});
  ~SpillSort();
  SpillSort(const SpillSort&) = delete;
  SpillSort& operator=(const SpillSort&) = delete;

  /// @throws Error kExhausted (disk full), kNotFound (no such folder), kInvalidArgument (4 GiB or more).
  void add(std::string_view key, std::string_view value);

  /// Calls use(key, value) by rising keys, bytes compared as numbers without sign; values of one key in the
  /// order they came in. Once, at the end. @throws Error as add(), and what `use` throws.
  void finish(const std::function<void(std::string_view key, std::string_view value)>& use);

  std::size_t runs() const { return runs_.size(); }  ///< in files

 private:
  class Run;
  void sort_waiting();
  void spill();
  void merge_runs();
  using Use = std::function<void(std::string_view, std::string_view)>;
  void merge(const Use& use);

  struct Entry {
    std::size_t at;
    std::uint32_t key, value;  // bytes
  };
  std::string_view key_of(const Entry& entry) const { return {waiting_.data() + entry.at, entry.key}; }

  SpillOptions options_;
  std::string waiting_;  // keys and values of the entries
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<Run>> runs_;  // in the order they came in
};

/// Keys that sort as the numbers do, negative ones first.
std::string sort_key(std::int64_t number);
std::int64_t number_of_key(std::string_view key);

}  // namespace moonbeam::data
