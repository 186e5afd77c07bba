#include "data/formats/visual_genome.h"

#include <gtest/gtest.h>

#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

template <typename Record>
std::vector<Record> read_as(void (*read)(ByteSource&, const VgUse<Record>&, Reading&),
                            const std::string& text) {
  std::vector<Record> seen;
  ByteSource source(text, "t.json");
  Reading reading;
  read(
      source, [&](const Record& one) { seen.push_back(one); }, reading);
  return seen;
}

template <typename Record>
auto reading_of(void (*read)(ByteSource&, const VgUse<Record>&, Reading&)) {
  return [read](ByteSource& source, Reading& reading) {
    read(
        source, [](const Record&) {}, reading);
  };
}

TEST(VisualGenome, PicturesKnowWhetherTheyAreCocosToo) {
  const auto seen = read_as(read_vg_pictures,
                            R"([{"image_id":2,"width":320,"height":240,"coco_id":7,"flickr_id":null,"url":""},
    {"image_id":3,"width":10,"height":20,"coco_id":null}])");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].coco, 7);
  EXPECT_EQ(seen[1].coco, std::nullopt);  // picture 3 is not COCO's picture 3
}

const std::string kObjects =
    R"([{"image_id":2,"objects":[{"object_id":70,"x":30,"y":100,"w":80,"h":60,"names":["dog "],"synsets":["dog.n.01"]}]}])";

TEST(VisualGenome, ObjectsHaveNamesAndBoxes) {
  const auto seen = read_as(read_vg_objects, kObjects);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].objects.at(0).names, std::vector<std::string>{"dog"});
  EXPECT_EQ(seen[0].objects[0].box, (XywhBox{30, 100, 80, 60}));
}

TEST(VisualGenome, AttributesAreUnderEitherKey) {
  for (const char* key : {"objects", "attributes"}) {
    const auto seen = read_as(
        read_vg_attributes,
        std::string(R"([{"image_id":2,")") + key +
            R"(":[{"object_id":70,"x":30,"y":100,"w":80,"h":60,"names":["dog"],"attributes":["brown "," standing"]}]}])");
    EXPECT_EQ(seen.at(0).objects.at(0).attributes, (std::vector<std::string>{"brown", "standing"}));
  }
}

const std::string kRelationships =
    R"([{"image_id":2,"relationships":[{"relationship_id":5,"predicate":"ON","synsets":["along.r.01"],
  "subject":{"object_id":70,"x":30,"y":100,"w":80,"h":60,"name":"dog"},"object":{"object_id":71,"x":0,"y":140,"w":320,"h":100,"names":["grass"]}}]}])";

TEST(VisualGenome, ThoseInRelationshipsHaveANameOrNames) {
  const auto seen = read_as(read_vg_relationships, kRelationships);
  const VgRelationship& one = seen.at(0).relationships.at(0);
  EXPECT_EQ(one.predicate, "ON");
  EXPECT_EQ(one.subject.names, std::vector<std::string>{"dog"});
  EXPECT_EQ(one.object.names, std::vector<std::string>{"grass"});
}

const std::string kRegions =
    R"([{"id":2,"regions":[{"region_id":9,"image_id":2,"phrase":"a brown  dog","x":30,"y":100,"width":80,"height":60}]}])";
const std::string kQuestions =
    R"([{"id":2,"qas":[{"qa_id":1,"image_id":2,"question":"What animal is shown?","answer":"A dog."}]}])";

TEST(VisualGenome, RegionsAndQuestionsAreTextsOfAPicture) {
  EXPECT_EQ(read_as(read_vg_regions, kRegions).at(0).regions.at(0).phrase, "a brown dog");
  EXPECT_EQ(read_as(read_vg_questions, kQuestions).at(0).questions.at(0).answer, "A dog.");
}

TEST(VisualGenome, WhatIsWrongIsRefusedByPicture) {
  EXPECT_HAS(error_of(replaced(kObjects, "\"w\":80", "\"w\":-80"), reading_of(read_vg_objects)),
             "row 1: objects 1: expected a box in pixels with sides that are not negative");
  EXPECT_HAS(error_of(replaced(kObjects, "[\"dog \"]", "[]"), reading_of(read_vg_objects)),
             "names: expected a name");
  EXPECT_HAS(error_of(replaced(kObjects, "\"x\":30,", ""), reading_of(read_vg_objects)),
             "x: expected a number, got nothing");
  EXPECT_HAS(
      error_of(replaced(kRelationships, "\"subject\":{", "\"subjekt\":{"), reading_of(read_vg_relationships)),
      "relationships 1: subject: expected an object, got nothing");
  EXPECT_HAS(error_of(replaced(kRegions, "\"image_id\":2", "\"image_id\":3"), reading_of(read_vg_regions)),
             "regions 1: image_id: expected the picture that it stands under, got 3");
  EXPECT_HAS(error_of(replaced(kQuestions, "A dog.", ""), reading_of(read_vg_questions)),
             "answer: expected text");
  EXPECT_HAS(error_of(kQuestions, reading_of(read_vg_regions)),
             "expected Visual Genome's region descriptions, but it looks like Visual Genome's questions and "
             "answers");
  EXPECT_EQ(counts_of(replaced(kObjects, "}]}]", "}]},{\"image_id\":\"2\",\"objects\":[]}]"),
                      reading_of(read_vg_objects))
                .refused,
            1u);
}

}  // namespace
}  // namespace moonbeam::data
