// Whose turn it is.
#include "tasks/scheduler_turns.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace moonbeam::tasks {
namespace {

std::string served(Turns<std::string>& turns) {
  std::string out;
  while (!turns.empty()) out += turns.next() + " ";
  return out;
}

TEST(Turns, ClientsAreServedInTurnAndEachInItsOrder) {
  Turns<std::string> turns;
  for (const char* item : {"a1", "a2", "a3"}) turns.add("a", item);
  turns.add("b", "b1");
  for (const char* item : {"c1", "c2"}) turns.add("c", item);
  EXPECT_EQ(turns.size(), 6u);
  EXPECT_EQ(served(turns), "a1 b1 c1 a2 c2 a3 ");
}

TEST(Turns, ANewcomerIsNextAfterWhoeverWasServedLast) {
  Turns<std::string> turns;
  for (const char* item : {"a1", "a2", "a3"}) turns.add("a", item);
  EXPECT_EQ(turns.next(), "a1");
  turns.add("b", "b1");
  turns.add("c", "c1");
  EXPECT_EQ(served(turns), "b1 c1 a2 a3 ");
}

TEST(Turns, NewcomersDoNotStarveAnybody) {
  Turns<int> turns;
  std::mt19937 random(1);
  std::map<int, int> passed;  // services since the client waits
  int clients = 0;
  for (int i = 0; i < 20; ++i) turns.add("old", -1);
  for (int i = 0; i < 200; ++i) {
    for (auto k = random() % 3; k > 0; --k) {
      ++clients;
      turns.add(std::to_string(clients), clients);
      passed[clients] = static_cast<int>(turns.size());
    }
    if (turns.empty()) break;
    const int item = turns.next();
    passed.erase(item);
    for (auto& [client, left] : passed) EXPECT_GE(--left, 0) << client;
  }
}

TEST(Turns, ThoseTakenOutLoseTheirTurns) {
  Turns<std::string> turns;
  for (const char* item : {"a1", "a2"}) turns.add("a", item);
  turns.add("b", "b1");
  turns.add("c", "c1");
  const auto taken = turns.take_if([](const std::string& item) { return item == "a1" || item == "b1"; });
  EXPECT_EQ(taken, (std::vector<std::string>{"a1", "b1"}));
  EXPECT_EQ(turns.size(), 2u);
  EXPECT_EQ(served(turns), "a2 c1 ");
  EXPECT_TRUE(turns.take_if([](const std::string&) { return true; }).empty());
}

}  // namespace
}  // namespace moonbeam::tasks
