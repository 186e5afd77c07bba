#include "cli/pull/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "base/descriptor.h"
#include "base/error.h"
#include "cli/pull/part.h"

namespace moonbeam::pull {

namespace {

struct Range {
  std::int64_t from = -1, total = -1;
};

/// "bytes 5-9/10"; -1 for what is not said.
Range content_range(const net::Head& head) {
  Range range;
  const std::string text = head.header("content-range");
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return range;
  const char* end = text.data() + text.size();
  std::from_chars(text.data() + kUnit.size(), end, range.from);
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) std::from_chars(text.data() + slash + 1, end, range.total);
  return range;
}

std::int64_t content_length(const net::Head& head) {
  const std::string text = head.header("content-length");
  std::int64_t length = -1;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

/// The part belongs to a version that the server does not have any more.
struct OtherVersion {};

/// One request and what its answer does to the part.
class Answer {
 public:
  Answer(PartFile& part, FileEntry& file) : part_(part), file_(file), offset_(part.size()) {}

  std::vector<std::string> headers() const {
    std::vector<std::string> lines = {"Accept-Encoding: identity"};
    if (offset_ == 0) return lines;
    lines.push_back("Range: bytes=" + std::to_string(offset_) + "-");
    const std::string& etag = part_.etag();
    if (!etag.empty() && !etag.starts_with("W/")) lines.push_back("If-Range: " + etag);
    return lines;
  }

  void on_head(const net::Head& head) {
    const std::string etag = head.header("etag");
    if (head.status == 416) throw OtherVersion();
    if (head.status == 206) {
      const Range range = content_range(head);
      const bool same = etag.empty() || part_.etag().empty() || etag == part_.etag();
      if (offset_ == 0 || range.from != offset_ || !same) throw OtherVersion();
      check_size(range.total);
      return;
    }
    check_size(content_length(head));
    part_.restart(etag);
  }

 private:
  void check_size(std::int64_t announced) {
    if (announced < 0) return;
    if (file_.size >= 0 && announced != file_.size) {
      part_.discard();
      base::fail(ErrorCode::kCorrupt, net::printable_url(file_.url), ": expected ", file_.size,
                 " bytes, got an answer of ", announced);
    }
  }

  PartFile& part_;
  FileEntry& file_;
  std::int64_t offset_;
};

void request(Fetcher& fetcher, PartFile& part, FileEntry& file, const BytesFn& progress) {
  Answer answer(part, file);
  try {
    fetcher.once(file.url, answer.headers(),
                 {.on_head = [&](const net::Head& head) { answer.on_head(head); },
                  .on_data =
                      [&](std::string_view bytes) {
                        part.append(bytes);
                        progress(part.size());
                      },
                  .carry_on = {}});
  } catch (const net::NetworkError&) {
    part.sync();
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) part.sync();
    throw;
  }
  if (part.size() < file.size) {
    part.sync();
    throw net::NetworkError(net::printable_url(file.url) + ": expected " + std::to_string(file.size) +
                            " bytes, got " + std::to_string(part.size()));
  }
}

void finish(PartFile& part, FileEntry& file) {
  file.sha256 = part.finish();
  file.size = part.size();
}

}  // namespace

void download(Fetcher& fetcher, const Folder& folder, FileEntry& file, const BytesFn& progress) {
  PartFile part(folder, file, fetcher.options().carry_on);
  // Without a name for the version or a checksum nobody could tell whether the rest fits.
  if (part.size() > 0 && part.etag().empty() && file.sha256.empty() && file.git.empty()) part.restart("");
  progress(part.size());
  const bool complete = file.size >= 0 && part.size() == file.size && part.size() > 0;
  if (!complete) {
    fetcher.attempt(
        [&] {
          for (bool again = true;; again = false) {
            try {
              return request(fetcher, part, file, progress);
            } catch (const OtherVersion&) {
              part.restart("");
              if (!again) {
                throw net::NetworkError(net::printable_url(file.url) +
                                        ": answers with another part than asked for");
              }
            }
          }
        },
        [&] { return part.size(); });
  }
  finish(part, file);
}

void copy_in(const std::string& path, const Folder& folder, FileEntry& file, const BytesFn& progress,
             const std::function<bool()>& carry_on) {
  const base::Descriptor fd(base::open_descriptor(path, O_RDONLY));
  struct stat info = {};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) base::fail_system(path, "cannot read", errno);
  if (!S_ISREG(info.st_mode)) base::fail(ErrorCode::kNotFound, base::printable(path), ": is no file");
  if (file.size >= 0 && info.st_size != file.size) {
    base::fail(ErrorCode::kCorrupt, base::printable(path), ": expected ", file.size, " bytes, got ",
               static_cast<std::int64_t>(info.st_size));
  }
  file.size = info.st_size;
  PartFile part(folder, file, carry_on);
  part.restart("");  // as fast as reading again what is there
  const auto buffer = std::make_unique<std::array<char, 1 << 20>>();
  while (part.size() < file.size) {
    if (carry_on && !carry_on()) throw Error(ErrorCode::kCancelled, "interrupted");
    const ssize_t got = ::read(fd.get(), buffer->data(), buffer->size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::fail_system(path, "cannot read", errno);
    if (got == 0) base::fail(ErrorCode::kCorrupt, base::printable(path), ": shrank while it was read");
    part.append({buffer->data(), static_cast<std::size_t>(got)});
    progress(part.size());
  }
  finish(part, file);
}

}  // namespace moonbeam::pull
