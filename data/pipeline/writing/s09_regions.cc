// S9: what is to be found, and where. No language model: labels are classes, or phrases that fit one thing
// alone; all of it is a target or nothing is, and one detect prompt in four asks for what is not there.
#include <algorithm>

#include "base/text.h"
#include "data/pipeline/writing/absent.h"
#include "data/pipeline/writing/facts.h"
#include "data/pipeline/writing/stages.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

struct Settings {
  int detect = 2, point = 1, phrases = 1;  // per picture
  double absent = .25;
  int most = 50;
  double apart = .1;  // a phrase by side: others are so far away
};

class Regions final : public Stage {
 public:
  explicit Regions(const Settings& settings) : settings_(settings) {}
  std::string_view name() const override { return "S9"; }

  std::vector<llm::Call> step(Record& record, int, std::span<const llm::Result>,
                              const Context& context) const override {
    const Facts facts(record, context.lexicon);
    data::Stream draws = context.draws(record, "S9");
    std::vector<std::string> whole = complete(record, context.lexicon);
    std::vector<std::string> absent = absent_classes(record, context);
    for (const char* task : {"detect", "point"}) {
      const int wanted = std::string_view(task) == "detect" ? settings_.detect : settings_.point;
      std::vector<std::string> left = whole;
      for (int i = 0; i < wanted; ++i) {
        const bool no = draws.chance(settings_.absent);
        const auto kind = static_cast<Negative>(draws.below(3));
        if (no) {
          // With a twin that is there the noun does not tell that nothing is found.
          const auto twin = draw_twin(kind, whole, absent, context.corpus, draws);
          if (!twin) continue;
          absent.erase(std::find(absent.begin(), absent.end(), twin->absent));
          add(record, task, twin->absent, {}).evidence = {cat("absent:", twin->absent)};
        } else if (!left.empty()) {
          const auto at = left.begin() + draws.below(static_cast<std::uint32_t>(left.size()));
          add(record, task, *at, all(record, *at));
          left.erase(at);
        }
      }
    }
    add_phrases(record, facts, draws);
    return {};
  }

 private:
  using Objects = std::vector<const SheetObject*>;

  static Objects all(const Record& record, const std::string& name) {
    Objects out;
    for (const SheetObject& one : record.sheet.objects) {
      if (one.name == name) out.push_back(&one);
    }
    return out;
  }

  /// Classes of which every instance is known.
  std::vector<std::string> complete(const Record& record, const Lexicon& lexicon) const {
    std::vector<std::string> out;
    for (const SheetCount& row : record.sheet.counts) {
      const auto among = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), row.name) != list.end();
      };
      const bool known =
          record.has_exhaustive(row.name) && !among(record.sheet.crowds) && !among(record.sheet.uncertain);
      const auto found = static_cast<int>(all(record, row.name).size());
      if (!known || found < 1 || found > settings_.most || found != row.count) continue;
      if (!count_doubted(record, lexicon, row.name, found)) out.push_back(row.name);
    }
    return out;
  }

  static Region& add(Record& record, const std::string& task, const std::string& label, Objects objects) {
    const auto number = std::count_if(record.regions.begin(), record.regions.end(),
                                      [&](const Region& one) { return one.task == task; });
    Region& out = record.regions.emplace_back();
    out.id = cat(task, ':', static_cast<std::int64_t>(number));
    out.task = task;
    out.label = out.asked = label;
    std::sort(objects.begin(), objects.end(), [&](const SheetObject* a, const SheetObject* b) {
      return task == "detect" ? std::pair(a->box[1], a->box[0]) < std::pair(b->box[1], b->box[0])
                              : std::pair(a->centre[1], a->centre[0]) < std::pair(b->centre[1], b->centre[0]);
    });
    for (const SheetObject* one : objects) {
      if (task == "detect") out.boxes.push_back(one->box);
      if (task == "point") out.points.push_back(one->centre);
      out.evidence.push_back(one->id);
    }
    return out;
  }

  /// "red dog", "dog on the left": fits one thing, whatever else there is of its class.
  void add_phrases(Record& record, const Facts& facts, data::Stream& draws) const {
    struct Phrase {
      std::string text, claim;
      const SheetObject* thing;
    };
    std::vector<Phrase> phrases;
    for (const SheetObject& one : record.sheet.objects) {
      const Objects alike = all(record, one.name);
      for (const Fact& fact : facts.all()) {
        const bool its =
            fact.thing == one.id || (alike.size() == 1 && facts.lexicon().same(fact.subject, one.name));
        if (!is_colour(fact) || !its || facts.only(one.name) == nullptr) continue;
        phrases.push_back({cat(fact.object, ' ', one.name), fact.id, &one});
      }
      if (alike.size() > 1) {
        if (const std::string side = outermost(one, alike);
            !side.empty() && trusted(record, facts, one.name)) {
          phrases.push_back({cat(one.name, " on the ", side), "", &one});
        }
      }
    }
    for (int i = 0; i < settings_.phrases && !phrases.empty(); ++i) {
      const auto at = phrases.begin() + draws.below(static_cast<std::uint32_t>(phrases.size()));
      Region& region = add(record, draws.chance(.5) ? "detect" : "point", at->text, {at->thing});
      if (!at->claim.empty()) region.evidence.push_back(at->claim);
      phrases.erase(at);
    }
  }

  static bool trusted(const Record& record, const Facts& facts, const std::string& name) {
    return sure_count(record, facts.lexicon(), name) > 1;
  }

  /// "left", "right": it is there, and no other of its class is near that side.
  std::string outermost(const SheetObject& one, const Objects& alike) const {
    const bool left = one.centre[0]<1.0 / 3, right = one.centre[0]> 2.0 / 3;
    if (!left && !right) return "";
    for (const SheetObject* other : alike) {
      if (other == &one) continue;
      const double gap = other->centre[0] - one.centre[0];
      const bool aside = left ? other->centre[0] >= 1.0 / 3 : other->centre[0] <= 2.0 / 3;
      if (!aside || (left ? gap : -gap) < settings_.apart) return "";
    }
    return left ? "left" : "right";
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s9(base::KeySection& keys) {
  Settings settings;
  keys.read("detect", settings.detect, 0, 50);
  keys.read("point", settings.point, 0, 50);
  keys.read("phrases", settings.phrases, 0, 50);
  keys.read("absent_share", settings.absent, 0, 1);
  keys.read("most_objects", settings.most, 1, 1000);
  keys.read("apart", settings.apart, 0, 1);
  return std::make_unique<Regions>(settings);
}

}  // namespace moonbeam::pipeline
