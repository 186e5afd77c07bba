// Folders written all or not at all, and what killed writers leave.
#include "base/temporary.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"

namespace moonbeam::base {
namespace {

using Names = std::vector<std::string>;

/// Runs `work` in a process of its own, which is killed afterwards.
void run_and_kill(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    ::kill(getpid(), SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

void leave_a_file(const TestFolder& folder, const std::string& name) {
  run_and_kill([&] {
    auto* file = new AtomicFile(folder / name);
    file->write(std::string(3'000'000, 'x'));
  });
}

TEST(AtomicFolder, HasItsNameOnlyAfterCommit) {
  const TestFolder folder;
  AtomicFolder made(folder / "out/");
  AtomicFile file(made.path() + "/inside");
  file.write("content");
  file.commit();
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  made.commit();
  EXPECT_EQ(folder.names(), Names{"out"});
  EXPECT_EQ(folder.get("out/inside"), "content");
}

TEST(AtomicFolder, LeavesNothingWithoutCommit) {
  const TestFolder folder;
  {
    const AtomicFolder made(folder / "out");
    folder.put(std::filesystem::path(made.path()).filename().string() + "/inside", "content");
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(AtomicFolder, TakesThePlaceOfAnEmptyFolderOnly) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "empty");
  AtomicFolder(folder / "empty").commit();
  folder.put("used/file", "");
  EXPECT_THROW(AtomicFolder(folder / "used").commit(), Error);
  EXPECT_EQ(folder.names(), (Names{"empty", "used"}));
  try {
    const AtomicFolder none(folder / "no/such");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), folder / "no/such: cannot make the folder: No such file or directory");
  }
}

TEST(Leftovers, OfKilledWritersAreRemovedByTheNextOne) {
  const TestFolder folder;
  leave_a_file(folder, "out");
  EXPECT_EQ(folder.names().size(), 1u);
  run_and_kill([&] { new AtomicFolder(folder / "made"); });
  EXPECT_EQ(folder.names().size(), 1u) << "the folder, which is not yet full";
  AtomicFile file(folder / "out");
  file.commit();
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(Leftovers, AreLookedForOnceAProcess) {
  const TestFolder folder;
  AtomicFile(folder / "first").commit();
  leave_a_file(folder, "out");
  AtomicFile(folder / "second").commit();
  EXPECT_EQ(folder.names().size(), 3u);
  remove_leftovers(folder.path());
  EXPECT_EQ(folder.names(), (Names{"first", "second"}));
}

TEST(Leftovers, WhatIsBeingWrittenStays) {
  const TestFolder folder;
  AtomicFile file(folder / "file");
  AtomicFolder made(folder / "folder");
  run_and_kill([&] { remove_leftovers(folder.path()); });
  file.commit();
  made.commit();
  EXPECT_EQ(folder.names(), (Names{"file", "folder"}));
}

TEST(Leftovers, HaveNamesThatNobodyElseGives) {
  const TestFolder folder;
  const Names others = {".moonbeam-1-2.tmp.bak", ".moonbeam-1.tmp", ".moonbeam-a-1.tmp", ".moonbeam.tmp",
                        "moonbeam-1-2.tmp"};
  for (const std::string& name : others) folder.put(name, "");
  folder.put(".moonbeam-1-2.tmp", "");
  remove_leftovers(folder.path());
  EXPECT_EQ(folder.names(), others);
}

TEST(Leftovers, OfAFolderThatIsNotThereAreNone) {
  remove_leftovers("/no/such/folder");
}

}  // namespace
}  // namespace moonbeam::base
