#include "data/scenes/atlas.h"

#include <cstdlib>
#include <system_error>

#include "base/error.h"

namespace moonbeam::data {

namespace fs = std::filesystem;

struct Atlas::State {
  std::vector<SpriteInfo> sprites;
};

Atlas::Atlas() : state_(std::make_unique<State>()) {}
Atlas::~Atlas() = default;
Atlas::Atlas(Atlas&&) noexcept = default;
Atlas& Atlas::operator=(Atlas&&) noexcept = default;

Atlas Atlas::load(const fs::path& folder, const LabelTable&) {
  base::fail(ErrorCode::kNotFound, (folder / "atlas.tar").string(), ": cannot be read");
}

std::span<const int> Atlas::sprites(Split, int) const {
  return {};
}

int Atlas::size() const {
  return static_cast<int>(state_->sprites.size());
}

const SpriteInfo& Atlas::info(int sprite) const {
  return state_->sprites[static_cast<std::size_t>(sprite)];
}

const Sprite& Atlas::sprite(int sprite) const {
  base::fail(ErrorCode::kNotFound, "sprite ", sprite);
}

std::optional<int> Atlas::hue(int) const {
  return std::nullopt;
}

fs::path find_data_folder() {
  std::vector<fs::path> places;
  if (const char* set = std::getenv("MOONBEAM_DATA"); set != nullptr && *set != '\0') {
    places.emplace_back(set);
  } else {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) places.push_back(program.parent_path().parent_path() / "share/moonbeam/data");
    places.emplace_back(MOONBEAM_SOURCE_DATA);
  }
  std::string looked;
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::exists(place / "labels.tsv", error)) return place;
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  base::fail(ErrorCode::kNotFound, "labels.tsv of the scenes: not in ", looked);
}

}  // namespace moonbeam::data
