#include "cli/sink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "cli/errors.h"
#include "cli/output.h"
#include "cli/test_folder.h"

namespace moonbeam::cli {
namespace {

std::string caption_line(const std::string& name) {
  Answer answer;
  answer.text = "A dog.";
  return json_line({name, 1, 1, {answer}}, Task::kCaption);
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kCancelled;
}

TEST(FileSink, ShowsNothingBeforeCommit) {
  const TestFolder folder;
  {
    FileSink sink(folder.path("out.txt"));
    sink.write("half");
    EXPECT_FALSE(folder.has("out.txt"));
  }
  EXPECT_EQ(folder.entries(), 0u);
  FileSink sink(folder.path("out.txt"));
  sink.write("whole\n");
  sink.commit();
  EXPECT_EQ(folder.get("out.txt"), "whole\n");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(FileSink, ReportsAFullDiskAndAMissingFolder) {
  EXPECT_EQ(code_of([] { FileSink("/dev/full").write("x"); }), ErrorCode::kExhausted);
  EXPECT_EQ(code_of([] { FileSink("/nowhere/at/all"); }), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([] { FileSink("/tmp"); }), ErrorCode::kNotFound);
}

TEST(FileSink, RemovesWhatKilledRunsLeft) {
  const TestFolder folder;
  FileSink running(folder.path("out.txt"));
  folder.put(".out.txt.1.part", "killed");
  folder.put(".out.txt.x.part", "of somebody else");
  folder.put(".other.txt.1.part", "of another output");
  EXPECT_EQ(code_of([&] { FileSink sink(folder.path("out.txt")); }), ErrorCode::kExhausted) << "same process";
  EXPECT_FALSE(folder.has(".out.txt.1.part"));
  EXPECT_TRUE(folder.has(".out.txt.x.part"));
  EXPECT_TRUE(folder.has(".other.txt.1.part"));
  running.write("whole\n");
  running.commit();
  EXPECT_EQ(folder.get("out.txt"), "whole\n");
}

TEST(FileSink, WritesThroughALink) {
  const TestFolder folder;
  folder.put("target.txt", "old");
  std::filesystem::create_symlink(folder.path("target.txt"), folder.path("link.txt"));
  FileSink sink(folder.path("link.txt"));
  sink.write("new");
  sink.commit();
  EXPECT_EQ(folder.get("target.txt"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link.txt")));
}

TEST(AppendSink, GoesOnWhereARunWasKilled) {
  const TestFolder folder;
  const std::string half = caption_line("c.png").substr(0, 20);
  const std::string path = folder.put("out.jsonl", caption_line("a.png") + caption_line("b\xff.png") + half);
  {
    AppendSink sink(path, Task::kCaption, {});
    EXPECT_TRUE(sink.answered("a.png"));
    EXPECT_TRUE(sink.answered("b\xff.png"));
    EXPECT_FALSE(sink.answered("b\xfe.png"));
    EXPECT_FALSE(sink.answered("c.png"));
    sink.write(caption_line("c.png"));
  }
  EXPECT_TRUE(AppendSink(path, Task::kCaption, {}).answered("c.png"));
  EXPECT_EQ(std::ranges::count(folder.get("out.jsonl"), '\n'), 3);
}

TEST(AppendSink, RefusesAnswersToOtherPrompts) {
  const TestFolder folder;
  const std::string path = folder.put("out.jsonl", caption_line("a.png"));
  EXPECT_EQ(code_of([&] { AppendSink(path, Task::kDetect, {"dog"}); }), ErrorCode::kInvalidArgument);
  Answer answer;
  answer.prompt = "dog";
  const std::string boxes = folder.put("boxes.jsonl", json_line({"a.png", 1, 1, {answer}}, Task::kDetect));
  EXPECT_EQ(code_of([&] { AppendSink(boxes, Task::kDetect, {"cat"}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { AppendSink(boxes, Task::kDetect, {"dog", "cat"}); }), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(AppendSink(boxes, Task::kDetect, {"dog"}).answered("a.png"));
  const std::string two = folder.put("two.jsonl", json_line({"a.png", 1, 1, {answer, answer}}, Task::kQuery));
  EXPECT_TRUE(AppendSink(two, Task::kQuery, {"dog", "dog"}).answered("a.png"));
  EXPECT_EQ(code_of([&] { AppendSink(two, Task::kQuery, {"dog"}); }), ErrorCode::kInvalidArgument);
}

TEST(AppendSink, RefusesAnswersMadeWithOtherOptions) {
  const TestFolder folder;
  Answer answer;
  const std::string options = R"({"model":"m","length":"short"})";
  const std::string path =
      folder.put("out.jsonl", json_line({"a.png", 1, 1, {answer}}, Task::kCaption, options));
  EXPECT_TRUE(AppendSink(path, Task::kCaption, {}, options).answered("a.png"));
  try {
    AppendSink(path, Task::kCaption, {}, R"({"model":"m","length":"normal"})");
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("line 1: length is \"short\", not \"normal\""),
              std::string::npos)
        << error.what();
  }
  const std::string silent = folder.put("silent.jsonl", caption_line("a.png"));
  EXPECT_EQ(code_of([&] { AppendSink(silent, Task::kCaption, {}, options); }), ErrorCode::kInvalidArgument);
}

TEST(AppendSink, RefusesWhatIsNoAnswerFile) {
  const TestFolder folder;
  for (const char* text : {"hello\n", "[1]\n", "{\"image\":1}\n", "{}\n", "hello", "{}"}) {
    const std::string path = folder.put("out.jsonl", text);
    EXPECT_EQ(code_of([&] { AppendSink(path, Task::kCaption, {}); }), ErrorCode::kCorrupt) << text;
    EXPECT_EQ(folder.get("out.jsonl"), text);
  }
}

TEST(AppendSink, NeedsARegularFile) {
  EXPECT_EQ(code_of([] { AppendSink("/dev/full", Task::kCaption, {}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([] { AppendSink("/tmp", Task::kCaption, {}); }), ErrorCode::kNotFound);
}

TEST(AppendSink, LetsOneRunWrite) {
  const TestFolder folder;
  const AppendSink first(folder.path("out.jsonl"), Task::kCaption, {});
  EXPECT_EQ(code_of([&] { AppendSink(folder.path("out.jsonl"), Task::kCaption, {}); }),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace moonbeam::cli
