#include "data/scenes/caption.h"

#include <algorithm>

#include "data/scenes/questions.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr double kLow = 0.36, kHigh = 0.64;      // borders of the thirds
constexpr double kSmall = 0.045, kLarge = 0.15;  // share of the picture that a box takes

struct Frame {
  std::string_view before, after;
  bool capital = false;  // of the first item
  bool verb = false;     // "is" or "are" stands before the list
};
constexpr Frame kFrames[] = {
    {"", ".", true},
    {"There {} ", ".", false, true},
    {"The picture shows ", "."},
    {"A picture of ", "."},
    {"This picture has ", "."},
    {"You see ", "."},
    {"In the picture there {} ", ".", false, true},
    {"", " in one picture.", true},
    {"The image contains ", "."},
    {"An image of ", "."},
    {"Here {} ", ".", false, true},
    {"This is a drawing of ", "."},
    {"A scene with ", "."},
    {"The image shows ", "."},
};

const Frame& pick_frame(Stream& stream) {
  return stream.chance(0.4) ? kFrames[0] : kFrames[1 + stream.below(std::size(kFrames) - 1)];
}

std::string framed(const Frame& frame, const std::string& items, std::string_view be) {
  std::string before(frame.before);
  if (frame.verb) before.replace(before.find("{}"), 2, be);
  return before + (frame.capital ? capitalised(items) : items) + std::string(frame.after);
}

std::string_view size_word(const Scene& scene, int object) {
  const Box box = unit_box(scene, object);
  const double share = (box.x_max - box.x_min) * (box.y_max - box.y_min);
  return share < kSmall ? "small " : share > kLarge ? "large " : "";
}

std::string long_item(const Scene& scene, const LabelTable& labels, const CaptionGroup& group) {
  const Label& label = labels[group.label];
  const int count = static_cast<int>(group.objects.size());
  if (count > 1) return counted(label, group.colour, count);
  const std::string size(size_word(scene, group.objects[0]));
  std::string article = label.article;
  if (article != "some" && (!size.empty() || group.colour)) {
    article = size.empty() && *group.colour == Colour::kOrange ? "an" : "a";
  }
  return article + " " + size + singular(label, group.colour);
}

std::string long_caption(const Scene& scene, const LabelTable& labels, Stream& stream) {
  std::string text;
  const std::vector<CaptionGroup> groups = caption_groups(scene, labels, true);
  const Frame& frame = pick_frame(stream);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const CaptionGroup& group = groups[i];
    std::string item = long_item(scene, labels, group);
    if (group.objects.size() == 1) {
      const Point centre = unit_centre(scene, group.objects[0]);
      item += " " + place(centre.x, centre.y);
    }
    const int count = static_cast<int>(group.objects.size());
    const std::string_view be = verb(labels[group.label], count);
    // The frame is the first sentence's; the others are plain.
    text += (i == 0 ? framed(frame, item, be) : "There " + std::string(be) + " " + item + ".") + " ";
  }
  const std::size_t total = scene.objects.size();
  text += total == 1 ? "There is 1 object in total."
                     : "There are " + std::to_string(total) + " objects in total.";
  if (!scene.background.empty()) text += " The background is " + scene.background + ".";
  return text;
}

/// Otherwise "a yellow key and 2 keys" would stand for three keys of which one is yellow.
bool all_of_one_colour(const Scene& scene, int label) {
  std::optional<std::optional<Colour>> first;
  return std::all_of(scene.objects.begin(), scene.objects.end(), [&](const SceneObject& object) {
    if (object.label != label) return true;
    if (!first) first = object.colour;
    return *first == object.colour;
  });
}

}  // namespace

std::string_view place_across(double x) {
  return x < kLow ? "on the left" : x > kHigh ? "on the right" : "in the middle";
}

std::string place(double x, double y) {
  const std::string_view across = x < kLow ? "left" : x > kHigh ? "right" : "";
  const std::string_view down = y < kLow ? "top" : y > kHigh ? "bottom" : "";
  if (down.empty()) return std::string(place_across(x));
  return "at the " + std::string(down) + (across.empty() ? "" : " ") + std::string(across);
}

std::vector<CaptionGroup> caption_groups(const Scene& scene, const LabelTable& labels, bool thing_colours) {
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(scene.objects.size()); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return unit_centre(scene, a).x < unit_centre(scene, b).x; });
  std::vector<CaptionGroup> groups;
  for (const int object : order) {
    const SceneObject& one = scene.objects[static_cast<std::size_t>(object)];
    const bool told = labels[one.label].shape || (thing_colours && all_of_one_colour(scene, one.label));
    const bool doubled = one.colour && labels[one.label].noun == name(*one.colour);  // "an orange orange"
    const std::optional<Colour> colour = told && !doubled ? one.colour : std::nullopt;
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const CaptionGroup& group) {
      return group.label == one.label && group.colour == colour;
    });
    if (found == groups.end()) {
      CaptionGroup& group = groups.emplace_back();
      group.label = one.label;
      group.colour = colour;
      group.objects.push_back(object);
    } else {
      found->objects.push_back(object);
    }
  }
  return groups;
}

std::string caption(const Scene& scene, const LabelTable& labels, CaptionLength length, Stream& stream) {
  if (scene.objects.empty()) return "The picture is empty.";
  if (length == CaptionLength::kLong) return long_caption(scene, labels, stream);
  std::vector<std::string> items;
  const std::vector<CaptionGroup> groups = caption_groups(scene, labels, false);
  for (const CaptionGroup& group : groups) {
    std::string item = counted(labels[group.label], group.colour, static_cast<int>(group.objects.size()));
    if (length == CaptionLength::kNormal && group.objects.size() == 1) {
      item.append(" ").append(place_across(unit_centre(scene, group.objects[0]).x));
    }
    items.push_back(std::move(item));
  }
  const Frame& frame = pick_frame(stream);
  const int first = static_cast<int>(groups[0].objects.size());
  return framed(frame, listed(items), verb(labels[groups[0].label], first));
}

}  // namespace moonbeam::data
