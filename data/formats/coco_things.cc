// COCO's 80 things. Ids without a name were never given out.
#include <array>

#include "data/formats/coco.h"

namespace moonbeam::data {

std::string_view coco_thing(std::int64_t category) {
  // clang-format off
  constexpr std::array<std::string_view, 91> kThings = {
    "", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse",
    "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "", "backpack", "umbrella", "", "", "handbag",
    "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat",
    "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle", "", "wine glass", "cup", "fork",
    "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog",
    "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "", "dining table", "", "", "toilet",
    "", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"};
  // clang-format on
  const bool known = category > 0 && category < static_cast<std::int64_t>(kThings.size());
  return known ? kThings[static_cast<std::size_t>(category)] : "";
}

}  // namespace moonbeam::data
