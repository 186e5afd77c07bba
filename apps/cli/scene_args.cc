#include "cli/scene_args.h"

#include <moonbeam/error.h>

#include "cli/text.h"

namespace moonbeam::cli {

namespace {

std::pair<int, int> parse_size(const std::string& text) {
  const std::size_t cross = text.find('x');
  const auto width = parse_int(text.substr(0, cross));
  const auto height = cross == std::string::npos ? width : parse_int(text.substr(cross + 1));
  if (!width || !height || *width < 32 || *height < 32 || *width > 4096 || *height > 4096) {
    throw Error(ErrorCode::kInvalidArgument,
                "--size: expected WIDTHxHEIGHT of 32 to 4096 pixels, got '" + printable(text) + "'");
  }
  return {static_cast<int>(*width), static_cast<int>(*height)};
}

}  // namespace

data::SceneOptions scene_options(const ScenesArgs& args) {
  data::SceneOptions options;
  std::tie(options.width, options.height) = parse_size(args.size);
  options.classes = args.classes;
  options.max_objects = args.max_objects;
  options.clutter = static_cast<float>(args.clutter);
  options.restyled = static_cast<float>(args.restyled);
  options.occlusion = args.occlusion;
  options.reading = args.reading;
  options.degrade = !args.no_degrade;
  return options;
}

data::Split find_split(const std::string& name) {
  if (const std::optional<data::Split> split = data::find_split(name)) return *split;
  throw Error(ErrorCode::kInvalidArgument,
              "--split: expected train, val-seed, val-bg, val-style, val-photo or val-real, got '" +
                  printable(name) + "'");
}

SceneAssets::SceneAssets()
    : labels(data::LabelTable::load(data::find_data_folder() / "labels.tsv")),
      atlas(data::Atlas::load(data::find_data_folder(), labels)) {}

}  // namespace moonbeam::cli
