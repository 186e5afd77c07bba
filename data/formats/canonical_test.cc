#include "data/formats/canonical.h"

#include <gtest/gtest.h>

#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

const std::string kLine =
    R"({"v":1,"id":"coco:7#qa:count:0","image":{"key":"coco-000000000007","sha256":"ab","w":320,"h":240},)"
    R"("task":"query","qtype":"count","polarity":"pos","needs_detail":false,)"
    R"("turns":[{"q":"how many dogs are there","a":"2","style":"short"}],)"
    R"("regions":[{"label":"dog","box":[0.095,0.417,0.345,0.668]}],"evidence":["ann:501","ann:503"],)"
    R"("checks":{"claims":1,"supported":1,"judge":5},)"
    R"("prov":{"sources":["coco2017:instances"],"license":["cc-by-4.0"],"gen":"mixtral-8x7b@rev","seed":"5d1e"}})"
    "\n";

const auto read_all = [](ByteSource& source, Reading& reading) {
  read_canonical(
      source, [](const CanonicalSample&, std::uint64_t) {}, reading);
};

std::vector<CanonicalSample> samples_of(const std::string& text) {
  return canonical_samples_of(text, "t.json");
}

TEST(CanonicalSample, ComesBackByteForByte) {
  const CanonicalSample sample = samples_of(kLine).at(0);
  EXPECT_EQ(sample.picture, "coco-000000000007");
  EXPECT_EQ(sample.width, 320);
  EXPECT_EQ(sample.turns.at(0).answer, "2");
  EXPECT_EQ(sample.regions.at(0).box, (std::array{0.095, 0.417, 0.345, 0.668}));
  EXPECT_EQ(sample.evidence.size(), 2u);
  EXPECT_EQ(sample.checks->judge, 5);
  EXPECT_EQ(sample.provenance.at("gen"), "mixtral-8x7b@rev");
  // Keys of the provenance are sorted when they are read; the rest has its order.
  std::string expected = replaced(
      kLine,
      R"("prov":{"sources":["coco2017:instances"],"license":["cc-by-4.0"],"gen":"mixtral-8x7b@rev","seed":"5d1e"})",
      R"("prov":{"gen":"mixtral-8x7b@rev","license":["cc-by-4.0"],"seed":"5d1e","sources":["coco2017:instances"]})");
  EXPECT_EQ(canonical_line(sample), expected);
  EXPECT_EQ(canonical_line(samples_of(expected).at(0)), expected);
}

TEST(CanonicalSample, StandsAloneOrInAnArrayInAShard) {
  EXPECT_EQ(samples_of(" [" + kLine + "," + kLine + "]").size(), 2u);
  EXPECT_EQ(samples_of("[]").size(), 0u);
  for (const char* broken : {"[{", "{\"v\":1", "", "[5]", "\x1f\x8b"}) {
    EXPECT_THROW(samples_of(broken), Error) << broken;
  }
}

TEST(CanonicalSample, OfDetectAndPointNeedsNoAnswer) {
  const CanonicalSample detect =
      samples_of(R"({"image":{"file":"a.png"},"task":"detect","turns":[{"q":"dog"}],"regions":[]})").at(0);
  EXPECT_FALSE(detect.turns.at(0).answer);
  const CanonicalSample point =
      samples_of(R"({"image":{"file":"a.png"},"task":"point","regions":[{"label":"dog","point":[0.5,1]}]})")
          .at(0);
  EXPECT_EQ(point.regions.at(0).point, (std::array{0.5, 1.0}));
  EXPECT_FALSE(point.regions[0].box);
}

TEST(CanonicalSample, WrongOnesAreRefusedByLine) {
  struct Wrong {
    std::string from, to, message;
  };
  const Wrong wrongs[] = {
      {"\"task\":\"query\"", "\"task\":\"sing\"",
       "task: expected query, caption, detect or point, got \"sing\""},
      {"[0.095,0.417,0.345,0.668]", "[0.095,0.417,1.345,0.668]",
       "regions 1: box: expected numbers of 0 to 1"},
      {"[0.095,0.417,0.345,0.668]", "[0.5,0.417,0.345,0.668]", "regions 1: box: expected x_min < x_max"},
      {"\"style\":\"short\"", "\"style\":\"epic\"", "turns 1: style: expected short, sentence or long"},
      {"\"w\":320,", "", "image: w: expected a whole number, got nothing"},
      {"\"key\":\"coco-000000000007\",", "", "image: key: expected a picture's key"},
      {"\"turns\":[{\"q\":\"how many dogs are there\",\"a\":\"2\",\"style\":\"short\"}],", "",
       "turns: expected a question and its answer"},
      {"\"judge\":5", "\"judge\":-5", "checks: judge: expected a whole number"},
  };
  for (const Wrong& wrong : wrongs) {
    EXPECT_HAS(error_of(kLine + replaced(kLine, wrong.from, wrong.to), read_all),
               "t.json:2: " + wrong.message);
    EXPECT_EQ(counts_of(kLine + replaced(kLine, wrong.from, wrong.to), read_all).records, 1u);
  }
  ErrorCode code{};
  EXPECT_HAS(error_of(replaced(kLine, "\"v\":1", "\"v\":2"), read_all, &code),
             "sample of form 2, this build reads 1");
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  CanonicalSample bad;
  bad.task = "\xff";
  EXPECT_THROW(canonical_line(bad), Error);
}

}  // namespace
}  // namespace moonbeam::data
