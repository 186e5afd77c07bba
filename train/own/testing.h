// Tests only: pictures of one block each, red or blue, and the same truth about them in every shape of file.
#pragma once

#include <moonbeam/image.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/test_folder.h"

namespace moonbeam::train::testing {

inline constexpr int kBlockSide = 112, kBlockPictures = 10;

inline std::string block_name(int i) {
  return std::to_string(i) + ".png";
}
inline int block_left(int i) {
  return 8 + 6 * i;
}
inline bool block_is_red(int i) {
  return i % 2 == 0;
}

inline Image block_picture(int i) {
  constexpr int kSide = kBlockSide;
  Image out{kSide, kSide, std::vector<std::uint8_t>(kSide * kSide * 3, 200)};
  for (int y = 40; y < 80; ++y) {
    for (int x = block_left(i); x < block_left(i) + 40; ++x) {
      std::uint8_t* pixel = &out.pixels[static_cast<std::size_t>(y * kSide + x) * 3];
      pixel[0] = block_is_red(i) ? 220 : 20, pixel[1] = 20, pixel[2] = block_is_red(i) ? 20 : 220;
    }
  }
  return out;
}

/// Into the folder's "pictures".
inline void put_block_pictures(const base::TestFolder& folder) {
  std::filesystem::create_directories(folder / "pictures");
  for (int i = 0; i < kBlockPictures; ++i) save_png(block_picture(i), folder / ("pictures/" + block_name(i)));
}

inline nlohmann::json block_conversations() {
  nlohmann::json rows = nlohmann::json::array();
  for (int i = 0; i < kBlockPictures; ++i) {
    const std::string colour = block_is_red(i) ? "red" : "blue";
    rows.push_back({{"image", block_name(i)},
                    {"conversations",
                     {{{"from", "human"}, {"value", "<image>\nWhat colour is it?"}},
                      {{"from", "gpt"}, {"value", "It is " + colour + "."}}}}});
  }
  return rows;
}

inline nlohmann::json block_instances() {
  using nlohmann::json;
  json coco = {{"categories", {{{"id", 3}, {"name", "red block"}}, {{"id", 9}, {"name", "blue block"}}}},
               {"images", json::array()},
               {"annotations", json::array()}};
  for (int i = 0; i < kBlockPictures; ++i) {
    coco["images"].push_back(
        {{"id", i}, {"file_name", block_name(i)}, {"width", kBlockSide}, {"height", kBlockSide}});
    coco["annotations"].push_back({{"id", i},
                                   {"image_id", i},
                                   {"category_id", block_is_red(i) ? 3 : 9},
                                   {"bbox", {block_left(i), 40, 40, 40}}});
  }
  return coco;
}

inline std::string block_samples() {
  using nlohmann::json;
  std::string lines;
  for (int i = 0; i < kBlockPictures; ++i) {
    const std::string colour = block_is_red(i) ? "red" : "blue";
    constexpr double kSide = kBlockSide;
    const double x = block_left(i) / kSide, y = 40 / kSide, side = 40 / kSide;
    const json image = {{"file", block_name(i)}, {"w", kBlockSide}, {"h", kBlockSide}};
    const json region = {{"label", "block"}, {"box", {x, y, x + side, y + side}}};
    const json caption = {{"v", 1},
                          {"image", image},
                          {"task", "caption"},
                          {"turns", {{{"q", ""}, {"a", "A " + colour + " block."}, {"style", "short"}}}}};
    const json detect = {
        {"v", 1}, {"image", image}, {"task", "detect"}, {"turns", {{{"q", "block"}}}}, {"regions", {region}}};
    lines += caption.dump() + "\n" + detect.dump() + "\n";
  }
  return lines;
}

/// llava.json, coco.json and samples.jsonl.
inline void put_block_questions(const base::TestFolder& folder) {
  folder.put("llava.json", block_conversations().dump());
  folder.put("coco.json", block_instances().dump());
  folder.put("samples.jsonl", block_samples());
}

}  // namespace moonbeam::train::testing
