#include <gtest/gtest.h>

#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/test_records.h"

namespace moonbeam::pipeline {
namespace {

Claim held(const std::string& type, const std::string& subject, const std::string& predicate,
           const std::string& object, const std::string& source, bool by_code = false) {
  Claim out = test_claim(type, subject, predicate, object, "", source);
  out.accepted = true;
  out.by_code = by_code;
  out.by_sheet = by_code ? kSupported : kUnknown;
  return out;
}

Record merged(std::vector<Claim> claims, const Json& conflicts = Json::array(), int calls = 0) {
  Record record = test_record({test_box(1, "dog", 0, 0, 200, 200), test_box(2, "star", 200, 200, 90, 90)},
                              {"a", "b"}, {"c"});
  make_facts(record);
  record.claims = std::move(claims);
  number_claims(record);
  base::KeySection keys = no_keys();
  const int made = run_stage(*make_s5(keys), record, test_context(), [&](const llm::Call&) {
    return answer({{"conflicts", conflicts}});
  });
  EXPECT_EQ(made, calls);
  return record;
}

TEST(S5, TwoSourcesMakeOneClaim) {
  const Record record = merged(
      {held("existence", "dog", "exists", "", "N1"), held("existence", "dog", "exists", "", "K1", true)});
  EXPECT_EQ(record.claims[0].dropped, "S5/merged:C2");
  EXPECT_TRUE(record.claims[1].accepted);
  EXPECT_EQ(record.claims[1].evidence, (std::vector<std::string>{"K1", "N1", "C1"}));
}

TEST(S5, TheMoreSpecificStays) {
  const Record record = merged({held("existence", "animal", "exists", "", "N1", true),
                                held("existence", "dog", "exists", "", "K1", true),
                                held("relation", "dog", "position", "left", "K1", true),
                                held("relation", "dog", "position", "top left", "K2", true)});
  EXPECT_EQ(record.claims[0].dropped, "S5/less-specific:C2");
  EXPECT_EQ(record.claims[2].dropped, "S5/less-specific:C4");
}

TEST(S5, OfTwoColoursTheOneThatCodeHasSeenStays) {
  const Record one = merged({held("attribute", "star", "colour", "red", "K1", true),
                             held("attribute", "star", "colour", "blue", "N1")});
  EXPECT_TRUE(one.claims[0].accepted);
  EXPECT_EQ(one.claims[1].dropped, "S5/conflict:C1");
  const Record none = merged(
      {held("attribute", "star", "colour", "red", "K1"), held("attribute", "star", "colour", "blue", "N1")});
  EXPECT_FALSE(none.claims[0].accepted || none.claims[1].accepted);
  EXPECT_EQ(none.counts.at("S5/conflict"), 2);
  const Record both = merged(
      {held("attribute", "dog", "colour", "black", "K1"), held("attribute", "dog", "colour", "white", "K1")},
      Json::array(), 1);
  EXPECT_TRUE(both.claims[0].accepted && both.claims[1].accepted) << "a black and white dog";
}

TEST(S5, AModelIsAskedForWhatCodeDoesNotSee) {
  const std::vector<Claim> claims = {held("action", "dog", "sleeping", "", "K1"),
                                     held("action", "dog", "running", "", "K2"),
                                     held("attribute", "dog", "state", "furry", "K1")};
  const Record record = merged(claims, {{{"a", "C1"}, {"b", "C2"}}, {{"a", "C1"}, {"b", "C9"}}}, 1);
  EXPECT_FALSE(record.claims[0].accepted);
  EXPECT_FALSE(record.claims[1].accepted);
  EXPECT_TRUE(record.claims[2].accepted);
  const Record untouched = merged(claims, {{{"a", "C7"}, {"b", "C7"}}}, 1);
  EXPECT_TRUE(untouched.claims[0].accepted && untouched.claims[1].accepted);
}

}  // namespace
}  // namespace moonbeam::pipeline
