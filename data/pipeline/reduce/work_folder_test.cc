#include "data/pipeline/reduce/work_folder.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <filesystem>

#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

std::vector<std::string> keys_of(const WorkFolder& work, int threads) {
  std::vector<std::string> out;
  work.each_chunk(threads,
                  [&](std::size_t, std::vector<Record>& records, std::span<const RecordPlace> places) {
                    for (std::size_t i = 0; i < records.size(); ++i) {
                      out.push_back(records[i].input.key);
                      EXPECT_EQ(work.read(places[i]).input.key, records[i].input.key);
                    }
                  });
  return out;
}

std::vector<std::vector<Record>> five_chunks() {
  std::vector<std::vector<Record>> out;
  for (int i = 0; i < 5; ++i) out.push_back({test_record(2 * i), test_record(2 * i + 1)});
  return out;
}

TEST(WorkFolder, GivesRecordsInThePlansOrderWhateverTheThreads) {
  const base::TestFolder folder;
  make_work(folder, five_chunks(), /*backwards=*/true);
  const WorkFolder work(folder / "work");
  EXPECT_EQ(work.pipeline(), "a41b");
  const std::vector<std::string> keys = keys_of(work, 1);
  ASSERT_EQ(keys.size(), 10u);
  EXPECT_EQ(keys[0], "coco-0");
  EXPECT_EQ(keys[9], "coco-9");
  EXPECT_EQ(keys_of(work, 3), keys);
}

TEST(WorkFolder, RefusesWhatIsNotDone) {
  const base::TestFolder folder;
  EXPECT_THROW(WorkFolder(folder / "work"), Error);
  make_work(folder, five_chunks());
  std::filesystem::remove(folder / "work/shards/00001/chunk-00001.done");
  EXPECT_THROW(WorkFolder(folder / "work"), Error);
}

TEST(WorkFolder, RefusesChunksThatAreNotWhatTheirMarkersSay) {
  const base::TestFolder folder;
  make_work(folder, five_chunks());
  const std::string name = "work/shards/00000/chunk-00000.jsonl";
  std::string text = folder.get(name);
  folder.put(name, text + "x");
  EXPECT_THROW(WorkFolder(folder / "work"), Error);
  text[text.find("coco-0")] = 'k';
  folder.put(name, text);
  const WorkFolder work(folder / "work");
  EXPECT_THROW(keys_of(work, 2), Error);
}

TEST(WorkFolder, RefusesFewerShardsThanPlanned) {
  const base::TestFolder folder;
  make_work(folder, five_chunks());
  std::filesystem::remove_all(folder / "work/shards/00001");
  EXPECT_THROW(WorkFolder(folder / "work"), Error);
}

}  // namespace
}  // namespace moonbeam::pipeline
