// S2: mends slips of the ear and of the fingers in narratives, one call each. A repair that says more, less
// or something else than the narrative is refused by code; then the raw text stays, and is trusted less.
#include "base/text.h"
#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/evidence/repair_check.h"
#include "data/pipeline/stage/expect.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

class RepairStage final : public Stage {
 public:
  explicit RepairStage(base::KeySection& keys) {
    keys.read("overlap", settings_.overlap, 0, 1);
    keys.read("temperature", temperature_, 0, 2);
    keys.read("examples", examples_, 0, 8);
  }

  std::string_view name() const override { return "S2"; }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    std::vector<Source*> narratives;
    for (Source& one : record.sources) {
      if (one.kind == "narrative") narratives.push_back(&one);
    }
    if (round > 0) {
      for (std::size_t i = 0; i < std::min(narratives.size(), results.size()); ++i) {
        take(record, *narratives[i], results[i], context);
      }
      return {};
    }
    std::set<std::string> hints;
    for (const SheetObject& one : record.sheet.objects) hints.insert(one.name);
    for (const SheetCount& one : record.sheet.counts) hints.insert(one.name);
    data::Stream draws = context.draws(record, "S2");
    std::vector<llm::Call> calls;
    for (const Source* one : narratives) {
      CallShape shape;
      shape.prompt = "S2";
      shape.part = one->id;
      shape.who = &context.writer(draws);
      shape.temperature = temperature_;
      shape.max_tokens = 256 + static_cast<int>(one->raw.size());
      shape.examples = examples_;
      calls.push_back(context.call(record, name(), {{"text", one->raw}, {"hints", hints}}, shape));
    }
    return calls;
  }

  std::vector<ExpectedCalls> expect(Expected& picture, const Context&) const override {
    const double tokens = kTokensAWord * words_a_text(picture.narratives);
    return {{.prompt = "S2",
             .role = Role::kWriter,
             .calls = picture.narratives.texts,
             .input = 40 + tokens,
             .output = 20 + tokens,
             .examples = examples_}};
  }

 private:
  void take(Record& record, Source& source, const llm::Result& result, const Context& context) const {
    if (!answered(record, name(), result)) {
      source.low_trust = true;
      return;
    }
    Changes changed;
    for (const Json& one : result.value["changed"]) {
      changed.emplace_back(one.value("from", ""), one.value("to", ""));
    }
    const std::string text = result.value.value("text", "");
    const std::string fault = repair_fault(source.raw, text, changed, context.lexicon, settings_);
    if (!fault.empty()) {
      source.low_trust = true;
      record.count(base::cat("S2/", fault));
      return;
    }
    if (text != source.raw) record.count("S2/repaired");
    source.text = text;
    for (const Json& one : result.value["unclear"]) source.unclear.push_back(one.get<std::string>());
  }

  RepairSettings settings_;
  double temperature_ = 0.2;
  int examples_ = 2;
};

}  // namespace

std::unique_ptr<Stage> make_s2(base::KeySection& keys) {
  return std::make_unique<RepairStage>(keys);
}

}  // namespace moonbeam::pipeline
