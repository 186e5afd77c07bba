#include "data/formats/webdataset.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/error.h"
#include "data/formats/tar.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::fail;

constexpr std::size_t kMostNames = 1'000'000;

/// Puts members of one key together.
class Grouping {
 public:
  Grouping(const std::string& shard, const std::function<void(const ShardSample&)>& use, Reading& reading)
      : shard_(base::printable(shard)), use_(use), reading_(reading) {}

  void add(const TarMember& member) {
    MemberName name = divide_member_name(member.name);
    if (name.field.empty()) return;  // no field: not part of a sample
    if (!begun_ || name.key != sample_.key) {
      give();
      begin(std::move(name.key));
    }
    if (!sample_.fields.emplace(name.field, member.bytes).second && problem_.empty()) {
      problem_ = cat("field '", base::printable(name.field), "' stands there twice");
    }
  }

  void give() {
    if (!begun_) return;
    begun_ = false;
    reading_.take([&] {
      if (!problem_.empty()) {
        throw RecordError(is_twin_ ? Reason::kDuplicateId : Reason::kBadValue,
                          cat(sample_.where, ": ", problem_));
      }
      use_(sample_);
    });
  }

  void drop(std::string_view what) {
    if (begun_) {
      begun_ = false;
      reading_.refuse(RecordError(Reason::kCut, cat(sample_.where, ": ", what)));
    } else {
      reading_.refuse(RecordError(Reason::kCut, cat(shard_, ": ", what)));
    }
  }

 private:
  void begin(std::string key) {
    begun_ = true;
    problem_.clear();
    sample_.fields.clear();
    sample_.where = cat(shard_, ": sample ", base::printable(key));
    is_twin_ = !keys_.insert(std::hash<std::string>()(key)).second;
    if (is_twin_)
      problem_ = "there was one of this key before; members of a sample have to stand side by side";
    sample_.key = std::move(key);
  }

  std::string shard_;
  const std::function<void(const ShardSample&)>& use_;
  Reading& reading_;
  ShardSample sample_;
  std::string problem_;
  std::unordered_set<std::size_t> keys_;  // hashes: a million of them are small
  bool begun_ = false, is_twin_ = false;
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

void read_members(std::span<const std::byte> archive, const std::string& path,
                  const std::function<void(const ShardSample&)>& use, Reading& reading, bool forget) {
  TarReader tar(archive, path);
  Grouping grouping(path, use, reading);
  std::uint64_t forgotten = 0;
  constexpr std::uint64_t kForget = std::uint64_t{16} << 20, kKept = std::uint64_t{1} << 20;
  while (const std::optional<TarMember> member = tar.next()) {
    grouping.add(*member);
    // Pages of what was given come back from the disk if somebody asks, and do not fill the memory meanwhile.
    if (forget && tar.offset() > forgotten + kForget) {
      base::forget_pages(archive.subspan(forgotten, tar.offset() - kKept - forgotten));
      forgotten = tar.offset() - kKept;
    }
  }
  if (tar.end() == TarReader::End::kWhole) {
    grouping.give();
  } else {
    grouping.drop(tar.end() == TarReader::End::kCut ? "the archive is cut off in the middle of a member"
                                                    : "the archive ends here without its last blocks");
  }
}

}  // namespace

std::string_view ShardSample::text(const std::string& field) const {
  const auto found = fields.find(field);
  if (found == fields.end()) return "";
  return {reinterpret_cast<const char*>(found->second.data()), found->second.size()};
}

void read_shard(std::span<const std::byte> archive, const std::string& path,
                const std::function<void(const ShardSample&)>& use, Reading& reading) {
  read_members(archive, path, use, reading, /*forget=*/false);
}

void read_shard(const std::string& path, const std::function<void(const ShardSample&)>& use,
                Reading& reading) {
  const std::shared_ptr<const base::MappedFile> file = base::MappedFile::open(path);
  if (file->bytes().empty())
    fail(ErrorCode::kCorrupt, base::printable(path), ": expected a tar archive, but the file is empty");
  read_members(file->bytes(), path, use, reading, /*forget=*/true);
}

MemberName divide_member_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::size_t base = slash == std::string_view::npos ? 0 : slash + 1;
  const std::size_t dot = name.find('.', base);
  if (dot == std::string_view::npos || dot + 1 == name.size()) return {std::string(name), ""};
  MemberName out{std::string(name.substr(0, dot)), std::string(name.substr(dot + 1))};
  std::transform(out.field.begin(), out.field.end(), out.field.begin(), lower);
  return out;
}

std::vector<std::string> expand_braces(const std::string& pattern) {
  const std::size_t open = pattern.find('{'), close = pattern.find('}', std::min(open, pattern.size()));
  if (open == std::string::npos) return {pattern};
  const std::string_view inside =
      close == std::string::npos ? "" : std::string_view(pattern).substr(open + 1, close - open - 1);
  const std::size_t dots = inside.find("..");
  const std::optional<std::uint64_t> first = dots == std::string_view::npos
                                                 ? std::nullopt
                                                 : number_of(inside.substr(0, dots)),
                                     last = dots == std::string_view::npos
                                                ? std::nullopt
                                                : number_of(inside.substr(dots + 2));
  if (!first || !last || *first > *last || *last - *first >= kMostNames) {
    fail(ErrorCode::kInvalidArgument, "'", base::printable(pattern),
         "': expected a range as in name-{000000..000123}.tar");
  }
  std::vector<std::string> out;
  for (std::uint64_t i = *first; i <= *last; ++i) {
    std::string digits = std::to_string(i);
    if (digits.size() < dots) digits.insert(0, dots - digits.size(), '0');  // as wide as the first is written
    for (const std::string& rest : expand_braces(pattern.substr(close + 1))) {
      out.push_back(pattern.substr(0, open) + digits + rest);
      if (out.size() > kMostNames)
        fail(ErrorCode::kInvalidArgument, "'", base::printable(pattern), "': too many names");
    }
  }
  return out;
}

}  // namespace moonbeam::data
