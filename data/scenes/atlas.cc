#include "data/scenes/atlas.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "data/formats/tar.h"
#include "data/scenes/colours.h"
#include "data/scenes/sprite_file.h"
#include "image/resize.h"

namespace moonbeam::data {

namespace fs = std::filesystem;

namespace {

/// Which sprites scenes of a split are drawn with.
enum Pool { kMain, kStyle, kPhoto };
constexpr std::size_t kPools = 3;

Pool pool_of(Split split) {
  switch (split) {
    case Split::kValStyle:
      return kStyle;
    case Split::kValPhoto:
      return kPhoto;
    default:
      return kMain;
  }
}

Pool pool_of(const SpriteInfo& info) {
  return info.photo ? kPhoto : info.tier == 'c' ? kStyle : kMain;
}

/// The hue of most pixels of drawings that have one dominant chromatic colour.
std::optional<int> main_hue(const Sprite& sprite) {
  const Sprite::Level* level = &sprite.levels().front();
  for (const Sprite::Level& one : sprite.levels()) {
    if (one.picture.width >= 32) level = &one;
  }
  const std::optional<Colour> colour = count_colours(level->picture).dominant();
  if (!colour || !hue_of(*colour)) return std::nullopt;
  constexpr int kBins = 48, kBinWidth = 1536 / kBins;
  std::array<int, kBins> bins{};
  for (const Rgba p : level->picture.pixels) {
    if (alpha(p) < 240) continue;
    if (const std::optional<int> hue = hue_of(p)) ++bins[static_cast<std::size_t>(*hue / kBinWidth)];
  }
  const auto most = std::max_element(bins.begin(), bins.end());
  return static_cast<int>(most - bins.begin()) * kBinWidth + kBinWidth / 2;
}

struct Decoded {
  std::once_flag once;
  std::optional<Sprite> sprite;
  std::optional<int> hue;
};

struct Wall {
  std::once_flag once;
  std::string path;
  Image image;
};

/// Files of the list of usable ones that are there, in its order.
std::vector<std::string> find_walls(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder / "assets/walls", error)) return {};
  std::vector<std::string> found;
  const std::string text = base::read_file((folder / "walls.tsv").string(), std::size_t{1} << 20);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty() || line.starts_with('#')) continue;
    const fs::path path = folder / "assets/walls" / std::string(line.substr(line.rfind('\t') + 1));
    if (fs::exists(path, error)) found.push_back(path.string());
  }
  return found;
}

struct Entry {
  SpriteInfo info;
  std::string member;  ///< for messages: "atlas.tar: noto/dog.png"
  std::span<const std::byte> png;
};

/// Finds the label of a drawing: by slug where the table knows the slug, which wins over what was true when
/// the atlas was built, else by the row's own word.
class LabelFinder {
 public:
  explicit LabelFinder(const LabelTable& labels) : labels_(labels) {
    for (int id = 0; id < labels.size(); ++id) {
      for (const std::string& entry : labels[id].slugs)
        by_slug_[entry.substr(entry.find(':') + 1)].push_back(id);
    }
  }
  std::optional<int> find(const std::string& set, const std::string& slug, const std::string& noun) const {
    const auto at = by_slug_.find(slug.starts_with('!') ? slug.substr(1) : slug);
    if (at == by_slug_.end()) return labels_.find(noun);
    for (const int id : at->second) {
      if (labels_[id].shown_by(set, slug)) return id;
    }
    return std::nullopt;
  }

 private:
  const LabelTable& labels_;
  std::map<std::string, std::vector<int>, std::less<>> by_slug_;
};

}  // namespace

struct Atlas::State {
  std::vector<std::shared_ptr<const base::MappedFile>> files;
  std::vector<Entry> entries;
  std::unique_ptr<Decoded[]> decoded;
  int walls = 0;
  std::unique_ptr<Wall[]> wall;
  std::array<std::vector<std::vector<int>>, kPools> by_label;  // [pool][label]

  void read(const std::string& path, const LabelFinder& finder);
};

void Atlas::State::read(const std::string& path, const LabelFinder& finder) {
  files.push_back(base::MappedFile::open(path));
  const std::vector<TarMember> members = read_tar(files.back()->bytes(), path);
  if (members.empty() || members.front().name != "index.jsonl") {
    base::fail(ErrorCode::kCorrupt, path, ": expected index.jsonl as the first member");
  }
  std::map<std::string, std::span<const std::byte>, std::less<>> pngs;
  for (const TarMember& member : members) pngs.emplace(member.name, member.bytes);
  const std::span<const std::byte> index = members.front().bytes;
  std::string_view rest(reinterpret_cast<const char*>(index.data()), index.size());
  for (int line = 1; !rest.empty(); ++line) {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    const auto bad = [&](const auto&... what) {
      base::fail(ErrorCode::kCorrupt, path, ": index.jsonl: line ", line, ": ", what...);
    };
    const nlohmann::json row = nlohmann::json::parse(text, nullptr, false);
    if (!row.is_object()) bad("expected a JSON object");
    const auto word = [&](const char* key) -> std::string {
      const auto at = row.find(key);
      if (at == row.end() || !at->is_string()) bad("expected a text '", key, "'");
      return at->get<std::string>();
    };
    const auto number = [&](const char* key) {
      const auto at = row.find(key);
      if (at == row.end() || !at->is_number_unsigned() || *at < 1 || *at > kMostSpriteSide) {
        bad("expected '", key, "' from 1 to ", kMostSpriteSide);
      }
      return at->get<int>();
    };
    Entry entry;
    SpriteInfo& info = entry.info;
    info.id = word("id");
    info.set = word("set");
    const std::string tier = word("tier"), noun = word("label");
    if (tier.size() != 1) bad("expected a tier of one letter");
    info.tier = tier[0];
    info.width = number("w");
    info.height = number("h");
    info.photo = row.value("photo", nlohmann::json(false)) == true;
    const std::string member = info.id + ".png";
    const auto at = pngs.find(member);
    if (at == pngs.end()) bad("no member '", base::printable(member), "'");
    const std::optional<int> label = finder.find(info.set, info.id.substr(info.id.find('/') + 1), noun);
    if (!label) continue;
    info.label = *label;
    entry.member = base::cat(path, ": ", base::printable(member));
    entry.png = at->second;
    entries.push_back(std::move(entry));
  }
}

Atlas::Atlas() : state_(std::make_unique<State>()) {}
Atlas::~Atlas() = default;
Atlas::Atlas(Atlas&&) noexcept = default;
Atlas& Atlas::operator=(Atlas&&) noexcept = default;

Atlas Atlas::load(const fs::path& folder, const LabelTable& labels, bool attribution) {
  Atlas atlas;
  State& state = *atlas.state_;
  const LabelFinder finder(labels);
  state.read((folder / "atlas.tar").string(), finder);
  if (attribution) {
    const fs::path path = folder / "assets/atlas-by.tar";
    std::error_code error;
    if (!fs::exists(path, error)) {
      base::fail(ErrorCode::kNotFound, path.string(), ": not there; fetch it with tools/fetch_assets.sh by");
    }
    state.read(path.string(), finder);
  }
  for (const char* name : {"atlas-style.tar", "atlas-photo.tar"}) {
    std::error_code error;
    const fs::path path = folder / "assets" / name;
    if (fs::exists(path, error)) state.read(path.string(), finder);
  }
  const std::vector<std::string> walls = find_walls(folder);
  state.walls = static_cast<int>(walls.size());
  state.wall = std::make_unique<Wall[]>(walls.size());
  for (std::size_t i = 0; i < walls.size(); ++i) state.wall[i].path = walls[i];
  for (auto& pool : state.by_label) pool.resize(static_cast<std::size_t>(labels.size()));
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    const SpriteInfo& info = state.entries[i].info;
    state.by_label[pool_of(info)][static_cast<std::size_t>(info.label)].push_back(static_cast<int>(i));
  }
  state.decoded = std::make_unique<Decoded[]>(state.entries.size());
  return atlas;
}

std::span<const int> Atlas::sprites(Split split, int label) const {
  const auto& pool = state_->by_label[pool_of(split)];
  if (static_cast<std::size_t>(label) >= pool.size()) return {};
  return pool[static_cast<std::size_t>(label)];
}

int Atlas::size() const {
  return static_cast<int>(state_->entries.size());
}

const SpriteInfo& Atlas::info(int sprite) const {
  return state_->entries[static_cast<std::size_t>(sprite)].info;
}

const Sprite& Atlas::sprite(int sprite) const {
  const auto index = static_cast<std::size_t>(sprite);
  Decoded& decoded = state_->decoded[index];
  std::call_once(decoded.once, [&] {
    const Entry& entry = state_->entries[index];
    const Layer picture = read_sprite(entry.png, entry.member);
    if (picture.width != entry.info.width || picture.height != entry.info.height) {
      base::fail(ErrorCode::kCorrupt, entry.member, ": expected ", entry.info.width, "x", entry.info.height,
                 ", got ", picture.width, "x", picture.height);
    }
    decoded.sprite.emplace(picture);
    decoded.hue = main_hue(*decoded.sprite);
  });
  return *decoded.sprite;
}

int Atlas::walls() const {
  return state_->walls;
}

const Image& Atlas::wall(int index) const {
  Wall& wall = state_->wall[static_cast<std::size_t>(index)];
  std::call_once(wall.once, [&] {
    Image image = load_image(wall.path);
    const int side = std::min(image.width, image.height);
    if (side > kWallSide) {
      const auto part = [side](int length) {
        return static_cast<int>(std::int64_t{length} * kWallSide / side);
      };
      image = image::resize_bicubic(image, part(image.height), part(image.width));
    }
    wall.image = std::move(image);
  });
  return wall.image;
}

std::optional<int> Atlas::hue(int sprite) const {
  this->sprite(sprite);
  return state_->decoded[static_cast<std::size_t>(sprite)].hue;
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
