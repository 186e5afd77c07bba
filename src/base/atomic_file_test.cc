// Files written all or not at all.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"

namespace moonbeam::base {
namespace {

using Names = std::vector<std::string>;

void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

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

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

/// Root may write everywhere, so it becomes nobody for a while.
class Nobody {
 public:
  Nobody() : was_root_(geteuid() == 0) {
    if (was_root_) is_nobody_ = seteuid(65534) == 0;
  }
  ~Nobody() {
    if (is_nobody_ && seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }
  Nobody(const Nobody&) = delete;
  Nobody& operator=(const Nobody&) = delete;
  bool can_be_denied() const { return !was_root_ || is_nobody_; }

 private:
  bool was_root_, is_nobody_ = false;
};

TEST(AtomicFile, HasItsNameOnlyAfterCommit) {
  const TestFolder folder;
  AtomicFile file(folder / "out");
  file.write("first ");
  file.write(std::as_bytes(std::span("second", 6)));
  EXPECT_EQ(file.position(), 12u);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(folder.get("out"), "first second");
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(AtomicFile, IsReadableAsTheUmaskSays) {
  const TestFolder folder;
  const mode_t before = umask(027);
  write_file(folder / "out", "x");
  umask(before);
  EXPECT_EQ(mode_of(folder / "out"), 0640u);
}

TEST(AtomicFile, WritesMoreThanItsBuffer) {
  const TestFolder folder;
  std::string expected;
  AtomicFile file(folder / "out");
  for (const std::size_t size : {1u, 700'000u, 700'000u, 3'000'000u, 5u, 1u << 20, 0u, 9u}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    file.write(piece);
    expected += piece;
    EXPECT_EQ(file.position(), expected.size());
  }
  file.commit();
  EXPECT_EQ(folder.get("out"), expected);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TestFolder folder;
  folder.put("old", "old content");
  {
    AtomicFile fresh(folder / "new"), over(folder / "old");
    fresh.write(std::string(2'000'000, 'x'));
    over.write("other content");
  }
  EXPECT_EQ(folder.names(), Names{"old"});
  EXPECT_EQ(folder.get("old"), "old content");
}

TEST(AtomicFile, ReplacesAFileAndKeepsItsMode) {
  const TestFolder folder;
  folder.put("out", "old content, which is longer");
  chmod((folder / "out").c_str(), 0604);
  write_file(folder / "out", "new");
  EXPECT_EQ(folder.get("out"), "new");
  EXPECT_EQ(mode_of(folder / "out"), 0604u);
}

TEST(AtomicFile, FollowsLinksAndLeavesThem) {
  const TestFolder folder;
  folder.put("far/away/target", "old");
  std::filesystem::create_symlink("far/away/target", folder / "direct");
  std::filesystem::create_symlink(folder / "direct", folder / "twice");
  write_file(folder / "twice", "new");
  EXPECT_EQ(folder.get("far/away/target"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "direct"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "twice"));
  EXPECT_EQ(folder.names(), (Names{"direct", "far", "twice"}));
}

TEST(AtomicFile, MakesTheTargetOfALinkToNothing) {
  const TestFolder folder;
  folder.put("sub/other", "");
  std::filesystem::create_symlink("sub/fresh", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_EQ(folder.get("sub/fresh"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
}

TEST(AtomicFile, RefusesARingOfLinks) {
  const TestFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  expect_error([&] { AtomicFile file(folder / "a"); }, ErrorCode::kNotFound,
               folder / "a: cannot create: Too many levels of symbolic links");
}

TEST(AtomicFile, TakesNamesAsLongAsTheyCanBe) {
  const TestFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "content");
  EXPECT_EQ(folder.names(), Names{name});
}

TEST(AtomicFile, WorksInTheCurrentFolder) {
  const TestFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file("out", "content");
  std::filesystem::current_path(before);
  EXPECT_EQ(folder.get("out"), "content");
}

TEST(AtomicFile, LetsTwoWritersOfOneNameFinish) {
  const TestFolder folder;
  AtomicFile first(folder / "out");
  AtomicFile second(folder / "out");
  first.write("first");
  second.write("second");
  second.commit();
  EXPECT_EQ(folder.get("out"), "second");
  first.commit();
  EXPECT_EQ(folder.get("out"), "first");
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(AtomicFile, IsWholeWhenManyThreadsWriteOneName) {
  const TestFolder folder;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    threads.emplace_back([&, letter] {
      for (int i = 0; i < 20; ++i) write_file(folder / "out", std::string(10'000, letter));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string content = folder.get("out");
  EXPECT_EQ(content, std::string(10'000, content.at(0)));
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(AtomicFile, SaysWhatIsWrongWithAName) {
  const TestFolder folder;
  expect_error([&] { AtomicFile file(folder / "no/such/out"); }, ErrorCode::kNotFound,
               folder / "no/such/out: cannot create: No such file or directory");
  expect_error([&] { AtomicFile file(folder.path()); }, ErrorCode::kNotFound,
               folder.path() + ": expected a file, got a directory");
  expect_error([] { AtomicFile file(""); }, ErrorCode::kNotFound, "expected a file name, got an empty one");
  expect_error([&] { AtomicFile file(folder / std::string("a\0b", 3)); }, ErrorCode::kNotFound,
               folder / "a\\x00b: expected a file name, got one with a zero byte");
  folder.put("file", "");
  expect_error([&] { AtomicFile file(folder / "file/out"); }, ErrorCode::kNotFound,
               folder / "file/out: cannot create: Not a directory");
  EXPECT_EQ(folder.names(), Names{"file"});
}

TEST(AtomicFile, IsDeniedByAReadOnlyFolder) {
  const TestFolder folder;
  chmod(folder.path().c_str(), 0555);
  {
    const Nobody nobody;
    if (!nobody.can_be_denied()) GTEST_SKIP() << "root that cannot become another user";
    expect_error([&] { AtomicFile file(folder / "out"); }, ErrorCode::kNotFound,
                 folder / "out: cannot create: Permission denied");
  }
  chmod(folder.path().c_str(), 0755);
}

TEST(AtomicFile, IsDeniedByAReadOnlyFile) {
  const TestFolder folder;
  folder.put("out", "old");
  chmod((folder / "out").c_str(), 0444);
  chmod(folder.path().c_str(), 0777);
  {
    const Nobody nobody;
    if (!nobody.can_be_denied()) GTEST_SKIP() << "root that cannot become another user";
    expect_error([&] { AtomicFile file(folder / "out"); }, ErrorCode::kNotFound,
                 folder / "out: cannot write: Permission denied");
  }
  EXPECT_EQ(folder.get("out"), "old");
}

TEST(AtomicFile, SaysThatTheDiskIsFull) {
  const std::string message = "/dev/full: cannot write: No space left on device";
  expect_error([] { write_file("/dev/full", "x"); }, ErrorCode::kExhausted, message);
  expect_error([] { AtomicFile("/dev/full").write(std::string(2'000'000, 'x')); }, ErrorCode::kExhausted,
               message);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full")) << "a device is written, not replaced";
}

TEST(AtomicFile, LeavesTheOldFileWhenTheDiskIsFull) {
  const TestFolder folder;
  folder.put("out", "old");
  // A limit on the length of files stands for the full disk.
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 100'000, before.rlim_max };
  setrlimit(RLIMIT_FSIZE, &small);
  expect_error([&] { write_file(folder / "out", std::string(200'000, 'x')); }, ErrorCode::kExhausted,
               folder / "out: cannot write: File too large");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(folder.get("out"), "old");
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(AtomicFile, WritesAPipeThrough) {
  const TestFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read_file(pipe, std::string::npos); });
  write_file(pipe, std::string(300'000, 'p'));
  reader.join();
  EXPECT_EQ(got, std::string(300'000, 'p'));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(AtomicFile, AppendsToTheStreamThatANameStandsFor) {
  // Standard output led into a file: replacing that file would cut off what is printed afterwards.
  const TestFolder folder;
  std::fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  const int out = open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(out, STDOUT_FILENO);
  close(out);
  std::filesystem::create_symlink("/dev/stdout", folder / "link");
  EXPECT_EQ(::write(STDOUT_FILENO, "before ", 7), 7);
  write_file("/dev/stdout", "inside ");
  write_file(cat("/dev/fd/", STDOUT_FILENO), "again ");
  write_file(folder / "link", "linked ");
  EXPECT_EQ(::write(STDOUT_FILENO, "after", 5), 5);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  EXPECT_EQ(folder.get("out"), "before inside again linked after");
  EXPECT_EQ(folder.names(), (Names{"link", "out"}));
}

TEST(AtomicFile, RefusesADescriptorThatIsNotOpen) {
  expect_error([] { AtomicFile file("/dev/fd/987"); }, ErrorCode::kNotFound,
               "/dev/fd/987: cannot write: Bad file descriptor");
}

TEST(AtomicFile, ClosesItsDescriptors) {
  const TestFolder folder;
  const auto next_descriptor = [] {
    const int fd = open("/dev/null", O_RDONLY);
    close(fd);
    return fd;
  };
  const int before = next_descriptor();
  write_file(folder / "out", "x");
  { AtomicFile file(folder / "other"); }
  EXPECT_THROW(AtomicFile(folder / "no/out"), Error);
  EXPECT_THROW(MappedFile::open(folder.path()), Error);
  EXPECT_EQ(next_descriptor(), before);
}

}  // namespace
}  // namespace moonbeam::base
