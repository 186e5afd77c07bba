#include "data/export/dataset.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/test_folder.h"
#include "data/formats/rle.h"
#include "data/scenes/mentions.h"
#include "data/scenes/test_scenes.h"

namespace moonbeam::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Mask box_mask(const PixelBox& box, int height, int width) {
  Mask mask;
  std::uint32_t zeros = 0;
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      const bool inside = x >= box.x_min && x < box.x_max && y >= box.y_min && y < box.y_max;
      const bool ones = mask.runs.size() % 2 == 1;
      if (inside != ones) {
        mask.runs.push_back(zeros);
        zeros = 0;
      }
      ++zeros;
      mask.area += inside;
    }
  }
  mask.runs.push_back(zeros);
  return mask;
}

Scene draw(const SceneKey& key, const SceneOptions& options) {
  Scene scene = drawn_up_scene(key.index, 100, key.seed);
  scene.key = key;
  scene.image.pixels.assign(static_cast<std::size_t>(196 * 196 * 3), 0);
  for (std::size_t i = 0; i < scene.image.pixels.size(); i += 7) {
    scene.image.pixels[i] = static_cast<std::uint8_t>(i * (key.index + 3));
  }
  for (SceneObject& object : scene.objects) {
    if (options.masks) object.mask = box_mask(object.box, 196, 196);
  }
  return scene;
}

ExportOptions small(const std::string& folder, std::uint64_t scenes = 40) {
  ExportOptions options;
  options.folder = folder;
  options.scenes = scenes;
  options.seed = 5;
  options.threads = 1;
  return options;
}

std::map<std::string, std::string> contents(const base::TestFolder& root, const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), root / folder);
    out[name] = root.get(folder + "/" + name);
  }
  return out;
}

std::vector<json> lines(const std::string& text) {
  std::vector<json> out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    out.push_back(json::parse(text.substr(start, end - start)));
    start = end + 1;
  }
  return out;
}

TEST(ExportScenes, WritesTheSameBytesWithOneThreadAndWithFour) {
  const base::TestFolder root;
  ExportOptions options = small(root / "one");
  options.noisy = true;
  export_scenes(options, draw, test_labels());
  options.folder = root / "four";
  options.threads = 4;
  export_scenes(options, draw, test_labels());
  const auto one = contents(root, "one");
  EXPECT_EQ(one, contents(root, "four"));
  EXPECT_GT(one.size(), 60U);
}

TEST(ExportScenes, WritesEveryFileAsValidJson) {
  const base::TestFolder root;
  ExportOptions options = small(root / "set");
  options.noisy = true;
  const ExportResult result = export_scenes(options, draw, test_labels());
  for (const std::string& file : result.files) {
    const std::string text = root.get("set/" + file);
    ASSERT_FALSE(text.empty()) << file;
    if (json::accept(text)) continue;
    EXPECT_NO_THROW(lines(text)) << file;
  }
}

TEST(ExportScenes, GivesCocoTheTruth) {
  const base::TestFolder root;
  export_scenes(small(root / "set"), draw, test_labels());
  const json coco = json::parse(root.get("set/coco/instances.json"));
  ASSERT_EQ(coco["images"].size(), 40U);
  std::map<int, std::vector<json>> of_image;
  std::set<std::int64_t> ids;
  for (const json& one : coco["annotations"]) {
    of_image[one["image_id"]].push_back(one);
    EXPECT_TRUE(ids.insert(one["id"].get<std::int64_t>()).second);
  }
  for (int i = 0; i < 40; ++i) {
    const Scene scene = draw({5, Split::kValSeed, static_cast<std::uint64_t>(i)}, {.masks = true});
    ASSERT_EQ(of_image[i].size(), scene.objects.size());
    for (std::size_t k = 0; k < scene.objects.size(); ++k) {
      const json& one = of_image[i][k];
      const PixelBox& box = scene.objects[k].box;
      EXPECT_EQ(one["bbox"], json({box.x_min, box.y_min, box.width(), box.height()}));
      EXPECT_EQ(one["category_id"], scene.objects[k].label + 1);
      EXPECT_EQ(decompress_runs(one["segmentation"]["counts"].get<std::string>()),
                scene.objects[k].mask.runs);
      EXPECT_EQ(one["area"], scene.objects[k].mask.area);
    }
    EXPECT_TRUE(
        fs::exists(root / ("set/images/" +
                           coco["images"][static_cast<std::size_t>(i)]["file_name"].get<std::string>())));
  }
}

TEST(ExportScenes, TimesNarrativesAndTracesThemOverWhatIsSpokenOf) {
  const base::TestFolder root;
  export_scenes(small(root / "set"), draw, test_labels());
  for (const json& one : lines(root.get("set/narratives/val-seed_localized_narratives.jsonl"))) {
    double last = 0;
    std::string spoken;
    for (const json& word : one["timed_caption"]) {
      EXPECT_GE(word["start_time"].get<double>(), last - 1e-9);
      last = word["end_time"];
      EXPECT_GT(last, word["start_time"].get<double>());
      spoken += (spoken.empty() ? "" : " ") + word["utterance"].get<std::string>();
    }
    EXPECT_EQ(one["caption"], spoken);
    const Scene scene = draw({5, Split::kValSeed, std::stoull(one["image_id"].get<std::string>())}, {});
    EXPECT_EQ(one["traces"].size(), scene.objects.size());
    for (const json& segment : one["traces"]) {
      EXPECT_GE(segment.size(), 8U);
      for (const json& point : segment) {
        EXPECT_GT(point["x"].get<double>(), -0.1);
        EXPECT_LT(point["x"].get<double>(), 1.1);
      }
    }
  }
}

TEST(ExportScenes, KeepsTheTruthApartFromMistakesAndSaysWhatTheyAre) {
  const base::TestFolder root;
  ExportOptions options = small(root / "noisy", 900);
  options.noisy = true;
  options.formats = {"coco", "narratives"};
  export_scenes(options, draw, test_labels());
  const auto count = [&](const std::string& file) {
    return json::parse(root.get("noisy/" + file))["annotations"].size();
  };
  const double truth = static_cast<double>(count("truth/coco/instances.json"));
  // 3 % missing, 2 % phantoms.
  EXPECT_NEAR(static_cast<double>(count("coco/instances.json")) / truth, 0.99, 0.02);
  options.folder = root / "clean";
  options.noisy = false;
  export_scenes(options, draw, test_labels());
  EXPECT_EQ(root.get("noisy/truth/coco/instances.json"), root.get("clean/coco/instances.json"));
  EXPECT_EQ(root.get("noisy/truth/narratives/val-seed_localized_narratives.jsonl"),
            root.get("clean/narratives/val-seed_localized_narratives.jsonl"));
  EXPECT_NE(root.get("noisy/narratives/mistakes.jsonl").find("phantom"), std::string::npos);
  EXPECT_FALSE(fs::exists(root / "noisy/truth/narratives/mistakes.jsonl"));
  EXPECT_FALSE(fs::exists(root / "clean/truth"));
}

TEST(ExportScenes, NumbersAnnotationsAsExpressionsDoWhateverIsMissing) {
  const base::TestFolder root;
  ExportOptions options = small(root / "set", 400);
  options.noisy = true;
  options.formats = {"coco", "refcoco"};
  export_scenes(options, draw, test_labels());
  std::map<std::int64_t, json> annotations;
  const json coco = json::parse(root.get("set/coco/instances.json"));
  for (const json& one : coco["annotations"]) {
    EXPECT_TRUE(annotations.emplace(one["id"].get<std::int64_t>(), one).second);
  }
  int found = 0, missing = 0, wrong_class = 0;
  for (const json& ref : lines(root.get("set/refcoco/refs.jsonl"))) {
    const auto at = annotations.find(ref["ann_id"].get<std::int64_t>());
    if (at == annotations.end()) {
      ++missing;
      continue;
    }
    ++found;
    EXPECT_EQ(at->second["image_id"], ref["image_id"]);
    EXPECT_EQ(at->second["bbox"], ref["bbox"]);
    wrong_class += at->second["category_id"] != ref["category_id"];
  }
  // 3 % have no box and 2 % another class: those are the mistakes, the expressions are true.
  EXPECT_GT(found, 400);
  EXPECT_NEAR(missing, 0.03 * (found + missing), 0.02 * found);
  EXPECT_NEAR(wrong_class, 0.02 * found, 0.015 * found);
}

TEST(ExportScenes, AsksForNoMoreEqualThingsThanASceneMayHold) {
  const base::TestFolder root;
  ExportOptions options = small(root / "set");
  options.formats = {"coco"};
  options.scene.max_objects = 2;
  std::set<int> repeats;
  const DrawScene drawn = [&](const SceneKey& key, const SceneOptions& scene) {
    repeats.insert(scene.repeat);
    return draw(key, scene);
  };
  export_scenes(options, drawn, test_labels());
  EXPECT_EQ(repeats, (std::set<int>{0, 2}));
}

TEST(ExportScenes, BuildsPopeWithHalfNo) {
  const base::TestFolder root;
  ExportOptions options = small(root / "set", 200);
  options.formats = {"pope"};
  export_scenes(options, draw, test_labels());
  for (const char* way : {"random", "popular", "adversarial"}) {
    const std::vector<json> rows = lines(root.get("set/pope/moonscenes_pope_" + std::string(way) + ".json"));
    ASSERT_GT(rows.size(), 100U);
    const auto yes =
        std::count_if(rows.begin(), rows.end(), [](const json& row) { return row["label"] == "yes"; });
    EXPECT_EQ(static_cast<std::size_t>(yes) * 2, rows.size());
  }
}

TEST(ExportScenes, GoesOnWhereItWasStopped) {
  const base::TestFolder root;
  ExportOptions options = small(root / "whole", 1700);
  options.formats = {"canonical", "webdataset", "vqav2"};
  export_scenes(options, draw, test_labels());
  options.folder = root / "stopped";
  options.progress = [](const ExportProgress& progress) { return progress.done < 1000; };
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);
  EXPECT_FALSE(fs::exists(root / "stopped/dataset.json"));
  options.progress = {};
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);  // neither --resume nor --force
  options.resume = true;
  const ExportResult result = export_scenes(options, draw, test_labels());
  EXPECT_EQ(result.resumed, 800U);
  EXPECT_EQ(contents(root, "whole"), contents(root, "stopped"));
  // Once more: whole already.
  EXPECT_EQ(export_scenes(options, draw, test_labels()).questions, result.questions);
}

TEST(ExportScenes, ReplacesAFolderWhoseReplacementWasStopped) {
  const base::TestFolder root;
  ExportOptions options = small(root / "fresh", 3);
  options.formats = {"coco", "webdataset"};
  export_scenes(options, draw, test_labels());
  options.folder = root / "set";
  export_scenes(options, draw, test_labels());
  root.put("set/.parts/00000/part.json", "{}");  // stale
  // Clearing stops at what it cannot remove: after the folder was marked, before anything was removed.
  fs::remove(root / "set/dataset.json");
  root.put("set/dataset.json/in/the/way", "");
  options.force = true;
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);
  fs::remove_all(root / "set/dataset.json");
  fs::remove_all(root / "set/images");
  EXPECT_EQ(root.get("set/.parts/options.json"), "{}");
  options.force = false;
  options.resume = true;
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);
  options.force = true;
  options.resume = false;
  export_scenes(options, draw, test_labels());
  EXPECT_EQ(contents(root, "set"), contents(root, "fresh"));
}

TEST(ExportScenes, NamesADamagedFile) {
  const base::TestFolder root;
  ExportOptions options = small(root / "set", 3);
  options.formats = {"pope"};
  export_scenes(options, draw, test_labels());
  options.resume = true;
  const auto expect_corrupt = [&](const std::string& file) {
    try {
      export_scenes(options, draw, test_labels());
      FAIL() << file;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
    }
  };
  json dataset = json::parse(root.get("set/dataset.json"));
  dataset.erase("objects");
  for (const std::string& text : {std::string("{"), std::string("[]"), std::string("{}"), dataset.dump()}) {
    root.put("set/dataset.json", text);
    expect_corrupt("dataset.json");
  }
  fs::remove(root / "set/dataset.json");
  for (const char* text : {"{", "[]", "7"}) {
    root.put("set/.parts/options.json", text);
    expect_corrupt("options.json");
  }
}

TEST(ExportScenes, RefusesFoldersOfOthersAndOtherOptions) {
  const base::TestFolder root;
  root.put("mine/letter.txt", "keep me");
  ExportOptions options = small(root / "mine", 3);
  options.force = options.resume = true;
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);
  EXPECT_EQ(root.get("mine/letter.txt"), "keep me");

  options = small(root / "set", 3);
  export_scenes(options, draw, test_labels());
  options.resume = true;
  options.seed = 6;
  try {
    export_scenes(options, draw, test_labels());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("seed was 5, now it is 6"), std::string::npos) << error.what();
  }
  options.resume = false;
  options.force = true;
  EXPECT_EQ(export_scenes(options, draw, test_labels()).scenes, 3U);
  options.formats = {"cocoa"};
  EXPECT_THROW(export_scenes(options, draw, test_labels()), Error);
}

}  // namespace
}  // namespace moonbeam::data
