#include "data/pipeline/stage/context.h"

#include <moonbeam/image.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/hash64.h"
#include "base/text.h"
#include "image/encode.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::size_t kMostPicture = std::size_t{64} << 20;  // bytes of a file
constexpr int kQuality = 90;

std::string mime_of(const std::string& file) {
  const std::size_t dot = file.rfind('.');
  const std::string ending = dot == std::string::npos ? "" : file.substr(dot + 1);
  return ending == "png" ? "image/png" : ending == "webp" ? "image/webp" : "image/jpeg";
}

Image part_of(const Image& image, const Box& box, double margin) {
  const double wide = box[2] - box[0], high = box[3] - box[1];
  const auto pixel = [](double at, int side) {
    return std::clamp(static_cast<int>(std::lround(at * side)), 0, side);
  };
  const int left = pixel(box[0] - margin * wide, image.width),
            right = std::max(pixel(box[2] + margin * wide, image.width), std::min(left + 1, image.width)),
            top = pixel(box[1] - margin * high, image.height),
            bottom = std::max(pixel(box[3] + margin * high, image.height), std::min(top + 1, image.height));
  Image out;
  out.width = std::max(right - left, 1);
  out.height = std::max(bottom - top, 1);
  const int x = std::min(left, image.width - out.width), y = std::min(top, image.height - out.height);
  for (int row = y; row < y + out.height; ++row) {
    const auto* from = image.pixels.data() + (static_cast<std::size_t>(row) * image.width + x) * 3;
    out.pixels.insert(out.pixels.end(), from, from + static_cast<std::ptrdiff_t>(out.width) * 3);
  }
  return out;
}

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  return base::hash64(std::as_bytes(std::span(text)));
}

data::Stream Context::draws(const Record& record, std::string_view what) const {
  return data::Stream(pipeline, hash_text(record.input.key), hash_text(what), data::Part::kPipeline);
}

const Generator& Context::writer(data::Stream& draws) const {
  std::vector<float> shares;
  for (const Generator& one : roles.writers) shares.push_back(static_cast<float>(one.share));
  return roles.writers[static_cast<std::size_t>(draws.weighted(shares))];
}

llm::Call Context::call(const Record& record, std::string_view stage, const llm::Json& input,
                        const CallShape& shape) const {
  const Prompt& prompt = prompts.at(shape.prompt);
  const std::string id = base::cat(record.input.key, '/', stage, shape.part.empty() ? "" : "/", shape.part);
  data::Stream own = draws(record, base::cat("call ", id));
  std::vector<std::size_t> order(prompt.examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t count = std::min(order.size(), static_cast<std::size_t>(shape.examples));
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(order[i], order[i + own.below(static_cast<std::uint32_t>(order.size() - i))]);
  }
  order.resize(count);

  llm::Call call;
  call.id = id;
  call.image = record.input.key;
  call.stage = stage;
  call.model = shape.who->model;
  call.revision = shape.who->revision;
  call.messages = prompt.messages(input, order);
  call.messages.back().pictures = shape.pictures;
  call.rng = std::uint64_t{own.next()} << 32 | own.next();
  call.sampling = {.temperature = shape.temperature, .top_p = shape.top_p, .max_tokens = shape.max_tokens};
  call.sampling.seed = shape.temperature > 0 ? call.rng >> 32 : 0;
  call.schema = prompt.schema;
  call.schema_name = prompt.name;
  return call;
}

llm::Picture Context::picture(const Record& record) const {
  const std::string path = (std::filesystem::path(pictures) / record.input.file).string();
  return {mime_of(path), std::make_shared<const std::string>(base::read_file(path, kMostPicture))};
}

llm::Picture Context::cut(const Record& record, const Box& box, double margin) const {
  const llm::Picture whole = picture(record);
  const Image image = decode_image(std::as_bytes(std::span(*whole.bytes)), {}, record.input.file);
  std::string bytes;
  image::encode_jpeg(part_of(image, box, margin), kQuality, record.input.file,
                     [&](std::string_view piece) { bytes += piece; });
  return {"image/jpeg", std::make_shared<const std::string>(std::move(bytes))};
}

}  // namespace moonbeam::pipeline
