#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/pipeline/evidence/audit.h"
#include "data/pipeline/evidence/questions.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/test_records.h"
#include "image/encode.h"

namespace moonbeam::pipeline {
namespace {

Claim about(const std::string& type, const std::string& subject, const std::string& predicate = "exists",
            const std::string& object = "") {
  return test_claim(type, subject, predicate, object, "", "K1");
}

std::string on_sheet(const Record& record, const Claim& claim) {
  return check_on_sheet(record, claim, test_lexicon()).is;
}

Record two_dogs() {
  Record record =
      test_record({test_box(1, "dog", 10, 150, 100, 100), test_box(2, "dog", 290, 150, 90, 90),
                   test_box(3, "couch", 100, 250, 200, 100), test_box(4, "person", 200, 10, 5, 5)},
                  {"text"});
  make_facts(record);
  return record;
}

TEST(SheetCheck, DecidesExistence) {
  const Record record = two_dogs();
  EXPECT_EQ(on_sheet(record, about("existence", "dog")), kSupported);
  EXPECT_EQ(on_sheet(record, about("existence", "sofa")), kSupported);
  EXPECT_EQ(on_sheet(record, about("existence", "puppy")), kSupported);
  EXPECT_EQ(on_sheet(record, about("existence", "animal")), kSupported);
  EXPECT_EQ(on_sheet(record, about("existence", "cat")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("existence", "kitten")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("existence", "person")), kUnknown) << "too small to be a fact";
  EXPECT_EQ(on_sheet(record, about("existence", "woman")), kUnknown);
  EXPECT_EQ(on_sheet(record, about("existence", "ladder")), kUnknown) << "of no class";
}

TEST(SheetCheck, AWiderNameShowsNoThingOfAClassOfItsOwn) {
  Record record = test_record({test_box(1, "bird", 10, 150, 100, 100)}, {});
  record.input.things = {"bird", "duck"};
  make_facts(record);
  EXPECT_EQ(on_sheet(record, about("existence", "duck")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("relation", "duck", "position", "left")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("existence", "sparrow")), kSupported);
}

TEST(SheetCheck, DecidesCounts) {
  Record record = two_dogs();
  EXPECT_EQ(on_sheet(record, about("count", "dog", "count", "2")), kSupported);
  EXPECT_EQ(on_sheet(record, about("count", "dog", "count", "3")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("count", "cat", "count", "1")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("count", "ladder", "count", "1")), kUnknown);
  record.sheet.counts[1].exact = false;  // of dogs
  EXPECT_EQ(on_sheet(record, about("count", "dog", "count", "5")), kUnknown);
  EXPECT_EQ(on_sheet(record, about("count", "dog", "count", "1")), kContradicted);
  record.sheet.objects[1].colour = "brown";
  EXPECT_EQ(on_sheet(record, about("count", "brown dog", "count", "1")), kUnknown);
}

TEST(SheetCheck, DecidesPlaces) {
  const Record record = two_dogs();
  EXPECT_EQ(on_sheet(record, about("relation", "dog", "position", "on the left")), kSupported);
  EXPECT_EQ(on_sheet(record, about("relation", "couch", "position", "middle")), kSupported);
  EXPECT_EQ(on_sheet(record, about("relation", "couch", "position", "top")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("relation", "dog", "position", "top left")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("relation", "cat", "position", "left")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("relation", "couch", "below", "dog")), kSupported);
  EXPECT_EQ(on_sheet(record, about("relation", "couch", "above", "dog")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("relation", "dog", "to the left of", "couch")), kSupported);
  EXPECT_EQ(on_sheet(record, about("relation", "dog", "looking at", "cat")), kContradicted)
      << "there is no cat";
  EXPECT_EQ(on_sheet(record, about("relation", "dog", "looking at", "couch")), kUnknown);
}

TEST(SheetCheck, DecidesClearColours) {
  Record record = two_dogs();
  for (SheetObject& one : record.sheet.objects) {
    if (one.name == "couch") one.colour = "red", one.colours = {"red", "white"};
  }
  EXPECT_EQ(on_sheet(record, about("attribute", "couch", "colour", "red")), kSupported);
  EXPECT_EQ(on_sheet(record, about("attribute", "couch", "colour", "blue")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("attribute", "couch", "colour", "white")), kUnknown);
  EXPECT_EQ(on_sheet(record, about("attribute", "dog", "colour", "brown")), kUnknown);
  EXPECT_EQ(on_sheet(record, about("existence", "blue couch")), kContradicted);
  EXPECT_EQ(on_sheet(record, about("existence", "brown dog")), kUnknown);
}

TEST(Audit, CountsWhatATextIntroduces) {
  const auto told = things_told("Two small dogs, a red cup and another cup. The dogs run; cats too, no bear.",
                                test_lexicon());
  EXPECT_EQ(told.at("dog"), 2);
  EXPECT_EQ(told.at("cup"), 2);
  EXPECT_EQ(told.at("cat"), -1);
  EXPECT_FALSE(told.contains("bear"));
}

Record audited(std::vector<InputInstance> boxes, std::vector<std::string> captions) {
  Record record = test_record(boxes, captions);
  make_facts(record);
  audit_sheet(record, test_lexicon(), 2);
  return record;
}

TEST(Audit, AThingThatTwoTextsNameIsNotDenied) {
  const Record record =
      audited({test_box(1, "dog", 0, 0, 200, 200)}, {"A dog and a cat.", "A cat with a dog", "A dog"});
  EXPECT_EQ(record.sheet.uncertain, std::vector<std::string>{"cat"});
  EXPECT_FALSE(record.has_exhaustive("cat"));
  EXPECT_TRUE(record.has_exhaustive("dog"));
  EXPECT_EQ(
      audited({test_box(1, "dog", 0, 0, 200, 200)}, {"A dog and a cat.", "A dog"}).sheet.uncertain.size(),
      0u);
}

TEST(Audit, WhereADuckMayBeABirdIsNotDenied) {
  Record record =
      test_record({test_box(1, "dog", 0, 0, 200, 200)}, {"A dog and a duck.", "A duck with a dog"});
  record.input.things = {"dog", "duck", "bird", "cat"};
  make_facts(record);
  audit_sheet(record, test_lexicon(), 2);
  EXPECT_EQ(record.sheet.exhaustive, (std::vector<std::string>{"cat", "dog"}));
}

TEST(Audit, ADisputedCountIsNotExact) {
  const Record record = audited({test_box(1, "dog", 0, 0, 200, 200)}, {"Two dogs.", "2 dogs", "A dog"});
  EXPECT_FALSE(record.sheet.counts[0].exact);
  EXPECT_FALSE(record.has_exhaustive("dog"));
  EXPECT_EQ(record.sheet.objects.size(), 1u);
}

TEST(Audit, AThingTakenForAnotherIsWithdrawn) {
  const Record record = audited({test_box(1, "dog", 0, 0, 200, 200), test_box(2, "bear", 200, 200, 100, 100)},
                                {"A dog and a cup.", "A cup and a dog", "A dog beside a cup"});
  EXPECT_EQ(record.sheet.objects.size(), 1u);
  ASSERT_EQ(record.sheet.disputed.size(), 1u);
  EXPECT_EQ(record.sheet.disputed[0].name, "bear");
  EXPECT_EQ(record.sheet.uncertain, (std::vector<std::string>{"cup", "bear"}));
  // Where captions leave much out, nothing follows.
  const Record lean = audited({test_box(1, "dog", 0, 0, 200, 200), test_box(2, "bear", 200, 200, 100, 100),
                               test_box(3, "couch", 200, 0, 100, 100)},
                              {"A dog and a cup.", "A cup and a dog"});
  EXPECT_TRUE(lean.sheet.disputed.empty());
}

Record claimed(const std::vector<InputInstance>& boxes, const std::vector<std::string>& captions,
               const std::vector<std::string>& narratives, std::vector<Claim> claims) {
  Record record = test_record(boxes, captions, narratives);
  make_facts(record);
  record.claims = std::move(claims);
  number_claims(record);
  return record;
}

int verify(Record& record, const Answers& answers, bool vision = false, const std::string& pictures = "") {
  base::KeySection keys = no_keys();
  Context context = test_context(vision);
  context.pictures = pictures;
  return run_stage(*make_s4(keys), record, context, answers);
}

const Answers kYesMan = [](const llm::Call& call) {
  const Json input = input_of(call);
  Json out = Json::array();
  for (const char* key : {"claims", "questions"}) {
    for (const Json& one : input.value(key, Json::array())) {
      out.push_back({{"id", one["id"]}, {"reason", ""}, {"verdict", "supported"}, {"answer", "yes"}});
    }
  }
  return answer({{"verdicts", out}, {"answers", out}});
};
const Answers kHonest = reader([](const Json&) { return "supported"; });

TEST(S4, APhantomOfANarrativeIsDropped) {
  Record record = claimed({test_box(1, "dog", 0, 0, 200, 200)}, {}, {"A dog and a red cat, a ladder"},
                          {test_claim("existence", "dog", "exists", "", "A dog", "N1"),
                           test_claim("existence", "cat", "exists", "", "a red cat", "N1"),
                           test_claim("attribute", "cat", "colour", "red", "a red cat", "N1"),
                           test_claim("existence", "ladder", "exists", "", "a ladder", "N1")});
  verify(record, kHonest);
  EXPECT_TRUE(record.claims[0].accepted);
  EXPECT_EQ(record.claims[1].dropped, "S4/not-on-sheet") << "of a class that is listed completely";
  EXPECT_EQ(record.claims[2].dropped, "S4/not-on-sheet");
  EXPECT_EQ(record.claims[3].dropped, "S4/nobody-saw-it");
}

TEST(S4, AColourNeedsTwoPeopleOrThePixels) {
  const auto colour = [](const std::string& value, const std::string& source) {
    return test_claim("attribute", "star", "colour", value, value + " star", source);
  };
  Record record = claimed({test_box(1, "star", 0, 0, 200, 200)}, {"A red star", "The red star"},
                          {"A blue star"}, {colour("red", "K1"), colour("blue", "N1")});
  record.claims[0].evidence = {"K1", "K2"};
  verify(record, kHonest);
  EXPECT_TRUE(record.claims[0].accepted);
  EXPECT_EQ(record.claims[1].dropped, "S4/one-source");

  Record seen = claimed({test_box(1, "star", 0, 0, 200, 200)}, {}, {"A blue star"}, {colour("blue", "N1")});
  seen.sheet.objects[0].colour = "blue";
  verify(seen, kHonest);
  EXPECT_TRUE(seen.claims[0].accepted);
  Record wrong = claimed({test_box(1, "star", 0, 0, 200, 200)}, {"A blue star"}, {"A blue star"},
                         {colour("blue", "N1")});
  wrong.claims[0].evidence = {"N1", "K1"};
  wrong.sheet.objects[0].colour = "red";
  verify(wrong, kHonest);
  EXPECT_EQ(wrong.claims[0].dropped, "S4/not-on-sheet");
}

TEST(S4, WhoAgreesWithAnythingIsNotHeard) {
  Record record = claimed({test_box(1, "dog", 0, 0, 200, 200)}, {"A dog runs", "dog running"}, {},
                          {test_claim("existence", "dog", "exists", "", "A dog", "K1"),
                           test_claim("action", "dog", "runs", "", "A dog runs", "K1")});
  record.claims[1].evidence = {"K1", "K2"};
  verify(record, kYesMan);
  EXPECT_EQ(record.claims[0].dropped, "S4/not-in-source");
  EXPECT_EQ(record.claims[1].dropped, "S4/not-in-source");
  EXPECT_EQ(record.counts.at("S4a/agrees-with-anything"), 1);
}

TEST(S4, BatchesHoldAtMostEightClaimsAndOneOfThemIsFalse) {
  std::vector<Claim> claims;
  for (int i = 0; i < 20; ++i) {
    claims.push_back(test_claim("action", "dog", "runs" + std::to_string(i), "", "A dog runs", "K1"));
  }
  Record record = claimed({test_box(1, "dog", 0, 0, 200, 200)}, {"A dog runs"}, {}, claims);
  std::vector<std::string> order;
  std::set<std::string> places;
  const int calls = verify(record, [&](const llm::Call& call) {
    const Json rows = input_of(call)["claims"];
    EXPECT_LE(rows.size(), 8u);
    EXPECT_EQ(call.sampling.temperature, 0);
    int controls = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      order.push_back(rows[i]["id"]);
      if (rows[i]["id"] == "X0") ++controls, places.insert(std::to_string(i));
    }
    EXPECT_EQ(controls, 1);
    return kHonest(call);
  });
  EXPECT_EQ(calls, 3);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

class Sight : public testing::Test {
 protected:
  Sight() {
    Image image{40, 40, std::vector<std::uint8_t>(4800, 90)};
    std::string bytes;
    image::encode_jpeg(image, 90, "test", [&](std::string_view piece) { bytes += piece; });
    folder_.put("none.jpg", bytes);
  }
  /// Reads honestly; sees what `sees` answers.
  Answers eyes(const std::function<std::string(const std::string& q)>& sees) {
    return [sees](const llm::Call& call) {
      if (call.model != "eyes") return kHonest(call);
      Json out = Json::array();
      const Json questions = input_of(call)["questions"];
      for (const Json& one : questions) {
        out.push_back({{"id", one["id"]}, {"reason", ""}, {"answer", sees(one["q"])}});
      }
      return answer({{"answers", out}});
    };
  }
  base::TestFolder folder_;
};

TEST_F(Sight, OpenThingsAreLookedForAndYesToBothIsNothing) {
  const auto ladder = [] {
    return claimed({}, {"A ladder"}, {}, {test_claim("existence", "ladder", "exists", "", "A ladder", "K1")});
  };
  const auto asks_if_not = [](const std::string& q) { return q.find("no ladder") != std::string::npos; };
  Record there = ladder(), missing = ladder(), agreeable = ladder();
  verify(there, eyes([&](const std::string& q) { return asks_if_not(q) ? "No." : "Yes, on the left"; }), true,
         folder_.path());
  EXPECT_TRUE(there.claims[0].accepted) << there.claims[0].dropped;
  verify(missing, eyes([&](const std::string& q) { return asks_if_not(q) ? "yes" : "no"; }), true,
         folder_.path());
  EXPECT_EQ(missing.claims[0].dropped, "S4/not-seen");
  verify(agreeable, eyes([&](const std::string&) { return "yes"; }), true, folder_.path());
  EXPECT_EQ(agreeable.claims[0].dropped, "S4/nobody-saw-it");
  EXPECT_EQ(agreeable.counts.at("S4c/yes-to-both"), 1);
}

TEST_F(Sight, AskedOfACutWhereTheThingIsKnown) {
  Record record = claimed({test_box(1, "dog", 0, 0, 200, 200)}, {"A furry dog"}, {},
                          {test_claim("existence", "dog", "exists", "", "A furry dog", "K1"),
                           test_claim("attribute", "dog", "state", "furry", "A furry dog", "K1")});
  record.claims[1].thing = "O1";
  record.claims[1].box = {0, 0, .5, .5};
  int looks = 0;
  verify(
      record,
      [&](const llm::Call& call) {
        if (call.model == "eyes") {
          ++looks;
          EXPECT_NE(call.id.find("c:O1"), std::string::npos) << call.id;
          EXPECT_EQ(call.messages.back().pictures.size(), 1u);
        }
        return eyes([](const std::string& q) { return q.find("wrong") != std::string::npos ? "no" : "yes"; })(
            call);
      },
      true, folder_.path());
  EXPECT_EQ(looks, 2);
  EXPECT_TRUE(record.claims[1].accepted);
  EXPECT_EQ(record.claims[1].by_picture, kSupported);
}

TEST(Questions, AColourIsAskedForOpenlyAndSwapped) {
  data::Stream draws(1, 2, 3, data::Part::kPipeline);
  const SightQuestions asked =
      questions_about(about("attribute", "dog", "colour", "red"), test_lexicon(), draws);
  EXPECT_EQ(asked.neutral, "What color is the dog?");
  EXPECT_EQ(asked.swapped, "Is the dog " + asked.other + "?");
  EXPECT_NE(asked.other, "red");
  EXPECT_EQ(seen(asked, "Red", "no"), kSupported);
  EXPECT_EQ(seen(asked, "red", "yes"), kUnknown);
  EXPECT_EQ(seen(asked, asked.other, "yes"), kContradicted);
  EXPECT_EQ(seen(asked, "unknown", "no"), kUnknown);
  EXPECT_EQ(clause_of(about("relation", "man", "holding", "umbrella"), test_lexicon()),
            "the man is holding the umbrella");
  EXPECT_EQ(clause_of(about("action", "dog", "runs", ""), test_lexicon()), "the dog runs");
}

TEST(S4, WrittenTextMustBeRead) {
  Record record = test_record({}, {"A sign that says STOP"});
  record.input.texts.push_back({.kind = "ocr", .text = "STOP"});
  make_facts(record);
  record.claims = {test_claim("text", "sign", "reads", "STOP", "says STOP", "K1"),
                   test_claim("text", "sign", "reads", "SHOP", "says SHOP", "K1")};
  number_claims(record);
  verify(record, kHonest);
  EXPECT_TRUE(record.claims[0].accepted);
  EXPECT_EQ(record.claims[1].dropped, "S4/text-not-read");
}

}  // namespace
}  // namespace moonbeam::pipeline
