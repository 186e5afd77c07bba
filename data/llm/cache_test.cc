// The log of answers and the ledger: what is kept, what a torn end or damage leaves, who may write.
#include "data/llm/cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/test_folder.h"
#include "data/llm/json_text.h"
#include "data/llm/ledger.h"

namespace moonbeam::llm {
namespace {

RequestId id(std::uint64_t number) {
  return {{mix(1, number), mix(2, number)}};
}

Result answer(const std::string& text) {
  Result result;
  result.outcome = Outcome::kAnswer;
  result.text = text;
  result.value = {{"a", text}};
  result.usage = {10, 5, 2};
  result.endpoint = "e", result.served = "s";
  result.http_status = 200, result.attempts = 1;
  return result;
}

TEST(Cache, IsLookedIntoWithoutATrace) {
  const base::TestFolder folder;
  EXPECT_EQ(Cache(folder / "nowhere").stats().rows, 0u);
  EXPECT_FALSE(std::filesystem::exists(folder / "nowhere"));
  Cache writer(folder.path(), "w");
  writer.append(id(1), answer("one"));
  Cache reader(folder.path());
  EXPECT_EQ(reader.find(id(1))->text, "one");
  writer.append(id(2), answer("two"));
  reader.refresh();
  EXPECT_TRUE(reader.contains(id(2)));
  EXPECT_THROW(reader.append(id(3), answer("three")), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Cache, KeepsAnswersAndFailuresOverRuns) {
  const base::TestFolder folder;
  {
    Cache cache(folder.path(), "w");
    cache.append(id(1), answer("one"));
    Result bad = answer("");
    bad.outcome = Outcome::kWrongSchema;
    bad.message = "claims: missing";
    bad.value = nullptr;
    cache.append(id(2), bad);
    cache.append(id(1), answer("not again"));
    cache.sync();
    EXPECT_EQ(cache.find(id(1))->text, "one");
  }
  Cache cache(folder.path(), "w");
  EXPECT_EQ(cache.stats().rows, 2U);
  const Result one = *cache.find(id(1));
  EXPECT_EQ(one.text, "one");
  EXPECT_EQ(one.value["a"], "one");
  EXPECT_EQ(one.usage.completion, 5);
  EXPECT_TRUE(one.cached);
  EXPECT_EQ(one.tries, 0);
  const Result two = *cache.find(id(2));
  EXPECT_EQ(two.outcome, Outcome::kWrongSchema);
  EXPECT_EQ(two.message, "claims: missing");
  EXPECT_FALSE(cache.find(id(3)));
  EXPECT_FALSE(cache.contains(id(3)));
}

TEST(Cache, CutsATailAtEveryLength) {
  const base::TestFolder folder;
  {
    Cache cache(folder.path(), "w");
    for (std::uint64_t i = 0; i < 3; ++i) cache.append(id(i), answer("text " + std::to_string(i)));
  }
  const std::string whole = folder.get("w.log");
  std::size_t last = 0;
  for (std::size_t at = 0; (at = whole.find("!ROW", at)) != std::string::npos; ++at) last = at;
  for (std::size_t length = last; length < whole.size(); ++length) {
    folder.put("w.log", whole.substr(0, length));
    Cache cache(folder.path(), "w");
    EXPECT_EQ(cache.stats().rows, 2U);
    EXPECT_EQ(cache.stats().cut, length - last);
    cache.append(id(7), answer("after"));
    EXPECT_EQ(cache.find(id(7))->text, "after");
    EXPECT_EQ(cache.find(id(1))->text, "text 1");
  }
  for (std::size_t length = 0; length < 10; ++length) {  // killed while the log was made
    folder.put("w.log", whole.substr(0, length));
    EXPECT_EQ(Cache(folder.path(), "w").stats().rows, 0U);
  }
}

TEST(Cache, LosesOnlyTheRowThatIsDamaged) {
  const base::TestFolder folder;
  {
    Cache cache(folder.path(), "w");
    for (std::uint64_t i = 0; i < 5; ++i) cache.append(id(i), answer("text " + std::to_string(i)));
  }
  std::string bytes = folder.get("w.log");
  const std::size_t at = bytes.find("text 2");
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  folder.put("w.log", bytes);
  Cache cache(folder.path(), "w");
  EXPECT_EQ(cache.stats().rows, 4U);
  EXPECT_GT(cache.stats().damaged, 0U);
  EXPECT_EQ(cache.stats().cut, 0U);
  EXPECT_FALSE(cache.find(id(2)));
  EXPECT_EQ(cache.find(id(4))->text, "text 4");
}

TEST(Cache, HasOneWriterALogAndManyReaders) {
  const base::TestFolder folder;
  Cache one(folder.path(), "one");
  EXPECT_THROW(Cache(folder.path(), "one"), Error);
  Cache two(folder.path(), "two");
  one.append(id(1), answer("of one"));
  EXPECT_FALSE(two.contains(id(1)));
  two.refresh();
  EXPECT_EQ(two.find(id(1))->text, "of one");
  Cache three(folder.path(), "three");  // a log that comes after the folder was read
  three.append(id(2), answer("of three"));
  one.refresh();
  EXPECT_EQ(one.find(id(2))->text, "of three");
}

TEST(Cache, RefusesAFileThatIsNoLog) {
  const base::TestFolder folder;
  folder.put("w.log", "some other file, long enough");
  EXPECT_THROW(Cache(folder.path(), "w"), Error);
  EXPECT_EQ(folder.get("w.log"), "some other file, long enough");
}

TEST(Cache, GivesBackValuesAsDeepAsAnswersMayBe) {
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  const std::string deepest = std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']');
  Result result = answer(deepest);
  bool mended = false;
  result.value = find_json(deepest, mended).value();
  cache.append(id(1), result);
  EXPECT_EQ(cache.find(id(1))->value, result.value);
}

TEST(Cache, TextThatIsNoUtf8DoesNotStopIt) {
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  Result odd = answer("x");
  odd.message = "\xff";
  cache.append(id(1), odd);
  EXPECT_EQ(cache.find(id(1))->text, "x");
}

TEST(Ledger, CountsByImageAndCutsATornLine) {
  const base::TestFolder folder;
  {
    Ledger ledger(folder / "l.jsonl", "run", "shard");
    LedgerRow row;
    row.image = "a", row.stage = "S7", row.status = "answer";
    row.spent = {1, {100, 20, 50}, 0.25, 1.5};
    ledger.add(row);
    ledger.add(row);
    row.image = "b";
    ledger.add(row);
    EXPECT_EQ(ledger.of_image("a").calls, 2);
    EXPECT_THROW(Ledger(folder / "l.jsonl"), Error) << "in use";
  }
  const std::string whole = folder.get("l.jsonl");
  folder.put("l.jsonl", whole + "{\"time\":\"2026");
  Ledger ledger(folder / "l.jsonl");
  EXPECT_EQ(folder.get("l.jsonl"), whole);
  EXPECT_EQ(ledger.total().calls, 3);
  EXPECT_EQ(ledger.total().tokens(), 360);
  EXPECT_DOUBLE_EQ(ledger.total().money, 0.75);
  EXPECT_EQ(ledger.of_image("b").calls, 1);
  ledger.forget("b");
  EXPECT_EQ(ledger.of_image("b").calls, 0);
  EXPECT_EQ(ledger.total().calls, 3);
}

TEST(Ledger, NamesALineThatIsNoneOfItsOwn) {
  const base::TestFolder folder;
  folder.put("l.jsonl", "{}\n");
  try {
    const Ledger ledger(folder / "l.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("l.jsonl:1"), std::string::npos);
  }
}

TEST(Purse, WaitsWhereWhatIsUnderWayMayBeCheaperAndStopsWhereItCannotBePaid) {
  Ledger ledger;
  Purse purse({.money = 1, .image_calls = 2}, ledger);
  Spent worst;
  worst.calls = 1, worst.money = 0.4;
  EXPECT_EQ(purse.ask("a", worst), Purse::Verdict::kGo);
  purse.set_aside("a", worst);
  purse.set_aside("b", worst);
  EXPECT_EQ(purse.ask("c", worst), Purse::Verdict::kWait);
  purse.put_back("b", worst);
  EXPECT_EQ(purse.ask("c", worst), Purse::Verdict::kGo);
  LedgerRow row;
  row.image = "a";
  row.spent = {1, {}, 0.7, 0};
  purse.put_back("a", worst);
  ledger.add(row);
  EXPECT_EQ(purse.ask("c", worst), Purse::Verdict::kStop);
  worst.money = 0.1;
  EXPECT_EQ(purse.ask("a", worst), Purse::Verdict::kGo);
  purse.set_aside("a", worst);
  EXPECT_EQ(purse.ask("a", worst), Purse::Verdict::kWaitImage);
  purse.put_back("a", worst);
  row.spent = {1, {}, 0, 0};
  ledger.add(row);
  EXPECT_EQ(purse.ask("a", worst), Purse::Verdict::kStopImage);
}

}  // namespace
}  // namespace moonbeam::llm
