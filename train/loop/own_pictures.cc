#include "train/loop/own_pictures.h"

#include <moonbeam/image.h>

#include <algorithm>

#include "base/error.h"
#include "train/batch/prompts.h"
#include "train/own/order.h"

namespace moonbeam::train {

using base::fail;

namespace {

constexpr std::uint64_t kRoundOfKept = ~std::uint64_t{0};
constexpr std::size_t kMostCutBytes = std::size_t{1} << 29;
// More than these are opened when their turn comes: that would take minutes at the start of every slice.
constexpr std::size_t kMostOpened = 3000;

/// Says where, in front of what a part that knows nothing of files complains of.
template <typename Call>
auto naming(const std::string& where, const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    fail(error.code(), where, ": ", error.what());
  }
}

std::vector<std::string> control_tokens(const text::Tokenizer& tokenizer) {
  std::vector<std::string> out;
  for (const formats::AddedToken& token : tokenizer.data().added) {
    if (token.special) out.push_back(token.content);
  }
  return out;
}

void check_text(const std::string& text, const std::vector<std::string>& control, const std::string& where) {
  for (const std::string& token : control) {
    if (text.find(token) == std::string::npos) continue;
    fail(ErrorCode::kCorrupt, where, ": the text holds the control token ", base::printable(token));
  }
}

}  // namespace

Sequence sequence_of(const OwnQuestion& question, const text::Tokenizer& tokenizer,
                     const model::ModelConfig& config, const LossPlan& loss) {
  const PromptWriter writer{config.prompts, tokenizer};
  const auto weight = [&](data::Kind kind) {
    return static_cast<float>(loss.kinds[static_cast<std::size_t>(kind)]);
  };
  using Task = OwnQuestion::Task;
  if (question.task == Task::kDetect) {
    std::vector<Box> boxes = question.boxes;
    sort_objects(boxes);
    return detect_sequence(writer.detect(question.text), boxes, config, weight(data::Kind::kDetect));
  }
  if (question.task == Task::kPoint) {
    std::vector<Point> points = question.points;
    sort_objects(points);
    return point_sequence(writer.point(question.text), points, config, weight(data::Kind::kPoint));
  }
  const bool caption = question.task == Task::kCaption;
  return text_sequence(caption ? writer.caption(question.length) : writer.query(question.text),
                       writer.answer(question.answer), config.prompts.eos,
                       caption ? weight(data::Kind::kCaption) : 1);
}

Image load_own_image(const OwnPicture& picture) {
  DecodeOptions options;
  options.apply_orientation = picture.upright;
  Image image = naming(picture.where, [&] { return load_image(picture.path, options); });
  if (picture.width != 0 && (image.width != picture.width || image.height != picture.height)) {
    fail(ErrorCode::kCorrupt, picture.where, ": ", base::printable(picture.path), " has ", image.width, "x",
         image.height, " pixels, expected ", picture.width, "x", picture.height);
  }
  return image;
}

OwnPictures::OwnPictures(OwnSet set, const OwnSettings& settings, std::uint64_t seed,
                         const text::Tokenizer& tokenizer, const model::ModelConfig& config)
    : set_(std::move(set)),
      seed_(seed),
      kept_(kept_out(settings.kept_out, set_.pictures.size())),
      tokenizer_(tokenizer),
      config_(config) {
  check_questions();
  if (set_.pictures.size() <= kMostOpened) check_pictures();
}

void OwnPictures::check_questions() const {
  const std::vector<std::string> control = control_tokens(tokenizer_);
  const int room =
      std::min(config_.text.max_context - 1 - config_.vision.image_tokens(), CollateOptions().max_text);
  for (const OwnPicture& picture : set_.pictures) {
    for (const OwnQuestion& question : picture.questions) {
      check_text(question.text, control, question.where);
      check_text(question.answer, control, question.where);
      const Sequence sequence =
          naming(question.where, [&] { return sequence_of(question, tokenizer_, config_, {}); });
      if (static_cast<int>(sequence.inputs.size()) <= room) continue;
      fail(ErrorCode::kExhausted, question.where, ": question and answer take ", sequence.inputs.size(),
           " positions, there is room for ", room);
    }
  }
}

void OwnPictures::check_pictures() const {
  for (const OwnPicture& picture : set_.pictures) cut(picture);
}

Picture OwnPictures::cut(const OwnPicture& picture) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cut_.find(&picture); found != cut_.end()) return found->second;
  }
  const Image image = load_own_image(picture);
  Picture out = naming(picture.where, [&] { return cut_picture(image, config_.vision); });
  const std::size_t bytes = out.patches.size() * sizeof(float);
  const std::lock_guard lock(mutex_);
  if (cut_bytes_ + bytes <= kMostCutBytes && cut_.emplace(&picture, out).second) cut_bytes_ += bytes;
  return out;
}

Picture OwnPictures::make(const OwnPicture& picture, const Stage& stage, std::uint64_t visit) const {
  Picture out = cut(picture);
  const std::size_t all = picture.questions.size();
  const std::size_t count = std::min(all, static_cast<std::size_t>(stage.questions.most));
  for (std::size_t i = 0; i < count; ++i) {
    const OwnQuestion& question = picture.questions[(visit * count + i) % all];
    out.questions.push_back(sequence_of(question, tokenizer_, config_, stage.loss));
  }
  return out;
}

// The first `kept_` places of one order are the validation's, the rest is trained on.
const OwnPicture& OwnPictures::at(std::uint64_t place) const {
  return set_.pictures[shuffled(seed_, kRoundOfKept, place, set_.pictures.size())];
}

Picture OwnPictures::trained_picture(const Stage& stage, std::uint64_t index) const {
  const std::uint64_t visit = index / trained();
  return make(at(kept_ + shuffled(seed_, visit, index % trained(), trained())), stage, visit);
}

Picture OwnPictures::kept_picture(const Stage& stage, std::uint64_t index) const {
  return make(at(index), stage, 0);
}

const OwnPicture& OwnPictures::shown(std::uint64_t turn) const {
  return at(turn % (kept_ > 0 ? kept_ : trained()));
}

}  // namespace moonbeam::train
