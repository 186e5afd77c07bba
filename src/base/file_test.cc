// Reading files: what is there, and what a caller is told about what is not.
#include "base/file.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/test_folder.h"

namespace moonbeam::base {
namespace {

constexpr std::size_t kNoLimit = std::string::npos;

template <typename Call>
void expect_error(Call call, ErrorCode code, const std::string& message) {
  try {
    call();
    FAIL() << "expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.what(), message);
  }
}

std::string text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytes) {
  const TestFolder folder;
  folder.put("a", std::string("some\0bytes", 10) + std::string(10'000, 'x'));
  const auto file = MappedFile::open(folder / "a");
  EXPECT_EQ(text(*file), folder.get("a"));
  EXPECT_EQ(file->path(), folder / "a");
}

TEST(MappedFile, OutlivesTheFilesName) {
  const TestFolder folder;
  folder.put("a", "content");
  const auto file = MappedFile::open(folder / "a");
  unlink((folder / "a").c_str());
  EXPECT_EQ(text(*file), "content");
}

TEST(MappedFile, OfAnEmptyFileIsEmpty) {
  const TestFolder folder;
  folder.put("empty", "");
  EXPECT_TRUE(MappedFile::open(folder / "empty")->bytes().empty());
}

TEST(MappedFile, OpensNamesThatAreNotUtf8) {
  const TestFolder folder;
  folder.put("caf\xe9", "content");
  EXPECT_EQ(text(*MappedFile::open(folder / "caf\xe9")), "content");
  expect_error([&] { MappedFile::open(folder / "th\xe9"); }, ErrorCode::kNotFound,
               folder / "th\\xe9: cannot open: No such file or directory");
}

TEST(MappedFile, SaysWhatIsWrongWithAName) {
  const TestFolder folder;
  expect_error([&] { MappedFile::open(folder / "missing"); }, ErrorCode::kNotFound,
               folder / "missing: cannot open: No such file or directory");
  expect_error([&] { MappedFile::open(folder.path()); }, ErrorCode::kNotFound,
               folder.path() + ": expected a file, got a directory");
  expect_error([] { MappedFile::open(""); }, ErrorCode::kNotFound, "expected a file name, got an empty one");
  folder.put("a", "content");
  expect_error([&] { MappedFile::open(folder / std::string("a\0b", 3)); }, ErrorCode::kNotFound,
               folder / "a\\x00b: expected a file name, got one with a zero byte");
}

TEST(MappedFile, RefusesWhatHasNoPages) {
  expect_error([] { MappedFile::open("/dev/null"); }, ErrorCode::kCorrupt,
               "/dev/null: expected a regular file, got a device");
  const TestFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error([&] { MappedFile::open(folder / "pipe"); }, ErrorCode::kCorrupt,
               folder / "pipe: expected a regular file, got a pipe");
}

TEST(ReadFile, ReadsAllOfIt) {
  const TestFolder folder;
  folder.put("empty", "");
  folder.put("large", std::string(300'000, 'x') + "end");
  EXPECT_EQ(read_file(folder / "empty", 0), "");
  EXPECT_EQ(read_file(folder / "large", kNoLimit), folder.get("large"));
}

TEST(ReadFile, TakesAsMuchAsTheLimit) {
  const TestFolder folder;
  folder.put("a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5), "12345");
  expect_error([&] { read_file(folder / "a", 4); }, ErrorCode::kExhausted,
               folder / "a: expected at most 4 bytes, got 5 bytes");
}

TEST(ReadFile, StopsAnEndlessDeviceAtTheLimit) {
  expect_error([] { read_file("/dev/zero", 100'000); }, ErrorCode::kExhausted,
               "/dev/zero: longer than the limit of 100 kB");
}

TEST(ReadFile, ReadsAPipeToItsEnd) {
  const TestFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << std::string(200'000, 'y'); });
  EXPECT_EQ(read_file(pipe, kNoLimit), std::string(200'000, 'y'));
  writer.join();
}

TEST(ReadFile, SaysWhatIsWrongWithAName) {
  const TestFolder folder;
  expect_error([&] { read_file(folder / "missing", 10); }, ErrorCode::kNotFound,
               folder / "missing: cannot open: No such file or directory");
  expect_error([&] { read_file(folder.path(), 10); }, ErrorCode::kNotFound,
               folder.path() + ": expected a file, got a directory");
  expect_error([] { read_file("", 10); }, ErrorCode::kNotFound, "expected a file name, got an empty one");
}

/// Runs `call` with `fd` leading to `path`.
template <typename Call>
void with_descriptor(int fd, const std::string& path, int flags, Call call) {
  const int saved = dup(fd);
  const int file = open(path.c_str(), flags, 0600);
  ASSERT_GE(file, 0);
  dup2(file, fd);
  close(file);
  call();
  dup2(saved, fd);
  close(saved);
}

TEST(ReadStdin, ReadsToItsEnd) {
  const TestFolder folder;
  folder.put("a", "12345");
  with_descriptor(STDIN_FILENO, folder / "a", O_RDONLY, [] { EXPECT_EQ(read_stdin(5), "12345"); });
  with_descriptor(STDIN_FILENO, folder / "a", O_RDONLY, [] {
    expect_error([] { read_stdin(4); }, ErrorCode::kExhausted,
                 "standard input: longer than the limit of 4 bytes");
  });
}

}  // namespace
}  // namespace moonbeam::base
