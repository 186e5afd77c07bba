#include "train/tokenizer/tokenizer_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <moonbeam/error.h>

#include "base/file.h"
#include "base/test_folder.h"
#include "text/tokenizer.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;

TEST(TokenizerFiles, LearnFromLinesOfSeveralFiles) {
  const TestFolder folder;
  std::ofstream(folder / "a.txt") << "a dog\r\na dog\n\na dog";
  std::ofstream(folder / "b.txt") << "two cups\ntwo cups\n";
  const TokenizerReport report =
      train_tokenizer({folder / "a.txt", folder / "b.txt"}, {}, folder / "tokenizer.json");
  EXPECT_EQ(report.lines, 6u);
  EXPECT_EQ(report.pieces, 4u);
  const text::Tokenizer tokenizer(
      formats::parse_tokenizer_json(base::read_file(folder / "tokenizer.json", 1 << 20), "tokenizer.json"));
  EXPECT_EQ(tokenizer.token_count(), report.tokens);
  EXPECT_EQ(tokenizer.encode("a dog", false).size(), 2u);
  EXPECT_EQ(tokenizer.encode("two cups", false).size(), 2u);
}

TEST(TokenizerFiles, LeaveNothingBehindWhereTheyFail) {
  const TestFolder folder;
  const std::string out = folder / "tokenizer.json";
  EXPECT_THROW(train_tokenizer({folder / "absent.txt"}, {}, out), Error);
  std::ofstream(folder / "empty.txt") << "\n\n";
  EXPECT_THROW(train_tokenizer({folder / "empty.txt"}, {}, out), Error);
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace moonbeam::train
