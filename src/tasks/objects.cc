#include "tasks/objects.h"

#include <utility>

#include "base/error.h"
#include "region/region.h"
#include "tasks/generate.h"
#include "text/sampler.h"

namespace moonbeam::tasks {

namespace {

int best(const Engine& engine, const RegionLogitsFn& on_logits, char kind, std::span<const float> logits) {
  if (on_logits) on_logits(kind, logits);
  const int id = text::argmax(logits);
  if (id < 0) fail_not_finite(engine);
  return id;
}

void read_size(Runner& runner, const Sequence& sequence, const RegionLogitsFn& on_logits,
               DecodedObject& object) {
  const Engine& engine = runner.engine();
  const region::RegionConfig& config = *engine.config().region;
  const std::span<const float> logits = runner.size_logits(sequence);
  const std::size_t bins = logits.size() / 2;
  object.bins.push_back(best(engine, on_logits, 's', logits.first(bins)));
  object.width = region::bin_to_size(config, object.bins.back());
  object.bins.push_back(best(engine, on_logits, 's', logits.last(bins)));
  object.height = region::bin_to_size(config, object.bins.back());
}

}  // namespace

float read_coordinate(Runner& runner, const Sequence& sequence, std::vector<int>& bins,
                      const RegionLogitsFn& on_logits, char kind) {
  const Engine& engine = runner.engine();
  bins.push_back(best(engine, on_logits, kind, runner.coordinate_logits(sequence)));
  return region::bin_to_coordinate(*engine.config().region, bins.back());
}

void check(const ObjectOptions& options) {
  if (options.max_objects < 0) {
    base::fail(ErrorCode::kInvalidArgument, "max_objects: expected at least 0, got ", options.max_objects);
  }
}

ObjectGeneration::ObjectGeneration(const Engine& engine, bool with_size, int max_objects, ProgressFn progress,
                                   RegionLogitsFn on_logits, ObjectStart start)
    : engine_(engine),
      with_size_(with_size),
      max_objects_(max_objects),
      progress_(std::move(progress)),
      on_logits_(std::move(on_logits)),
      start_(engine.prompts().coord < 0 ? ObjectStart::kAnyToken : start) {}

bool ObjectGeneration::reads_prompt_logits() const {
  return on_logits_ || (start_ == ObjectStart::kAnyToken && max_objects_ > 0);
}

Next ObjectGeneration::next(Runner& runner, Sequence& sequence) {
  switch (state_) {
    case State::kFedX:
      object_.y = read_coordinate(runner, sequence, object_.bins, on_logits_, 'y');
      state_ = with_size_ ? State::kFedY : State::kFedObject;
      return feed(CoordToken{object_.y}, !with_size_);
    case State::kFedY:
      read_size(runner, sequence, on_logits_, object_);
      state_ = State::kFedObject;
      return feed(SizeToken{object_.width, object_.height}, true);
    case State::kFedObject:
      if (!keep()) return {};
      break;
    case State::kAsk:
      break;
  }
  if (!another(runner, sequence)) return {};
  object_ = {};
  object_.x = read_coordinate(runner, sequence, object_.bins, on_logits_, 'x');
  state_ = State::kFedX;
  return feed(CoordToken{object_.x}, false);
}

// Only after an object's last token "another one or the end" is asked, and not where no more are wanted.
Next ObjectGeneration::feed(Token token, bool last) {
  token_ = token;
  const bool asks = static_cast<int>(objects_.size()) + 1 < max_objects_ && start_ == ObjectStart::kAnyToken;
  return {std::span(&token_, 1), last && (asks || on_logits_)};
}

bool ObjectGeneration::keep() {
  objects_.push_back(std::move(object_));
  return !progress_ || progress_({Progress::Stage::kDecode, static_cast<int>(objects_.size()), max_objects_});
}

bool ObjectGeneration::another(Runner& runner, Sequence& sequence) {
  const int positions = with_size_ ? 3 : 2;  // that an object takes
  const bool wanted = static_cast<int>(objects_.size()) < max_objects_;
  if (!wanted && !on_logits_) return false;
  return starts(runner, sequence) && wanted && room(engine_, sequence) >= positions;
}

bool ObjectGeneration::starts(Runner& runner, Sequence& sequence) {
  const model::Prompts& prompts = engine_.prompts();
  const std::vector<float>& logits = sequence.logits;
  if (!logits.empty()) {
    const int id = best(engine_, on_logits_, 't', logits);
    if (start_ == ObjectStart::kAnyToken) return id != prompts.eos;
    return logits[static_cast<std::size_t>(prompts.coord)] > logits[static_cast<std::size_t>(prompts.eos)];
  }
  const int ids[] = {prompts.coord, prompts.eos};
  float two[2];
  runner.logits(sequence, ids, two);
  if (text::argmax(two) < 0) fail_not_finite(engine_);
  return two[0] > two[1];
}

std::vector<DecodedObject> decode_objects(Runner& runner, Sequence& sequence, bool with_size, int max_objects,
                                          const ProgressFn& progress, const RegionLogitsFn& on_logits,
                                          ObjectStart start) {
  ObjectGeneration generation(runner.engine(), with_size, max_objects, progress, on_logits, start);
  run(generation, runner, sequence);
  return std::move(generation.result());
}

DecodedObject decode_point(Runner& runner, Sequence& sequence, const RegionLogitsFn& on_logits) {
  DecodedObject object;
  object.x = read_coordinate(runner, sequence, object.bins, on_logits, 'x');
  const Token token = CoordToken{object.x};
  runner.advance(sequence, std::span(&token, 1), false);
  object.y = read_coordinate(runner, sequence, object.bins, on_logits, 'y');
  return object;
}

Box to_box(const DecodedObject& object) noexcept {
  const double half_width = object.width / 2.0;
  const double half_height = object.height / 2.0;
  return {object.x - half_width, object.y - half_height, object.x + half_width, object.y + half_height};
}

}  // namespace moonbeam::tasks
