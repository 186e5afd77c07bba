#include <gtest/gtest.h>

#include "data/pipeline/evidence/repair_check.h"
#include "data/pipeline/evidence/test_records.h"

namespace moonbeam::pipeline {
namespace {

std::string fault(const std::string& raw, const std::string& text, const Changes& changed = {}) {
  return repair_fault(raw, text, changed, test_lexicon(), {});
}

TEST(Repair, TakesSlipsOfTheEarThatAreListed) {
  EXPECT_EQ(
      fault("In this image we can sea um a bare and and 2 cups", "A bear and 2 cups.", {{"bare", "bear"}}),
      "");
  EXPECT_EQ(fault("a read bus", "A red bus.", {{"read", "red"}}), "");
  EXPECT_EQ(fault("to dogs", "Two dogs.", {{"to", "two"}}), "");
  for (const auto& [a, b] : {std::pair{"quay", "key"},
                             {"flour", "flower"},
                             {"wail", "whale"},
                             {"write", "right"},
                             {"plain", "plane"},
                             {"their", "there"}}) {
    EXPECT_EQ(sound_of(a), sound_of(b)) << a;
  }
}

TEST(Repair, RefusesWhatIsNew) {
  EXPECT_EQ(fault("A dog on grass", "A dog and a ball on grass."), "new-noun");
  EXPECT_EQ(fault("A dog on grass", "A dog and a ball on grass.", {{"grass", "ball"}}), "new-noun");
  EXPECT_EQ(fault("A bare on grass", "A bear on grass."), "new-noun") << "not listed";
  EXPECT_EQ(fault("A dog on grass", "A brown dog on grass."), "new-colour");
  EXPECT_EQ(fault("Dogs on grass", "Three dogs on grass."), "new-number");
  EXPECT_EQ(fault("A dog runs on grass", "A dog happily and quickly runs beautifully on grass."),
            "new-words");
}

TEST(Repair, RefusesWhatIsLost) {
  EXPECT_EQ(fault("There is no dog on the grass", "There is a dog on the grass."), "negation");
  EXPECT_EQ(fault("A dog, a cat, a bus, a tree", "A dog."), "lost-words");
  EXPECT_EQ(fault("A dog", " "), "empty");
}

llm::Result repaired(const std::string& text, const Json& changed = Json::array()) {
  return answer({{"text", text}, {"changed", changed}, {"unclear", {"grblx"}}});
}

TEST(S2, RepairsANarrativeAndLeavesCaptions) {
  base::KeySection keys = no_keys();
  const auto stage = make_s2(keys);
  Record record = test_record({test_box(1, "bear", 0, 0, 200, 200)}, {"a bare"}, {"um a bare on the left"});
  make_facts(record);
  const int calls = run_stage(*stage, record, test_context(), [](const llm::Call& call) {
    EXPECT_EQ(input_of(call)["hints"], Json({"bear"}));
    return repaired("A bear on the left.", {{{"from", "bare"}, {"to", "bear"}}});
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(record.sources[0].text, "A bear on the left.");
  EXPECT_EQ(record.sources[0].raw, "um a bare on the left");
  EXPECT_EQ(record.sources[0].unclear, std::vector<std::string>{"grblx"});
  EXPECT_FALSE(record.sources[0].low_trust);
  EXPECT_EQ(record.sources[1].text, "a bare");
}

TEST(S2, KeepsTheRawTextWhereTheRepairSaysMore) {
  base::KeySection keys = no_keys();
  const auto stage = make_s2(keys);
  for (const bool refuses : {false, true}) {
    Record record = test_record({}, {}, {"a dog on the left"});
    make_facts(record);
    run_stage(*stage, record, test_context(), [&](const llm::Call&) {
      llm::Result out = repaired("A dog and an umbrella on the left.");
      if (refuses) out.outcome = llm::Outcome::kRefusal;
      return out;
    });
    EXPECT_EQ(record.sources[0].text, "a dog on the left");
    EXPECT_TRUE(record.sources[0].low_trust);
    EXPECT_EQ(record.counts.at(refuses ? "S2/refusal" : "S2/new-noun"), 1);
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
