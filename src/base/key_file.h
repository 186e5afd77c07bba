// Readable settings: "key = value" lines below "[section]" lines, a subset of TOML. Every message names the
// file and the line; a key that nobody asked for is an error, so that a slip does not cost a night.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::base {

/// A value that changes linearly over a stage: "0.35" or "0.35 -> 0.15".
struct Ramp {
  double from = 0, to = 0;
  double at(double progress) const { return from + (to - from) * progress; }
  /// Not 0 all the way: what it weighs takes part at some time. Weights are not negative.
  bool ever() const { return from > 0 || to > 0; }
  bool operator==(const Ramp&) const = default;
};

/// One section: keys in the order of the file.
class KeySection {
 public:
  KeySection(std::string file, std::string name, int line)
      : file_(std::move(file)), name_(std::move(name)), line_(line) {}

  const std::string& file() const { return file_; }
  const std::string& name() const { return name_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  void add(std::string key, std::string value, int line);

  // Each keeps `value` where the key is absent. @throws Error kInvalidArgument naming file and line.
  void read(const char* key, bool& value);
  void read(const char* key, int& value, std::int64_t low, std::int64_t high);
  void read(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void read(const char* key, std::uint64_t& value);
  void read(const char* key, double& value, double low, double high);
  void read(const char* key, Ramp& value, double low, double high);
  void read(const char* key, std::string& value);
  void read(const char* key, std::vector<int>& value, std::int64_t low, std::int64_t high);
  void read(const char* key, std::vector<std::string>& value);
  /// Index of the value in `words`; `value` where absent.
  int read_choice(const char* key, std::initializer_list<std::string_view> words, int value);

  /// For what only the caller can see: a value out of place, keys that exclude each other.
  [[noreturn]] void fail(std::string_view key, std::string_view expected) const;
  /// @throws Error kInvalidArgument naming the first key that was not read.
  void refuse_unread() const;

 private:
  struct Entry {
    std::string key, value;
    int line;
    bool read = false;
  };
  const Entry* find(std::string_view key) const;
  const Entry* take(std::string_view key);
  double number(const Entry& entry, std::string_view text, double low, double high) const;
  std::int64_t whole(const Entry& entry, std::string_view text, std::int64_t low, std::int64_t high) const;
  [[noreturn]] void fail(const Entry& entry, std::string_view expected) const;

  std::string file_, name_;
  int line_;
  std::vector<Entry> entries_;
};

/// Keys above the first section form a section without a name. Text behind # is a remark; quotes round a
/// value are taken off. @throws Error kInvalidArgument naming the line: no "=", a key or section twice.
std::vector<KeySection> parse_key_file(std::string_view text, const std::string& name);

}  // namespace moonbeam::base
