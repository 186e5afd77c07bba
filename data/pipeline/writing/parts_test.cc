#include <gtest/gtest.h>

#include <map>

#include "data/pipeline/writing/absent.h"
#include "data/pipeline/writing/balance.h"
#include "data/pipeline/writing/candidates.h"
#include "data/pipeline/writing/noise.h"
#include "data/pipeline/writing/repeats.h"
#include "data/pipeline/writing/seeds.h"
#include "data/pipeline/writing/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

TEST(Balance, TwinsDifferInTheWordsThatDecide) {
  const TwinEdge one = difference("Is there a dog in the picture?", "Is there an owl in the picture?");
  EXPECT_EQ(one.yes, "dog");
  EXPECT_EQ(one.no, "owl");
  EXPECT_EQ(difference("Is it left of the cup?", "Is it right of the cup?").no, "right");
}

TEST(Balance, NoValueIsLeftThatTellsTheAnswer) {
  data::Stream draws(5, 0, 0, data::Part::kPipeline);
  for (int round = 0; round < 50; ++round) {
    std::vector<TwinEdge> edges;
    for (int i = 0; i < 60; ++i) {
      // Skewed: low numbers are oftener true.
      const auto yes = std::min(draws.below(12), draws.below(12)), no = draws.below(12);
      if (yes != no) edges.push_back({base::cat(std::uint64_t{yes}), base::cat(std::uint64_t{no})});
    }
    for (const int slack : {0, 1, 3}) {
      const std::vector<std::size_t> gone = surplus(edges, slack);
      std::map<std::string, int> lead;
      for (std::size_t i = 0; i < edges.size(); ++i) {
        if (std::find(gone.begin(), gone.end(), i) != gone.end()) continue;
        ++lead[edges[i].yes];
        --lead[edges[i].no];
      }
      for (const auto& [value, by] : lead) EXPECT_LE(std::abs(by), slack) << value;
      EXPECT_LT(gone.size(), edges.size());
    }
  }
  EXPECT_TRUE(surplus({}, 0).empty());
  EXPECT_TRUE(surplus({{"a", "b"}, {"b", "a"}}, 0).empty());
}

TEST(Balance, NoKindHasMoreThanItsShare) {
  const auto left = allowed(53, {40, 40, 40}, {.25, .10, .12});
  const double total = 53. + static_cast<double>(left[0] + left[1] + left[2]);
  EXPECT_NEAR(static_cast<double>(left[0]) / total, .25, .02);
  EXPECT_NEAR(static_cast<double>(left[1]) / total, .10, .02);
  EXPECT_NEAR(static_cast<double>(left[2]) / total, .12, .02);
  EXPECT_EQ(allowed(100, {3, 2, 1}, {.25, .10, .12}), (std::vector<std::size_t>{3, 2, 1}));
}

TEST(Seeds, EveryNounComesAsOftenAsAnyOther) {
  std::vector<std::string> nouns;
  for (std::int64_t i = 0; i < 100; ++i) nouns.push_back(base::cat("noun", i));
  std::map<std::string, int> seen;
  for (std::int64_t ordinal = 0; ordinal < 1000; ++ordinal) {
    const auto own = seed_nouns(nouns, 9, ordinal, 3);
    ASSERT_EQ(own.size(), 3u);
    for (const std::string& one : own) ++seen[one];
    EXPECT_EQ(own, seed_nouns(nouns, 9, ordinal, 3));
  }
  for (const auto& [noun, times] : seen) EXPECT_EQ(times, 30) << noun;
  EXPECT_NE(seed_nouns(nouns, 9, 0, 3), seed_nouns(nouns, 10, 0, 3));
  EXPECT_GE(test_lexicon().seeds().size(), 4000u);
}

TEST(Repeats, LikenessIsOfRunsOfThreeWords) {
  const auto a = word_trigrams("how many dogs are in the picture"),
             b = word_trigrams("How many dogs are in the image?");
  EXPECT_NEAR(jaccard(a, b), 4. / 6, 1e-9);
  EXPECT_EQ(jaccard(a, a), 1);
  Recent recent(2);
  recent.add("count", "p1#count:0", a);
  EXPECT_EQ(recent.like("count", b, .6, ""), "p1#count:0");
  EXPECT_EQ(recent.like("count", b, .7, ""), "");
  EXPECT_EQ(recent.like("what", b, .6, ""), "");
  EXPECT_EQ(recent.like("count", b, .6, "p1#count:0"), "") << "a twin may be alike";
  recent.add("count", "p2", word_trigrams("one two three four"));
  recent.add("count", "p3", word_trigrams("five six seven eight"));
  EXPECT_EQ(recent.like("count", b, .6, ""), "") << "out of the window";
}

TEST(Repeats, VectorsAreComparedByTheirAngle) {
  Recent recent(2);
  recent.add("what", "p1", {1}, {2, 0});
  recent.add("what", "p2", {2}, {0, 0});
  EXPECT_EQ(recent.near("what", {5, 1}, "", .95, ""), "p1");
  EXPECT_EQ(recent.near("what", {5, 1}, "", .95, "p1"), "");
  EXPECT_EQ(recent.near("what", {5, 2}, "", .95, ""), "");
  EXPECT_EQ(recent.near("what", {0, 0}, "", .95, ""), "");
  EXPECT_EQ(recent.near("what", {5, 1, 0}, "", .95, ""), "") << "of another width";
  EXPECT_EQ(recent.near("what", {5, 1}, "2", .95, ""), "") << "of another answer";
  EXPECT_EQ(recent.near("count", {5, 1}, "", .95, ""), "");
  recent.add("what", "p3", {3}, {0, 1});
  EXPECT_EQ(recent.near("what", {5, 1}, "", .95, ""), "") << "out of the window";
}

TEST(Noise, SparesTheWordsThatDecide) {
  data::Stream draws(3, 0, 0, data::Part::kPipeline);
  const std::string q = "Is there a brown dog somewhere to the left of the two cups?";
  const auto noisy = [&](const char* profile) {
    return with_noise(q, profile, {"dog"}, test_lexicon(), draws);
  };
  EXPECT_EQ(noisy("clean"), q);
  EXPECT_EQ(noisy("lower"), lower(q));
  EXPECT_EQ(noisy("lower_first")[0], 'i');
  EXPECT_EQ(noisy("no_mark"), q.substr(0, q.size() - 1));
  EXPECT_EQ(noisy("upper"), "IS THERE A BROWN DOG SOMEWHERE TO THE LEFT OF THE TWO CUPS?");
  EXPECT_EQ(noisy("telegraphic"), "there brown dog somewhere to left of two cups?");
  int changed = 0;
  for (int i = 0; i < 500; ++i) {
    const std::string text = noisy("typos");
    changed += text != q;
    for (const char* word : {"brown", "dog", "left", "two", "cups", "of"}) {
      EXPECT_TRUE(has_words(text, word)) << text;
    }
  }
  EXPECT_GT(changed, 400);
}

TEST(Absent, IsWhatNothingOfThePictureHasToDoWith) {
  Record record = picture_of({{"dog", "brown", .2, .2}}, {"cat", "couch", "dog", "horse", "zebra"});
  const Context context = test_context();
  EXPECT_EQ(absent_classes(record, context), (std::vector<std::string>{"cat", "couch", "horse", "zebra"}));
  record.sources[0].text += " It lies on a sofa.";
  record.sheet.uncertain = {"cat"};
  EXPECT_EQ(absent_classes(record, context), (std::vector<std::string>{"horse", "zebra"}));
  record.sources[0].raw += " Some animals.";
  EXPECT_EQ(absent_classes(record, context), (std::vector<std::string>{})) << "they may be of any kind";
}

TEST(Absent, NounsAreAsOftenAskedForWhereTheyAreAsWhereTheyAreNot) {
  // Classes of very different frequency; in each picture, twins of the three kinds.
  const std::vector<std::string> names = {"person", "dog", "car", "cup", "boat", "zebra", "kite", "clock"};
  const std::vector<double> odds = {.5, .3, .3, .2, .1, .05, .05, .03};
  CorpusStats corpus;
  std::vector<std::vector<std::string>> pictures;
  data::Stream draws(11, 0, 0, data::Part::kPipeline);
  for (int i = 0; i < 6000; ++i) {
    std::vector<std::string>& one = pictures.emplace_back();
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (draws.chance(odds[k])) one.push_back(names[k]);
    }
    corpus.add(one);
  }
  std::map<std::string, std::array<int, 2>> asked;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    std::vector<std::string> absent;
    for (const std::string& name : names) {
      if (std::find(pictures[i].begin(), pictures[i].end(), name) == pictures[i].end())
        absent.push_back(name);
    }
    const auto twin = draw_twin(static_cast<Negative>(i % 3), pictures[i], absent, &corpus, draws);
    if (!twin) continue;
    ++asked[twin->present][0];
    ++asked[twin->absent][1];
  }
  for (const auto& [name, times] : asked) {
    const double yes = static_cast<double>(times[0]) / (times[0] + times[1]);
    EXPECT_GT(yes, .35) << name << ' ' << times[0] << ' ' << times[1];
    EXPECT_LT(yes, .65) << name << ' ' << times[0] << ' ' << times[1];
  }
}

Pair pair_by(const std::string& id, const std::string& request, const std::string& q) {
  Pair out;
  out.id = id;
  out.type = id.substr(0, id.find(':'));
  out.q = q;
  out.a_sentence = "It is red.";
  out.request = request;
  out.generator = "writer";
  return out;
}

TEST(Candidates, TheOneLeastLikeWhatThereIsStays) {
  std::vector<Record> records(2);
  const auto caption = [](const std::string& text) {
    Caption out;
    out.length = "short";
    out.text = text;
    return out;
  };
  records[0].captions = {caption("a red cup stands on the table"), caption("two dogs run along a beach")};
  records[1].captions = {caption("a red cup stands on the shelf"), caption("here lies a yellow boat")};
  records[1].captions.push_back(caption("a red cup stands on the table"));
  records[1].captions[2].human = true;
  records[0].pairs = {pair_by("colour:0", "a", "What color is the cup?"),
                      pair_by("colour:1", "b", "Which color has the cup on the left?")};
  records[1].pairs = {pair_by("colour:0", "c", "What color is the cup?"),
                      pair_by("colour:1", "d", "Name the color of that boat, would you?"),
                      pair_by("yesno:0", "e", "Is it red?")};
  records[1].pairs.push_back(pair_by("yesno:1", "", "Is there a cup?"));
  std::vector<Record*> chunk = {&records[0], &records[1]};
  choose_captions(chunk);
  choose_pairs(chunk, "S7");
  EXPECT_EQ(records[0].captions[0].dropped, "") << "nothing is there: the first";
  EXPECT_EQ(records[0].captions[1].dropped, "S6/other-candidate");
  EXPECT_EQ(records[1].captions[0].dropped, "S6/other-candidate");
  EXPECT_EQ(records[1].captions[1].dropped, "");
  EXPECT_EQ(records[1].captions[2].dropped, "") << "people's stay";
  EXPECT_EQ(records[0].pairs[1].dropped, "S7/other-candidate");
  EXPECT_EQ(records[1].pairs[0].dropped, "S7/other-candidate");
  EXPECT_EQ(records[1].pairs[1].dropped, "");
  EXPECT_EQ(records[1].pairs[2].dropped, "") << "the only one of its type";
  EXPECT_EQ(records[1].pairs[3].dropped, "") << "written by code";
}

TEST(Candidates, ACallThatGaveMoreIsBetter) {
  std::vector<Record> records(1);
  records[0].pairs = {pair_by("where:0", "a", "Where is the cup?"), pair_by("where:1", "b", "Where is it?"),
                      pair_by("where:2", "b", "Where is the dog?")};
  std::vector<Record*> chunk = {&records[0]};
  choose_pairs(chunk, "S7");
  EXPECT_EQ(records[0].pairs[0].dropped, "S7/other-candidate");
  EXPECT_EQ(records[0].pairs[1].dropped, "");
  EXPECT_EQ(records[0].counts.at("S7/other-candidate"), 1);
}

}  // namespace
}  // namespace moonbeam::pipeline
