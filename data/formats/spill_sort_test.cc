#include "data/formats/spill_sort.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <algorithm>
#include <random>

#include "base/test_folder.h"

namespace moonbeam::data {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries sorted(const Entries& entries, std::size_t memory, std::size_t* runs = nullptr) {
  const base::TestFolder folder;
  SpillSort sort({memory, folder.path()});
  for (const auto& [key, value] : entries) sort.add(key, value);
  if (runs != nullptr) *runs = sort.runs();
  Entries out;
  sort.finish([&](std::string_view key, std::string_view value) { out.emplace_back(key, value); });
  EXPECT_TRUE(folder.names().empty());
  return out;
}

Entries random_entries(std::size_t count) {
  std::mt19937 random(11);
  Entries entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    entries[i].first = sort_key(static_cast<int>(random() % 50) - 25);
    entries[i].second = std::to_string(i) + std::string(random() % 100, 'x');
  }
  return entries;
}

TEST(SpillSort, GivesTheSameFromMemoryAndFromFiles) {
  const Entries entries = random_entries(3000);
  Entries expected = entries;
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t runs = 0;
  EXPECT_EQ(sorted(entries, 1 << 20, &runs), expected);
  EXPECT_EQ(runs, 0u);
  EXPECT_EQ(sorted(entries, 20'000, &runs), expected);
  EXPECT_GT(runs, 5u);
  EXPECT_EQ(sorted(entries, 500), expected);  // more runs than are merged at once
  EXPECT_EQ(sorted({}, 500), Entries{});
}

TEST(SpillSort, HoldsEntriesLargerThanItsMemory) {
  const Entries entries = {{"b", std::string(1 << 20, 'x')}, {"a", std::string(300'000, 'y')}, {"c", ""}};
  Entries expected = entries;
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(sorted(entries, 1000), expected);
}

TEST(SpillSort, ErrorsNameTheFolder) {
  const base::TestFolder folder;
  SpillSort sort({10, folder / "none"});
  sort.add("a", "b");
  try {
    for (int i = 0; i < 10; ++i) sort.add("a", "b");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("none: cannot create a temporary file"), std::string::npos);
  }
}

TEST(SpillSort, KeysOfNumbersSortAsTheyDo) {
  const std::int64_t numbers[] = {INT64_MIN, -300, -1, 0, 1, 255, 256, INT64_MAX};
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    EXPECT_EQ(number_of_key(sort_key(numbers[i])), numbers[i]);
    if (i > 0) {
      EXPECT_LT(sort_key(numbers[i - 1]), sort_key(numbers[i]));
    }
  }
}

}  // namespace
}  // namespace moonbeam::data
