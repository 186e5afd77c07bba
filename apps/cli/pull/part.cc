#include "cli/pull/part.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::pull {

namespace {

constexpr std::int64_t kSyncEvery = std::int64_t{4} << 20;  // bytes
constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr std::size_t kMaxEtag = 256;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Feeds `length` bytes of a file to `take`. @return how many there were.
template <typename Take>
std::int64_t read_through(int fd, const std::string& path, std::int64_t length,
                          const std::function<bool()>& carry_on, Take take) {
  const auto buffer = std::make_unique<std::array<char, kBuffer>>();
  std::int64_t done = 0;
  while (done < length) {
    if (carry_on && !carry_on()) throw Error(ErrorCode::kCancelled, "interrupted");
    const auto wanted =
        static_cast<std::size_t>(std::min<std::int64_t>(length - done, static_cast<std::int64_t>(kBuffer)));
    const ssize_t got = ::pread(fd, buffer->data(), wanted, done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::fail_system(path, "cannot read", errno);
    if (got == 0) break;
    take(std::string_view(buffer->data(), static_cast<std::size_t>(got)));
    done += got;
  }
  return done;
}

}  // namespace

Digest::Digest(const FileEntry& file) : file_(file) {
  if (file.git.empty() || file.size < 0) return;
  git_ = EVP_MD_CTX_new();
  if (git_ == nullptr || EVP_DigestInit_ex(git_, EVP_sha1(), nullptr) != 1) {
    EVP_MD_CTX_free(git_);
    base::fail(ErrorCode::kExhausted, "SHA-1: libcrypto gave no digest");
  }
  const std::string head = "blob " + std::to_string(file.size) + '\0';
  EVP_DigestUpdate(git_, head.data(), head.size());
}

Digest::~Digest() {
  EVP_MD_CTX_free(git_);
}

void Digest::update(std::string_view bytes) {
  sha256_.update(as_bytes(bytes));
  if (git_ != nullptr) EVP_DigestUpdate(git_, bytes.data(), bytes.size());
}

std::string Digest::finish() {
  const std::string sha256 = sha256_.hex();
  if (!file_.sha256.empty() && sha256 != file_.sha256) return {};
  if (git_ != nullptr) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    EVP_DigestFinal_ex(git_, digest.data(), &size);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
    }
    if (hex != file_.git) return {};
  }
  return sha256;
}

std::string verified(const Folder& folder, const std::string& name, const FileEntry& file,
                     const std::function<bool()>& carry_on) {
  const std::optional<std::int64_t> size = folder.size_of(name);
  if (!size || (file.size >= 0 && *size != file.size)) return {};
  const Handle fd = folder.open(name, O_RDONLY);
  Digest digest(file);
  const std::int64_t read = read_through(fd.get(), folder.path() + "/" + name, *size, carry_on,
                                         [&](std::string_view bytes) { digest.update(bytes); });
  return read == *size ? digest.finish() : std::string();
}

PartFile::PartFile(const Folder& folder, const FileEntry& file, const std::function<bool()>& carry_on)
    : folder_(folder), file_(file), part_(file.path + ".part"), state_(file.path + ".part.state") {
  fd_ = folder.open(part_, O_RDWR | O_CREAT);
  digest_ = std::make_unique<Digest>(file);
  const std::string state = folder.read(state_).value_or("");
  const std::size_t space = state.find(' ');
  std::int64_t synced = 0;
  const auto parsed = std::from_chars(state.data(), state.data() + state.size(), synced);
  const bool good = space != std::string::npos && parsed.ptr == state.data() + space && state.ends_with('\n');
  // What was not synced is there all the same after a kill; after a power cut it may be anything. A part that
  // is too long belongs to another version.
  const std::int64_t found = good ? std::min(synced, folder.size_of(part_).value_or(0)) : 0;
  if (found <= 0 || (file.size >= 0 && found > file.size)) {
    restart("");
    return;
  }
  etag_ = state.substr(space + 1, state.size() - space - 2);
  size_ = read_through(fd_.get(), folder.path() + "/" + part_, found, carry_on,
                       [&](std::string_view bytes) { digest_->update(bytes); });
  synced_ = size_;
  if (::ftruncate(fd_.get(), size_) != 0 || ::lseek(fd_.get(), size_, SEEK_SET) < 0) {
    base::fail_system(folder.path() + "/" + part_, "cannot write", errno);
  }
}

void PartFile::restart(const std::string& etag) {
  buffer_.clear();
  digest_ = std::make_unique<Digest>(file_);
  size_ = synced_ = 0;
  etag_ = etag.size() <= kMaxEtag && etag.find('\n') == std::string::npos ? etag : "";
  write_state();  // first: bytes of the old version must not count as the new one's
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) < 0) {
    base::fail_system(folder_.path() + "/" + part_, "cannot write", errno);
  }
}

void PartFile::append(std::string_view bytes) {
  const auto count = static_cast<std::int64_t>(bytes.size());
  if (file_.size >= 0 && size_ + count > file_.size) {
    discard();
    base::fail(ErrorCode::kCorrupt, file_.path, ": expected ", file_.size, " bytes, got more");
  }
  if (size_ + count - synced_ > kSyncEvery) sync();  // before: no more than that is ever at risk
  digest_->update(bytes);
  buffer_ += bytes;
  size_ += count;
  if (buffer_.size() >= kBuffer) flush();
}

void PartFile::flush() {
  write_file(fd_.get(), buffer_.data(), buffer_.size(), folder_.path() + "/" + part_);
  buffer_.clear();
}

void PartFile::sync() {
  if (size_ == synced_) return;
  flush();
  sync_file(fd_.get(), folder_.path() + "/" + part_);
  synced_ = size_;
  write_state();
}

void PartFile::write_state() {
  std::string text = std::to_string(synced_);
  text.insert(0, 20 - text.size(), '0');  // of one length, so that it is overwritten in one piece
  text += " " + etag_ + "\n";
  const Handle fd = folder_.open(state_, O_WRONLY | O_CREAT);
  const ssize_t written = ::pwrite(fd.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size()) || ::ftruncate(fd.get(), written) != 0) {
    base::fail_system(folder_.path() + "/" + state_, "cannot write", written < 0 ? errno : ENOSPC);
  }
}

std::string PartFile::finish() {
  flush();
  const std::string sha256 = digest_->finish();
  if (sha256.empty()) {
    discard();
    base::fail(ErrorCode::kCorrupt, file_.path, ": its checksum is not the one that was announced",
               file_.sha256.empty() ? "" : " (SHA-256 " + file_.sha256 + ")",
               "; the part is deleted, the next pull starts it anew");
  }
  sync_file(fd_.get(), folder_.path() + "/" + part_);
  folder_.rename(part_, file_.path);
  folder_.remove(state_);
  folder_.sync();
  return sha256;
}

void PartFile::discard() {
  buffer_.clear();
  folder_.remove(part_);
  folder_.remove(state_);
}

}  // namespace moonbeam::pull
