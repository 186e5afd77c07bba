#include "data/pipeline/evidence/sheet.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kTouching = 0.05;  // of the smaller box: from here on two overlap

struct Counted {
  int facts = 0, uncertain = 0, crowds = 0;
};

/// Of width and height, cut to the picture; none where nothing is left of it.
std::optional<Box> box_of(const InputInstance& one, const Input& input) {
  const double wide = std::max(input.width, 1), high = std::max(input.height, 1);
  const Box box = {std::clamp(one.box[0] / wide, 0.0, 1.0), std::clamp(one.box[1] / high, 0.0, 1.0),
                   std::clamp((one.box[0] + one.box[2]) / wide, 0.0, 1.0),
                   std::clamp((one.box[1] + one.box[3]) / high, 0.0, 1.0)};
  if (!(box[2] > box[0]) || !(box[3] > box[1])) return std::nullopt;
  return box;
}

std::string cell(double at, std::string_view low, std::string_view high) {
  return std::string(at < 1.0 / 3 ? low : at > 2.0 / 3 ? high : "");
}

SheetObject object_of(const InputInstance& one, const Input& input, const Box& box, double share,
                      const SheetSettings& settings) {
  SheetObject out;
  out.name = one.name;
  out.instance = one.id;
  out.box = box;
  out.centre = one.centre.size() == 2 ? Point{std::clamp(one.centre[0] / std::max(input.width, 1), 0.0, 1.0),
                                              std::clamp(one.centre[1] / std::max(input.height, 1), 0.0, 1.0)}
                                      : middle_of(box);
  out.share = share;
  out.size = share < settings.small ? "small" : share > settings.large ? "large" : "medium";
  out.place = place_word(middle_of(box));
  return out;
}

bool meet(double a_low, double a_high, double b_low, double b_high) {
  return std::min(a_high, b_high) > std::max(a_low, b_low);
}

void relate(const SheetObject& a, const SheetObject& b, const SheetSettings& settings, Sheet& sheet) {
  const auto add = [&](const SheetObject& subject, const char* predicate, const SheetObject& object) {
    sheet.relations.push_back({subject.id, predicate, object.id});
  };
  const Point p = middle_of(a.box), q = middle_of(b.box);
  if (std::abs(p[0] - q[0]) > settings.gap && meet(a.box[1], a.box[3], b.box[1], b.box[3])) {
    add(a, p[0] < q[0] ? "left of" : "right of", b);
  }
  if (std::abs(p[1] - q[1]) > settings.gap && meet(a.box[0], a.box[2], b.box[0], b.box[2])) {
    add(a, p[1] < q[1] ? "above" : "below", b);
  }
  const double shared = overlap_area(a.box, b.box);
  if (shared >= settings.inside * area_of(a.box)) {
    add(a, "inside", b);
  } else if (shared >= settings.inside * area_of(b.box)) {
    add(b, "inside", a);
  } else if (shared >= kTouching * std::min(area_of(a.box), area_of(b.box))) {
    add(a, "overlapping", b);
  }
}

/// Of more than two things: of two each is the other's.
void add_nearest(std::size_t count, Sheet& sheet) {
  if (count < 3) return;
  for (std::size_t i = 0; i < count; ++i) {
    const Point p = middle_of(sheet.objects[i].box);
    std::size_t best = i;
    double least = 4;
    for (std::size_t k = 0; k < count; ++k) {
      const Point q = middle_of(sheet.objects[k].box);
      const double far = (p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]);
      if (k != i && far < least) least = far, best = k;
    }
    sheet.relations.push_back({sheet.objects[i].id, "nearest", sheet.objects[best].id});
  }
}

/// ".42": two digits are what a model can use.
std::string hundredths(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text[0] == '0' ? text + 1 : text;
}

}  // namespace

Point middle_of(const Box& box) {
  return {(box[0] + box[2]) / 2, (box[1] + box[3]) / 2};
}

double overlap_area(const Box& a, const Box& b) {
  const double wide = std::min(a[2], b[2]) - std::max(a[0], b[0]),
               high = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  return wide > 0 && high > 0 ? wide * high : 0;
}

double area_of(const Box& box) {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

std::string place_word(const Point& point) {
  const std::string down = cell(point[1], "top", "bottom"), across = cell(point[0], "left", "right");
  if (down.empty() && across.empty()) return "middle";
  return down.empty() ? across : across.empty() ? down : down + " " + across;
}

Sheet make_sheet(const Input& input, const SheetSettings& settings) {
  Sheet sheet;
  std::map<std::string, Counted> classes;
  for (const InputInstance& one : input.instances) {
    Counted& of = classes[one.name];
    if (one.crowd) {
      ++of.crowds;
      continue;
    }
    const std::optional<Box> box = box_of(one, input);
    const double pixels = static_cast<double>(input.width) * input.height;
    const double share = box && pixels > 0 ? (one.area > 0 ? one.area / pixels : area_of(*box)) : 0;
    if (!box || share < settings.min_share || std::min(one.box[2], one.box[3]) < settings.min_side) {
      ++of.uncertain;
      continue;
    }
    ++of.facts;
    sheet.objects.push_back(object_of(one, input, *box, share, settings));
  }
  std::stable_sort(sheet.objects.begin(), sheet.objects.end(),
                   [](const SheetObject& a, const SheetObject& b) {
                     return a.share != b.share ? a.share > b.share : a.instance < b.instance;
                   });
  for (std::size_t i = 0; i < sheet.objects.size(); ++i) sheet.objects[i].id = base::cat("O", i + 1);

  // Where an annotation says of which classes it has all, it may have missed some of the others.
  const bool says_which = !input.things.empty() || !input.negatives.empty();
  const auto complete = [&](const std::string& name) {
    return !says_which || std::find(input.things.begin(), input.things.end(), name) != input.things.end();
  };
  for (const auto& [name, of] : classes) {
    if (of.uncertain > 0) sheet.uncertain.push_back(name);
    if (of.crowds > 0) sheet.crowds.push_back(name);
    if (of.facts == 0) continue;
    const bool exact =
        of.crowds == 0 && of.uncertain == 0 && of.facts <= settings.most_exact && complete(name);
    sheet.counts.push_back({name, of.facts, exact});
  }
  std::set<std::string> exhaustive(input.things.begin(), input.things.end());
  for (const std::string& name : input.negatives) {
    if (!classes.contains(name)) exhaustive.insert(name);
  }
  for (const std::string& name : exhaustive) {
    const auto found = classes.find(name);
    if (found == classes.end() || (found->second.uncertain == 0 && found->second.crowds == 0)) {
      sheet.exhaustive.push_back(name);
    }
  }
  sheet.stuff = input.stuff;

  const std::size_t related = std::min(sheet.objects.size(), static_cast<std::size_t>(settings.most_related));
  for (std::size_t i = 0; i < related; ++i) {
    for (std::size_t k = i + 1; k < related; ++k) relate(sheet.objects[i], sheet.objects[k], settings, sheet);
  }
  add_nearest(related, sheet);
  return sheet;
}

std::string sheet_text(const Sheet& sheet) {
  std::string out;
  for (const SheetObject& one : sheet.objects) {
    out += one.id + " " + one.name + " box";
    for (const double side : one.box) out += " " + hundredths(side);
    out += " size " + one.size + " pos " + one.place + "\n";
  }
  for (const SheetCount& one : sheet.counts) {
    out += "count " + one.name + (one.exact ? " " : " at least ") + std::to_string(one.count) + "\n";
  }
  for (const std::string& name : sheet.crowds) out += "crowd of " + name + "\n";
  for (const SheetRelation& one : sheet.relations) {
    out += one.subject + " " + one.predicate + " " + one.object + "\n";
  }
  for (const std::string& name : sheet.stuff) out += "background " + name + "\n";
  return out;
}

}  // namespace moonbeam::pipeline
