// S11: questions as users type them. A model once failed because a question began with a small letter (T12);
// and a short answer has to be asked for, or the answer is a sentence (T17). Answers stay as they are.
#include <algorithm>

#include "base/text.h"
#include "data/pipeline/writing/noise.h"
#include "data/pipeline/writing/stages.h"
#include "data/pipeline/writing/style.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

struct Settings {
  std::vector<double> shares = {.55, .15, .08, .12, .08, .01, .01};  // of kNoiseProfiles
  double brief = .5;
};

class Noise final : public Stage {
 public:
  explicit Noise(Settings settings) : settings_(std::move(settings)) {}
  std::string_view name() const override { return "S11"; }

  std::vector<llm::Call> step(Record& record, int, std::span<const llm::Result>,
                              const Context& context) const override {
    const std::vector<float> shares(settings_.shares.begin(), settings_.shares.end());
    for (Pair& pair : record.pairs) {
      if (!pair.dropped.empty()) continue;
      data::Stream draws = context.draws(record, cat("S11 ", pair.id));
      pair.noise = kNoiseProfiles[draws.weighted(shares)];
      pair.instruction = instruction(record, pair, context);
      const std::string question =
          with_noise(pair.q, pair.noise, {pair.about, pair.a_short}, context.lexicon, draws);
      pair.asked = cat(question, pair.instruction.empty() ? "" : " ", pair.instruction);
      record.count(cat("S11/", pair.noise));
    }
    return {};
  }

 private:
  /// Twins have the same: whether one is asked for tells nothing of the answer.
  std::string instruction(const Record& record, const Pair& pair, const Context& context) const {
    const bool twins = pair.type == "yesno" || pair.type == "absent";
    const std::string group = pair.twin.empty() ? pair.id : twins ? std::min(pair.id, pair.twin) : pair.twin;
    data::Stream draws = context.draws(record, cat("S11 instruction ", group));
    if (!draws.chance(settings_.brief)) return "";
    return pick(context.prompts,
                twins                  ? "instructions_yesno"
                : pair.type == "count" ? "instructions_count"
                                       : "instructions",
                draws);
  }

  Settings settings_;
};

}  // namespace

std::unique_ptr<Stage> make_s11(base::KeySection& keys) {
  Settings settings;
  double total = 0;
  for (std::size_t i = 0; i < settings.shares.size(); ++i) {
    keys.read(kNoiseProfiles[i], settings.shares[i], 0, 1);
    total += settings.shares[i];
  }
  if (total < .999 || total > 1.001)
    keys.fail("clean", cat("shares of profiles that make 1, these make ", total));
  keys.read("brief", settings.brief, 0, 1);
  return std::make_unique<Noise>(std::move(settings));
}

}  // namespace moonbeam::pipeline
