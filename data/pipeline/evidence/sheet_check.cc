#include "data/pipeline/evidence/sheet_check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "data/pipeline/evidence/sheet.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

// Where people say "left", "in the middle": wider than thirds on the side of yes, and a band in which they
// differ.
constexpr double kSideYes = 0.42, kSideNo = 0.5, kMiddleYes = 0.2, kMiddleNo = 0.3;
constexpr double kApart = 0.10, kWrongWay = 0.03;  // between centres

SheetVerdict verdict(const char* is, const std::vector<const SheetObject*>& things = {}) {
  return {is, things.size() == 1 ? things[0]->id : ""};
}

/// Of several things one is enough; no is a no of all.
SheetVerdict any_of(const std::vector<const SheetObject*>& things,
                    const std::function<std::string(const SheetObject&)>& check) {
  std::vector<const SheetObject*> yes;
  std::size_t no = 0;
  for (const SheetObject* one : things) {
    const std::string is = check(*one);
    if (is == kSupported) yes.push_back(one);
    if (is == kContradicted) ++no;
  }
  if (!yes.empty()) return verdict(kSupported, yes);
  return verdict(!things.empty() && no == things.size() ? kContradicted : kUnknown);
}

std::string on_side(double at, bool low) {
  const double from = low ? at : 1 - at;
  return from <= kSideYes ? kSupported : from >= kSideNo ? kContradicted : kUnknown;
}

std::string in_place(const SheetObject& thing, const std::string& place) {
  const Point centre = middle_of(thing.box);
  bool all = true;
  for (const Word& word : words_of(place)) {
    std::string is = kUnknown;
    if (word.text == "left" || word.text == "right") is = on_side(centre[0], word.text == "left");
    if (word.text == "top" || word.text == "bottom") is = on_side(centre[1], word.text == "top");
    if (word.text == "middle") {
      const double off = std::abs(centre[0] - 0.5);
      is = off <= kMiddleYes ? kSupported : off > kMiddleNo ? kContradicted : kUnknown;
    }
    if (is == kContradicted) return is;
    all = all && is == kSupported;
  }
  return all ? kSupported : kUnknown;
}

SheetVerdict check_count(const Sheet& sheet, const Claim& claim, const Subject& subject,
                         const Lexicon& lexicon) {
  const auto said = number_of(claim.object);
  if (!said) return {};
  const Things found = things_of(sheet, subject, lexicon);
  if (found.of_noun.empty()) {
    const SheetVerdict there = check_existence(sheet, {subject.noun}, lexicon);
    if (there.is != kContradicted) return {};
    return verdict(*said == 0 ? kSupported : kContradicted);
  }
  // A narrower name than the sheet's cannot be counted, nor a wider one that other things may have too.
  int count = 0;
  bool exact = true, whole = true;
  for (const SheetCount& one : sheet.counts) {
    const bool own = lexicon.same(one.name, subject.noun), kind = lexicon.is_a(one.name, subject.noun);
    if (!(found.exact ? own : kind)) continue;
    count += one.count;
    exact = exact && one.exact;
    whole = whole && (own || holds(sheet.exhaustive, one.name, lexicon));
  }
  if (count == 0 || !whole) return {};
  if (!subject.colour.empty()) {
    if (found.unclear > 0 || !exact) return {};
    count = static_cast<int>(found.all.size());
  }
  if (!found.exact) return verdict(exact && *said == count ? kSupported : kUnknown);
  if (exact) return verdict(*said == count ? kSupported : kContradicted, found.all);
  return verdict(*said < count ? kContradicted : kUnknown);
}

SheetVerdict check_colour(const Sheet& sheet, const std::string& colour, const Subject& subject,
                          const Lexicon& lexicon) {
  const Things found = things_of(sheet, {subject.noun}, lexicon);
  return any_of(found.of_noun, [&](const SheetObject& one) -> std::string {
    if (one.colour == colour) return kSupported;
    const bool some = std::find(one.colours.begin(), one.colours.end(), colour) != one.colours.end();
    return !one.colour.empty() && !some ? kContradicted : kUnknown;
  });
}

enum class Way { kLeft, kRight, kAbove, kBelow, kInside };

std::optional<Way> way_of(const std::string& predicate) {
  const std::string text = " " + lower(predicate) + " ";
  const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
  if (says(" left of ") || says(" left to ")) return Way::kLeft;
  if (says(" right of ") || says(" right to ")) return Way::kRight;
  if (says(" above ")) return Way::kAbove;
  if (says(" below ")) return Way::kBelow;
  if (says(" inside ")) return Way::kInside;
  return std::nullopt;
}

std::string stands(const SheetObject& a, const SheetObject& b, Way way) {
  const Point p = middle_of(a.box), q = middle_of(b.box);
  const auto by = [](double ahead) -> std::string {
    return ahead > kApart ? kSupported : ahead < -kWrongWay ? kContradicted : kUnknown;
  };
  switch (way) {
    case Way::kLeft:
      return by(q[0] - p[0]);
    case Way::kRight:
      return by(p[0] - q[0]);
    case Way::kAbove:
      return by(q[1] - p[1]);
    case Way::kBelow:
      return by(p[1] - q[1]);
    default: {
      const double share = overlap_area(a.box, b.box) / std::max(area_of(a.box), 1e-9);
      return share >= 0.9 ? kSupported : share < 0.5 ? kContradicted : kUnknown;
    }
  }
}

SheetVerdict check_way(const Sheet& sheet, const Claim& claim, Way way, const Subject& subject,
                       const Lexicon& lexicon) {
  const Things from = things_of(sheet, subject, lexicon);
  const Things to = things_of(sheet, subject_of(claim.object, lexicon), lexicon);
  return any_of(from.all, [&](const SheetObject& a) {
    std::vector<const SheetObject*> others;
    for (const SheetObject* one : to.all) {
      if (one != &a) others.push_back(one);
    }
    return any_of(others, [&](const SheetObject& b) { return stands(a, b, way); }).is;
  });
}

SheetVerdict check_text(const Record& record, const Claim& claim) {
  bool any = false;
  for (const Source& one : record.sources) {
    if (one.kind != "ocr") continue;
    any = true;
    if (!claim.object.empty() && one.text.find(claim.object) != std::string::npos) return verdict(kSupported);
  }
  return verdict(any ? kContradicted : kUnknown);
}

/// Of a thing that may be there: its place, how it stands to another, its colour.
SheetVerdict check_said(const Sheet& sheet, const Claim& claim, const Subject& subject,
                        const Lexicon& lexicon) {
  if (const std::string place = place_of(claim); !place.empty()) {
    const Things found = things_of(sheet, subject, lexicon);
    return any_of(found.all, [&](const SheetObject& one) { return in_place(one, place); });
  }
  if (claim.type == "relation") {
    if (lexicon.is_noun(lexicon.head(claim.object)) &&
        check_existence(sheet, subject_of(claim.object, lexicon), lexicon).is == kContradicted) {
      return verdict(kContradicted);
    }
    const std::optional<Way> way = way_of(claim.predicate);
    return way ? check_way(sheet, claim, *way, subject, lexicon) : SheetVerdict{};
  }
  if (claim.type == "attribute") {
    if (const auto colour = colour_of(claim.object)) return check_colour(sheet, *colour, subject, lexicon);
  }
  return {};
}

}  // namespace

std::string place_of(const Claim& claim) {
  if (claim.type != "relation" && claim.type != "attribute") return "";
  const std::string predicate = lower(claim.predicate);
  if (predicate != "position" && predicate != "location" && predicate != "place") return "";
  std::string down, across;
  for (const Word& word : words_of(claim.object)) {
    if (word.text == "left" || word.text == "right") across = word.text;
    if (word.text == "top" || word.text == "bottom") down = word.text;
    if ((word.text == "middle" || word.text == "center" || word.text == "centre") && across.empty())
      across = "middle";
  }
  if (down.empty()) return across;
  return across.empty() || across == "middle" ? down : down + " " + across;
}

SheetVerdict check_existence(const Sheet& sheet, const Subject& subject, const Lexicon& lexicon) {
  const Things found = things_of(sheet, subject, lexicon);
  // A bird's box shows no duck where ducks have boxes of their own.
  const bool wider =
      !found.exact && !found.of_noun.empty() && !lexicon.is_a(found.of_noun[0]->name, subject.noun);
  const bool own_class =
      holds(sheet.exhaustive, subject.noun, lexicon) || holds(sheet.uncertain, subject.noun, lexicon);
  if (!found.of_noun.empty() && !(wider && own_class)) {
    if (!found.all.empty()) return verdict(kSupported, found.all);
    // One of them may have no box.
    return verdict(found.unclear > 0 || holds(sheet.uncertain, subject.noun, lexicon) ? kUnknown
                                                                                      : kContradicted);
  }
  if (holds(sheet.uncertain, subject.noun, lexicon)) return {};
  if (subject.colour.empty() &&
      (holds(sheet.crowds, subject.noun, lexicon) || holds(sheet.stuff, subject.noun, lexicon))) {
    return verdict(kSupported);
  }
  if (holds(sheet.exhaustive, subject.noun, lexicon)) return verdict(kContradicted);
  // A puppy where no dog is: the sheet would have shown it under the wider name.
  for (const std::string& kind : lexicon.kinds_of(subject.noun)) {
    if (holds(sheet.uncertain, kind, lexicon) || holds(sheet.crowds, kind, lexicon)) return {};
  }
  for (const std::string& kind : lexicon.kinds_of(subject.noun)) {
    if (holds(sheet.exhaustive, kind, lexicon)) return verdict(kContradicted);
  }
  return {};
}

SheetVerdict check_on_sheet(const Record& record, const Claim& claim, const Lexicon& lexicon) {
  const Sheet& sheet = record.sheet;
  if (claim.type == "text") return check_text(record, claim);
  if (claim.type == "scene") {
    const bool stuff =
        holds(sheet.stuff, lexicon.head(claim.object.empty() ? claim.subject : claim.object), lexicon);
    return verdict(stuff ? kSupported : kUnknown);
  }
  const Subject subject = subject_of(claim.subject, lexicon);
  if (claim.type == "existence") return check_existence(sheet, subject, lexicon);
  if (claim.type == "count") return check_count(sheet, claim, subject, lexicon);
  // What is said of a thing that is not there is wrong whatever it says.
  if (check_existence(sheet, subject, lexicon).is == kContradicted) return verdict(kContradicted);
  const SheetVerdict out = check_said(sheet, claim, subject, lexicon);
  const bool may_lack_a_box = holds(sheet.uncertain, subject.noun, lexicon);
  return out.is == kContradicted && may_lack_a_box ? SheetVerdict{} : out;
}

bool only_code_decides(const Claim& claim) {
  return claim.type == "existence" || claim.type == "count" || claim.type == "text" ||
         !place_of(claim).empty() || (claim.type == "relation" && way_of(claim.predicate)) ||
         (claim.type == "attribute" && colour_of(claim.object));
}

}  // namespace moonbeam::pipeline
