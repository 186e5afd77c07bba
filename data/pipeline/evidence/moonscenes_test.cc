// S1 to S5 over a noisy set of drawn scenes, with the mock as the model: how much that is wrong survives, and
// how much that is right (data.md 8.2).
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <set>

#include "base/file.h"
#include "base/sha256.h"
#include "base/test_folder.h"
#include "data/export/dataset.h"
#include "data/formats/coco_join.h"
#include "data/llm/body.h"
#include "data/llm/schema.h"
#include "data/mockllm/mock.h"
#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/test_records.h"
#include "data/pipeline/words/english.h"
#include "data/scenes/atlas.h"
#include "data/scenes/caption.h"

namespace moonbeam::pipeline {
namespace {

constexpr std::uint64_t kScenes = 150;

/// A noisy set on disk, and the scenes that it shows.
class NoisySet {
 public:
  explicit NoisySet(std::uint64_t count)
      : labels_(data::LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv")),
        atlas_(data::Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels_)) {
    data::ExportOptions options;
    options.folder = folder_ / "set";
    options.seed = 11;
    options.scenes = count;
    options.noisy = true;
    options.threads = 1;
    options.formats = {"coco", "narratives", "gqa"};
    data::export_scenes(
        options,
        [&](const data::SceneKey& key, const data::SceneOptions& scene) {
          data::Scene out = data::render_scene(key, scene, atlas_, labels_);
          const std::scoped_lock lock(mutex_);
          scenes_[static_cast<std::int64_t>(key.index)] = out;
          scenes_[static_cast<std::int64_t>(key.index)].image.pixels.clear();
          return out;
        },
        labels_);
    read();
  }

  std::string folder() const { return folder_ / "set"; }
  std::string pictures() const { return folder() + "/images"; }
  const std::vector<Record>& records() const { return records_; }
  const data::Scene& scene(const Record& record) const { return scenes_.at(std::stoll(record.input.key)); }
  const data::LabelTable& labels() const { return labels_; }

 private:
  void read() {
    std::map<std::int64_t, data::Narrative> narratives;
    data::Reading reading;
    data::ByteSource source(folder() + "/narratives/val-seed_localized_narratives.jsonl");
    data::read_narratives(
        source, [&](const data::Narrative& one, std::uint64_t) { narratives[std::stoll(one.picture)] = one; },
        reading);
    const data::CocoFiles files{{folder() + "/coco/instances.json"}, {folder() + "/coco/captions.json"}, {}};
    data::join_coco(
        files, {},
        [&](const data::CocoGroup& group, const data::CocoCategories& categories) {
          Record record;
          Input& input = record.input;
          input.key = std::to_string(group.picture.id);
          input.file = group.picture.file;
          input.width = group.picture.width;
          input.height = group.picture.height;
          for (const auto& [id, category] : categories) input.things.push_back(category.name);
          for (const data::CocoInstance& one : group.instances) {
            input.instances.push_back({.id = one.id,
                                       .name = categories.at(one.category).name,
                                       .box = {one.box.x, one.box.y, one.box.width, one.box.height},
                                       .area = one.area.value_or(0),
                                       .crowd = one.crowd});
          }
          for (const data::CocoCaption& one : group.captions) {
            input.texts.push_back({.kind = "caption", .text = one.text});
          }
          input.narratives = {narratives.at(group.picture.id)};
          const std::string bytes = base::read_file(pictures() + "/" + input.file, std::size_t{1} << 24);
          record.picture.sha256 = base::sha256_hex(std::as_bytes(std::span(bytes)));
          records_.push_back(std::move(record));
        },
        reading);
  }

  base::TestFolder folder_;
  data::LabelTable labels_;
  data::Atlas atlas_;
  std::mutex mutex_;
  std::map<std::int64_t, data::Scene> scenes_;
  std::vector<Record> records_;
};

const NoisySet& noisy_set() {
  static const NoisySet one(
      std::getenv("MOONBEAM_TEST_SCENES") ? std::stoull(std::getenv("MOONBEAM_TEST_SCENES")) : kScenes);
  return one;
}

/// What a server would have answered, by way of the request's own bytes.
Answers served_by(mockllm::Mock& mock) {
  return [&mock](const llm::Call& call) {
    llm::Result out;
    const std::string body =
        llm::body_of(call, call.sampling, {.dialect = llm::Dialect::kJsonSchema, .model = call.model});
    const mockllm::MockReply reply = mock.handle({"POST", "/v1/chat/completions", "", body});
    if (reply.status != 200) {
      out.outcome = llm::Outcome::kRejected;
      return out;
    }
    const Json choice = Json::parse(reply.body)["choices"][0];
    out.text = choice["message"]["content"];
    out.value = Json::parse(out.text, nullptr, false);
    out.outcome = choice["finish_reason"] == "length"                  ? llm::Outcome::kCut
                  : out.value.is_discarded()                           ? llm::Outcome::kNotJson
                  : !llm::schema_fault(out.value, call.schema).empty() ? llm::Outcome::kWrongSchema
                                                                       : llm::Outcome::kAnswer;
    return out;
  };
}

/// What a scene shows, to be asked for by code.
class TrueScene {
 public:
  TrueScene(const data::Scene& scene, const data::LabelTable& labels) : scene_(scene), labels_(labels) {}

  int count(const Subject& subject) const {
    int out = 0;
    for (const data::SceneObject& one : scene_.objects) out += fits(one, subject) ? 1 : 0;
    return out;
  }
  /// Under this name alone.
  int named(const std::string& name) const {
    return static_cast<int>(std::count_if(scene_.objects.begin(), scene_.objects.end(),
                                          [&](const auto& one) { return labels_[one.label].noun == name; }));
  }
  bool holds(const Claim& claim) const {
    const Subject subject = subject_of(claim.subject, test_lexicon());
    const int there = count(subject);
    if (claim.type == "existence") return there > 0;
    if (claim.type == "count") return claim.object == std::to_string(there);
    if (claim.type == "attribute") return count({subject.noun, claim.object}) > 0;
    const std::string place = place_of(claim);
    return std::any_of(scene_.objects.begin(), scene_.objects.end(), [&](const data::SceneObject& one) {
      if (!fits(one, subject)) return false;
      const double x = (one.box.x_min + one.box.x_max) / 2.0 / scene_.image.width,
                   y = (one.box.y_min + one.box.y_max) / 2.0 / scene_.image.height;
      const auto has = [&](const char* word) { return place.find(word) != std::string::npos; };
      return !(has("left") && x > .5) && !(has("right") && x < .5) && !(has("top") && y > .5) &&
             !(has("bottom") && y < .5) && !(has("middle") && (x < .25 || x > .75));
    });
  }
  /// What the captions tell: things, numbers, colours of shapes, places of single things.
  std::vector<Claim> facts() const {
    std::vector<Claim> out;
    const auto add = [&](const char* type, const std::string& subject, const char* predicate,
                         const std::string& object) {
      out.push_back(test_claim(type, subject, predicate, object, "", ""));
    };
    for (const data::CaptionGroup& group : data::caption_groups(scene_, labels_, false)) {
      const std::string noun = labels_[group.label].noun;
      const bool several = count({noun}) > static_cast<int>(group.objects.size());
      const std::string subject =
          several && group.colour ? std::string(data::name(*group.colour)) + " " + noun : noun;
      add("existence", subject, "exists", "");
      if (group.objects.size() > 1) add("count", subject, "count", std::to_string(group.objects.size()));
      if (group.colour && !several)
        add("attribute", subject, "colour", std::string(data::name(*group.colour)));
      if (group.objects.size() == 1) {
        const data::PixelBox& box = scene_.objects[static_cast<std::size_t>(group.objects[0])].box;
        const double x = (box.x_min + box.x_max) / 2.0 / scene_.image.width;
        const std::string_view across = data::place_across(x);
        add("relation", subject, "position", std::string(across.substr(across.rfind(' ') + 1)));
      }
    }
    return out;
  }

 private:
  bool fits(const data::SceneObject& one, const Subject& subject) const {
    if (!test_lexicon().is_a(labels_[one.label].noun, subject.noun)) return false;
    return subject.colour.empty() || (one.colour && data::name(*one.colour) == subject.colour);
  }
  const data::Scene& scene_;
  const data::LabelTable& labels_;
};

struct Tally {
  int right = 0, wrong = 0, found = 0, facts = 0;
};
struct Outcome {
  std::map<std::string, Tally> by_type;
  int pictures = 0, calls = 0, sheet_counts = 0, wrong_counts = 0, wrong_things = 0, wrong_absences = 0;
  std::map<std::string, std::int64_t> counts;

  Tally all() const {
    Tally out;
    for (const auto& [type, of] : by_type) {
      out.right += of.right, out.wrong += of.wrong, out.found += of.found, out.facts += of.facts;
    }
    return out;
  }
  double wrong_share(const std::string& type) const {
    const auto at = by_type.find(type);
    if (at == by_type.end() || at->second.right + at->second.wrong == 0) return 0;
    return static_cast<double>(at->second.wrong) / (at->second.right + at->second.wrong);
  }
  double recall() const { return static_cast<double>(all().found) / std::max(1, all().facts); }
  void print(const std::string& name) const {
    std::cout << name << ": " << pictures << " pictures, " << calls << " calls, recall " << recall() << "\n";
    for (const auto& [type, of] : by_type) {
      std::cout << "  " << type << ": " << of.right << " right, " << of.wrong << " wrong, " << of.found
                << " of " << of.facts << " facts\n";
    }
    std::cout << "  sheet: " << sheet_counts << " exact counts, " << wrong_counts << " wrong; "
              << wrong_things << " wrong things, " << wrong_absences << " wrong absences\n";
    for (const auto& [reason, count] : counts) std::cout << "    " << reason << " " << count << "\n";
  }
};

void judge_sheet(const Sheet& sheet, const TrueScene& truth, Outcome& out) {
  for (const SheetCount& one : sheet.counts) {
    if (!one.exact) continue;
    ++out.sheet_counts;
    out.wrong_counts += truth.named(one.name) == one.count ? 0 : 1;
  }
  for (const SheetObject& one : sheet.objects) out.wrong_things += truth.named(one.name) == 0 ? 1 : 0;
  std::set<std::string> boxed;
  for (const SheetObject& one : sheet.objects) boxed.insert(one.name);
  for (const std::string& name : sheet.exhaustive) {
    if (!boxed.contains(name) && truth.count({name}) > 0) {
      // Unless a narrower thing stands for it.
      const bool kind = std::any_of(boxed.begin(), boxed.end(), [&](const std::string& other) {
        return test_lexicon().is_a(other, name);
      });
      out.wrong_absences += kind ? 0 : 1;
      if (!kind && std::getenv("MOONBEAM_TEST_VERBOSE")) std::cout << "wrong absence: " << name << "\n";
    }
  }
}

struct Setting {
  bool vision = false, guards = true;
  double truth_error = 0;
  bool open_vocabulary = false;  ///< nothing is listed completely: the sheet denies nothing
};

Outcome run(const std::vector<std::string>& faults, const Setting& setting) {
  mockllm::MockOptions options;
  for (const std::string& one : faults) options.faults.push_back(mockllm::parse_fault(one));
  if (setting.vision) options.truth = noisy_set().folder();
  options.truth_error = setting.truth_error;
  mockllm::Mock mock(options);
  const Answers answers = served_by(mock);
  Context context = test_context(setting.vision);
  context.pictures = noisy_set().pictures();
  std::vector<std::unique_ptr<Stage>> stages;
  for (const auto make : {make_s1, make_s2, make_s3, make_s4, make_s5}) {
    base::KeySection keys = no_keys();
    if (!setting.guards) {
      for (const char* key : {"check_quotes", "control_claims", "swapped_questions"})
        keys.add(key, "false", 1);
    }
    stages.push_back(make(keys));
  }
  Outcome out;
  for (Record record : noisy_set().records()) {
    if (setting.open_vocabulary) record.input.things.clear();
    for (const auto& stage : stages) out.calls += run_stage(*stage, record, context, answers);
    ++out.pictures;
    const TrueScene truth(noisy_set().scene(record), noisy_set().labels());
    std::set<std::string> accepted;
    for (const Claim* one : record.accepted()) {
      accepted.insert(content_of(*one, test_lexicon()));
      Tally& of = out.by_type[one->type];
      const bool holds = truth.holds(*one);
      ++(holds ? of.right : of.wrong);
      if (!holds && std::getenv("MOONBEAM_TEST_VERBOSE")) {
        std::cout << record.input.key << " wrong: " << one->type << "|" << one->subject << "|"
                  << one->predicate << "|" << one->object << " quote '" << one->quote << "' " << one->source
                  << " b " << one->by_sheet << "\n";
      }
    }
    for (const Claim& fact : truth.facts()) {
      Tally& of = out.by_type[fact.type];
      ++of.facts;
      const bool found = std::any_of(record.claims.begin(), record.claims.end(), [&](const Claim& one) {
        if (!one.accepted || one.type != fact.type) return false;
        if (content_of(one, test_lexicon()) == content_of(fact, test_lexicon())) return true;
        return !place_of(fact).empty() && one.subject == fact.subject &&
               place_of(one).find(place_of(fact)) != std::string::npos;
      });
      of.found += found ? 1 : 0;
      if (!found && std::getenv("MOONBEAM_TEST_VERBOSE")) {
        std::cout << record.input.key << " lost: " << fact.type << "|" << fact.subject << "|"
                  << fact.predicate << "|" << fact.object;
        for (const Claim& one : record.claims) {
          if (one.type == fact.type && content_of(one, test_lexicon()) == content_of(fact, test_lexicon())) {
            std::cout << " " << one.dropped;
          }
        }
        std::cout << "\n";
      }
    }
    judge_sheet(record.sheet, truth, out);
    for (const auto& [reason, count] : record.counts) out.counts[reason] += count;
  }
  return out;
}

void expect_bars(const Outcome& out) {
  EXPECT_EQ(out.wrong_absences, 0);
  EXPECT_LT(out.wrong_counts, 0.002 * out.sheet_counts);
  EXPECT_LT(out.wrong_things, 0.002 * out.sheet_counts);
  EXPECT_LT(out.wrong_share("existence"), 0.003);
  EXPECT_LT(out.wrong_share("attribute"), 0.01);
  EXPECT_LT(out.wrong_share("count"), 0.005);
  EXPECT_LT(out.wrong_share("relation"), 0.01);
  EXPECT_GT(out.recall(), 0.85);
}

TEST(MoonScenes, NoisySetsKeepTheBarsWithoutEyes) {
  const Outcome out = run({}, {});
  out.print("no vision model");
  expect_bars(out);
}

TEST(MoonScenes, NoisySetsKeepTheBarsWithEyesThatErr) {
  const Outcome out = run({}, {.vision = true, .truth_error = 0.02});
  out.print("vision, 2 % wrong");
  expect_bars(out);
}

TEST(MoonScenes, AModelThatInventsAndForgetsAndAgreesDoesNotGetThrough) {
  const Outcome out =
      run({"hallucinate=0.2", "drop=0.05", "yes=0.1", "invalid_json=0.01", "cut=0.01"}, {.vision = true});
  out.print("faults");
  EXPECT_LT(out.wrong_share("existence"), 0.003);
  EXPECT_LT(out.wrong_share("attribute"), 0.01);
  EXPECT_LT(out.wrong_share("count"), 0.005);
  EXPECT_GT(out.counts.at("S4a/agrees-with-anything"), 0);
  EXPECT_GT(out.counts.at("S3/quote-without-subject") + out.counts.at("S3/quote-not-in-source"), 0);
}

/// Where the sheet denies nothing, the other guards stand alone.
TEST(MoonScenes, WithoutItsGuardsALyingModelGetsThrough) {
  const std::vector<std::string> liar = {"hallucinate=1", "yes=1"};
  const Outcome without = run(liar, {.vision = true, .guards = false, .open_vocabulary = true});
  without.print("lies, no guards");
  const Outcome with = run(liar, {.vision = true, .open_vocabulary = true});
  with.print("lies, guards");
  EXPECT_GT(without.wrong_share("existence"), 0.05);
  EXPECT_EQ(with.wrong_share("existence"), 0);
}

}  // namespace
}  // namespace moonbeam::pipeline
