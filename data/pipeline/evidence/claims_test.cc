#include <gtest/gtest.h>

#include "data/pipeline/evidence/claim_check.h"
#include "data/pipeline/evidence/test_records.h"

namespace moonbeam::pipeline {
namespace {

std::string fault(const std::string& text, const Claim& claim) {
  Source source;
  source.id = claim.source;
  source.text = source.raw = text;
  return claim_fault(claim, source, test_lexicon());
}

TEST(Claims, TheirQuotesStandInTheirTexts) {
  const std::string text = "Two brown dogs run on the grass, a puppy and no cat.";
  EXPECT_EQ(fault(text, test_claim("existence", "dog", "exists", "", "Two brown dogs", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("existence", "dog", "exists", "", "two brown dogs", "K1")),
            "quote-not-in-source");
  EXPECT_EQ(fault(text, test_claim("existence", "umbrella", "exists", "", "Two brown dogs", "K1")),
            "quote-without-subject");
  EXPECT_EQ(fault(text, test_claim("existence", "dog", "exists", "", "a puppy", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("existence", "cat", "exists", "", "no cat", "K1")), "negated");
  EXPECT_EQ(fault(text, test_claim("attribute", "dog", "colour", "black", "brown dogs", "K1")),
            "quote-without-object");
  EXPECT_EQ(fault(text, test_claim("attribute", "dog", "colour", "brown", "brown dogs", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("attribute", "horse", "colour", "brown", "brown dogs", "K1")),
            "subject-not-in-source");
  EXPECT_EQ(fault(text, test_claim("count", "dog", "count", "2", "Two brown dogs", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("count", "dog", "count", "3", "Two brown dogs", "K1")),
            "quote-without-object");
  EXPECT_EQ(fault(text, test_claim("count", "dog", "count", "many", "Two brown dogs", "K1")),
            "count-without-number");
  EXPECT_EQ(fault(text, test_claim("action", "dog", "is running", "", "dogs run", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("relation", "dog", "on", "grass", "dogs run on the grass", "K1")), "");
  EXPECT_EQ(fault(text, test_claim("existence", "dog", "exists", "", "", "K1")), "empty");
  EXPECT_EQ(
      fault("a plain background", test_claim("existence", "background", "exists", "", "background", "K1")),
      "no-thing");
}

TEST(Claims, TheHandWrittenExamplesKeepTheRules) {
  for (const Example& example : test_prompts().at("S3").examples) {
    std::map<std::string, std::string> texts;
    for (const Json& one : example.input["sources"]) texts[one["id"]] = one["text"];
    for (const Json& one : example.output["claims"]) {
      Claim claim = test_claim(one["type"], one["subject"], one["predicate"], one["object"], one["quote"],
                               one["source"]);
      tidy(claim, {}, test_lexicon());
      EXPECT_EQ(fault(texts.at(claim.source), claim), "") << one.dump();
    }
  }
  EXPECT_GE(test_prompts().at("S3").examples.size(), 64u);  // data.md, E3
}

Json row(const std::string& type, const std::string& subject, const std::string& predicate,
         const std::string& object, const std::string& quote, const std::string& source) {
  return {{"id", "c"},        {"type", type},   {"subject", subject}, {"predicate", predicate},
          {"object", object}, {"quote", quote}, {"source", source}};
}

Record found(std::vector<InputInstance> boxes, std::vector<std::string> captions, const Json& rows) {
  base::KeySection keys = no_keys();
  const auto stage = make_s3(keys);
  Record record = test_record(boxes, captions);
  make_facts(record);
  run_stage(*stage, record, test_context(), [&](const llm::Call&) { return answer({{"claims", rows}}); });
  return record;
}

std::string said(const Claim& one) {
  return one.type + " " + one.subject + " " + one.predicate + " " + one.object;
}

TEST(S3, OneClaimForWhatSeveralCaptionsSay) {
  const Record record =
      found({test_box(1, "couch", 0, 0, 200, 200)}, {"A red sofa.", "The couch is Red", "A sofa"},
            {row("existence", "The sofas", "exists", "", "A red sofa", "K1"),
             row("existence", "couch", "exists", "", "The couch", "K2"),
             row("attribute", "couch", "color", "Red", "The couch is Red", "K2"),
             row("existence", "umbrella", "exists", "", "A sofa", "K3"),
             row("existence", "couch", "", "", "x", "K9")});
  ASSERT_EQ(record.claims.size(), 3u);
  EXPECT_EQ(said(record.claims[0]), "existence couch exists ");
  EXPECT_EQ(record.claims[0].evidence, (std::vector<std::string>{"K1", "K2"}));
  EXPECT_EQ(record.claims[0].thing, "O1");
  EXPECT_EQ(said(record.claims[1]), "attribute couch colour red");
  EXPECT_EQ(record.claims[2].dropped, "S3/quote-without-subject");
  EXPECT_EQ(record.counts.at("S3/quote-without-subject"), 1);
  EXPECT_EQ(record.counts.at("S3/no-source"), 1);
}

TEST(S3, OfSeveralThingsTheColourTellsWhichIsMeant) {
  const std::string text = "2 red stars and a blue star on the left.";
  const Record record = found({test_box(1, "star", 0, 0, 90, 90), test_box(2, "star", 100, 0, 90, 90),
                               test_box(3, "star", 200, 0, 90, 90)},
                              {text},
                              {row("existence", "star", "exists", "", "2 red stars", "K1"),
                               row("attribute", "star", "colour", "red", "red stars", "K1"),
                               row("count", "star", "count", "2", "2 red stars", "K1"),
                               row("relation", "star", "position", "left", "a blue star on the left", "K1")});
  ASSERT_EQ(record.claims.size(), 3u);
  EXPECT_EQ(said(record.claims[0]), "existence red star exists ");
  EXPECT_EQ(said(record.claims[1]), "count red star count 2");
  EXPECT_EQ(said(record.claims[2]), "relation blue star position left");
}

TEST(S3, WrittenTextIsAClaimOfItsOwn) {
  base::KeySection keys = no_keys();
  const auto stage = make_s3(keys);
  Record record = test_record({}, {});
  record.input.texts.push_back({.kind = "ocr", .text = "STOP", .source = "ocr#1", .box = {100, 100, 40, 20}});
  make_facts(record);
  EXPECT_EQ(run_stage(*stage, record, test_context(), [](const llm::Call&) { return llm::Result(); }), 0);
  ASSERT_EQ(record.claims.size(), 1u);
  EXPECT_EQ(said(record.claims[0]), "text text reads STOP");
  EXPECT_EQ(record.claims[0].box, (std::vector<double>{.25, .25, .35, .3}));
}

TEST(S3, TheMouseTellsWhichOfTwoDogsIsMeant) {
  Record record = test_record({test_box(1, "dog", 0, 100, 120, 120), test_box(2, "dog", 250, 100, 120, 120)},
                              {}, {"a dog with a collar"});
  auto& narrative = record.input.narratives[0];
  narrative.words = {{"a", 0, .5}, {"dog", .5, 1}, {"with", 1, 1.5}, {"a", 1.5, 2}, {"collar", 2, 2.5}};
  narrative.traces = {{}};
  for (int i = 0; i < 90; ++i) {
    narrative.traces[0].push_back({.75 + .02 * (i % 5), .4 + .02 * (i % 3), i / 30.0});
  }
  make_facts(record);
  base::KeySection keys = no_keys();
  run_stage(*make_s3(keys), record, test_context(), [&](const llm::Call&) {
    return answer({{"claims", {row("existence", "dog", "exists", "", "a dog", "N1")}}});
  });
  ASSERT_EQ(record.claims.size(), 1u);
  EXPECT_EQ(record.claims[0].thing, "O2");
}

TEST(S3, AFailedCallLeavesTheOtherTexts) {
  base::KeySection keys = no_keys();
  Record record = test_record({}, {"A dog."}, {"A cat."});
  make_facts(record);
  run_stage(*make_s3(keys), record, test_context(), [&](const llm::Call& call) {
    if (call.id.find("narratives") == std::string::npos) {
      return answer({{"claims", {row("existence", "dog", "exists", "", "A dog", "K1")}}});
    }
    llm::Result out;
    out.outcome = llm::Outcome::kCut;
    return out;
  });
  EXPECT_EQ(record.claims.size(), 1u);
  EXPECT_EQ(record.counts.at("S3/cut"), 1);
}

}  // namespace
}  // namespace moonbeam::pipeline
