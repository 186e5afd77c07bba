#include "data/pipeline/run/join.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/run/plan.h"

namespace moonbeam::pipeline {
namespace {

constexpr const char* kPictures =
    R"("images":[{"id":7,"file_name":"7.jpg","width":320,"height":240},{"id":12,"file_name":"12.jpg","width":100,"height":80}])";
constexpr const char* kCategories =
    R"("categories":[{"id":1,"name":"person","supercategory":"person"},{"id":18,"name":"dog","supercategory":"animal"}])";
constexpr const char* kDog =
    R"({"id":501,"image_id":7,"category_id":18,"bbox":[30,100,80,60],"area":4800,"iscrowd":0,"segmentation":[[30,100,110,100,110,160,30,160]]})";
constexpr const char* kPerson =
    R"({"id":502,"image_id":7,"category_id":1,"bbox":[150,20,2,60],"area":120,"iscrowd":1,"segmentation":[]})";
constexpr const char* kWrong =
    R"({"id":503,"image_id":99,"category_id":1,"bbox":[150,20,2,60],"area":120,"iscrowd":0})";

std::string instances(const std::vector<std::string>& rows) {
  std::string all;
  for (const std::string& one : rows) all += (all.empty() ? "" : ",") + one;
  return std::string("{") + kPictures + "," + kCategories + ",\"annotations\":[" + all + "]}";
}

class JoinTest : public testing::Test {
 protected:
  JoinTest() {
    folder_.put("instances.json", instances({kDog, kPerson}));
    folder_.put(
        "captions.json",
        std::string("{") + kPictures +
            R"(,"annotations":[{"id":9,"image_id":7,"caption":"A dog."},{"id":8,"image_id":12,"caption":"Grass. "}]})");
    folder_.put(
        "narratives.jsonl",
        R"({"dataset_id":"x","image_id":"7","annotator_id":1,"caption":"a dog","timed_caption":[],"traces":[],"voice_recording":""})"
        "\n"
        R"({"dataset_id":"x","image_id":"300","annotator_id":1,"caption":"a cat","timed_caption":[],"traces":[],"voice_recording":""})"
        "\n");
    folder_.put("alt.jsonl", R"({"image_id":12,"file_name":"12.jpg","alt":"cheap lawn"})"
                             "\n");
    inputs_.images = folder_.path();
    inputs_.instances = {folder_ / "instances.json"};
    inputs_.captions = {folder_ / "captions.json"};
    inputs_.narratives = {folder_ / "narratives.jsonl"};
    inputs_.alt = {folder_ / "alt.jsonl"};
    inputs_.licence = "CC BY 4.0";
  }
  std::vector<Input> joined() {
    std::vector<Input> out;
    refused_ = join_inputs(inputs_, [&](Input& one) { out.push_back(one); });
    return out;
  }
  base::TestFolder folder_;
  RunInputs inputs_;
  std::map<std::string, std::int64_t> refused_;
};

TEST_F(JoinTest, APictureOfAFederatedSetSaysForWhatItWasSearched) {
  folder_.put(
      "instances.json",
      std::string(R"({"images":[{"id":7,"coco_url":"http://x.org/val2017/7.jpg","width":320,"height":240,)") +
          R"("neg_category_ids":[3,4],"not_exhaustive_category_ids":[1]},)" +
          R"({"id":12,"file_name":"12.jpg","width":100,"height":80,"neg_category_ids":[],)" +
          R"("not_exhaustive_category_ids":[]}],)" +
          R"("categories":[{"id":1,"name":"person"},{"id":3,"name":"cat"},{"id":4,"name":"bus"},)" +
          R"({"id":5,"name":"cup"},{"id":18,"name":"dog"}],"annotations":[)" + kDog + "," + kPerson + "]}");
  inputs_.captions.clear();
  inputs_.narratives.clear();
  inputs_.alt.clear();
  const std::vector<Input> all = joined();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].file, "val2017/7.jpg");
  EXPECT_EQ(all[1].negatives, (std::vector<std::string>{"bus", "cat"}));
  EXPECT_EQ(all[1].things, std::vector<std::string>{"dog"}) << "there may be more people, and cups";
  EXPECT_TRUE(all[0].things.empty()) << "it was searched for nothing";
}

TEST_F(JoinTest, BringsTogetherWhatIsSaidOfAPicture) {
  const std::vector<Input> all = joined();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].key, "coco-12");
  EXPECT_EQ(all[0].texts.size(), 2u);
  EXPECT_EQ(all[0].texts[0].kind, "alt");
  EXPECT_EQ(all[0].things, (std::vector<std::string>{"dog", "person"})) << "also where there are none";
  const Input& seven = all[1];
  EXPECT_EQ(seven.key, "coco-7");
  EXPECT_EQ(seven.file, "7.jpg");
  EXPECT_EQ(seven.licence, "CC BY 4.0");
  ASSERT_EQ(seven.instances.size(), 2u);
  EXPECT_EQ(seven.instances[0].name, "dog");
  ASSERT_EQ(seven.instances[0].centre.size(), 2u);
  EXPECT_NEAR(seven.instances[0].centre[1], 130, 1) << "in the middle of the shorter side";
  EXPECT_TRUE(seven.instances[1].crowd);
  EXPECT_EQ(seven.texts[0].source, "caption#9");
  EXPECT_EQ(seven.narratives.size(), 1u);
  EXPECT_EQ(refused_.at("narrative-without-picture"), 1);
}

TEST_F(JoinTest, TheOrderOfTheFilesDoesNotMatter) {
  const auto lines = [&] {
    std::string out;
    for (const Input& one : joined()) out += input_line(one);
    return out;
  };
  const std::string before = lines();
  folder_.put("instances.json", instances({kPerson, kDog}));
  EXPECT_EQ(lines(), before);
}

TEST_F(JoinTest, BadRecordsAreCountedAndPassedOver) {
  folder_.put("instances.json", instances({kDog, kWrong, kPerson}));
  EXPECT_EQ(joined()[1].instances.size(), 2u);
  EXPECT_EQ(refused_.at("unknown-id"), 1);
}

TEST_F(JoinTest, AFileOfAnotherKindIsNamedForWhatItIs) {
  inputs_.instances = {folder_ / "captions.json"};
  try {
    joined();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("COCO captions"), std::string::npos) << error.what();
  }
}

TEST_F(JoinTest, ThePatternNamesPicturesThatOnlyNarrativesKnow) {
  inputs_.file = "x/{id:6}.jpg";
  const std::vector<Input> all = joined();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].key, "coco-300");
  EXPECT_EQ(all[1].file, "x/000300.jpg");
}

TEST_F(JoinTest, APlanIsMadeOnceAndHeldTo) {
  RunRecipe recipe;
  recipe.inputs = inputs_;
  recipe.shard_pictures = recipe.chunk_pictures = 1;
  const RunFolder work{folder_ / "work"};
  const Plan plan = make_plan(work, recipe, "id");
  EXPECT_EQ(plan.shards, 2);
  EXPECT_EQ(plan.tiers.at("A"), 1);
  EXPECT_EQ(read_input(work, plan, 1, 0)[0].input.key, "coco-7");
  EXPECT_EQ(read_input(work, plan, 1, 0)[0].input.ordinal, 1);
  EXPECT_EQ(make_plan(work, recipe, "id").input_sha256, plan.input_sha256);
  const auto fault = [&](const RunRecipe& other, const std::string& identity) -> std::string {
    try {
      make_plan(work, other, identity);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(fault(recipe, "id2").find("another pipeline"), std::string::npos);
  RunRecipe cut = recipe;
  cut.chunk_pictures = 2;
  EXPECT_NE(fault(cut, "id").find("shards of 1 and chunks of 1"), std::string::npos);
  folder_.put("alt.jsonl", "");
  EXPECT_NE(fault(recipe, "id").find("other annotation files"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::pipeline
