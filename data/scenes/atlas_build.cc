#include "data/scenes/atlas_build.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "data/formats/tar.h"
#include "data/scenes/colours.h"
#include "data/scenes/sprite.h"
#include "data/scenes/sprite_file.h"
#include "data/scenes/svg.h"

namespace moonbeam::data {

namespace fs = std::filesystem;

namespace {

/// A set of drawings that an npm package of Iconify holds.
struct VectorSet {
  std::string_view id;       // "noto"
  std::string_view package;  // "@iconify-json/noto"
  char tier;                 // 'a' permissive, 'b' CC BY, 'c' copyleft
};
constexpr std::array kSets = std::to_array<VectorSet>({
    {"noto", "@iconify-json/noto", 'a'},
    {"noto1", "@iconify-json/noto-v1", 'a'},
    {"fluent", "@iconify-json/fluent-emoji", 'a'},
    {"fluentf", "@iconify-json/fluent-emoji-flat", 'a'},
    {"twemoji", "@iconify-json/twemoji", 'b'},
    {"emojione", "@iconify-json/emojione", 'b'},
    {"openmoji", "@iconify-json/openmoji", 'c'},
    {"emojione1", "@iconify-json/emojione-v1", 'c'},
});

constexpr std::size_t kMostPackageBytes = std::size_t{512} << 20;

using Json = nlohmann::json;

/// Name of the package in this folder, if it is one.
std::string package_name(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "package.json", error) || !fs::exists(folder / "icons.json", error)) return "";
  const Json json = Json::parse(base::read_file((folder / "package.json").string(), 1 << 20), nullptr, false);
  return json.is_object() ? json.value("name", "") : "";
}

/// Folders of packages: `sources` itself, below it, and below those (node_modules/@iconify-json/noto).
std::map<std::string, fs::path> find_packages(const fs::path& sources) {
  std::map<std::string, fs::path> found;
  const auto look = [&](const fs::path& folder) {
    const std::string name = package_name(folder);
    if (!name.empty()) found.emplace(name, folder);
  };
  look(sources);
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(sources, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (!at->is_directory(error)) continue;
    if (at.depth() >= 2) at.disable_recursion_pending();
    look(at->path());
  }
  return found;
}

/// One drawing of a set that shows a label.
struct Source {
  std::string slug;
  int label;
  std::string svg;
};

class IconFile {
 public:
  explicit IconFile(const fs::path& folder) : path_((folder / "icons.json").string()) {
    json_ = Json::parse(base::read_file(path_, kMostPackageBytes), nullptr, false);
    if (!json_.is_object() || !json_.contains("icons") || !json_["icons"].is_object()) {
      base::fail(ErrorCode::kCorrupt, path_, ": expected a JSON object with 'icons'");
    }
  }

  /// The SVG of a slug; aliases that only rename are followed once.
  std::optional<std::string> svg(const std::string& slug) const {
    const Json* icon = find("icons", slug);
    if (icon == nullptr) {
      const Json* alias = find("aliases", slug);
      if (alias == nullptr || !alias->contains("parent") || !(*alias)["parent"].is_string())
        return std::nullopt;
      if (alias->contains("rotate") || alias->contains("hFlip") || alias->contains("vFlip"))
        return std::nullopt;
      icon = find("icons", (*alias)["parent"].get<std::string>());
    }
    if (icon == nullptr || !icon->contains("body") || !(*icon)["body"].is_string()) return std::nullopt;
    const auto number = [&](const char* key, int otherwise) {
      return icon->value(key, json_.value(key, otherwise));
    };
    const std::string box = base::cat(number("left", 0), " ", number("top", 0), " ", number("width", 16), " ",
                                      number("height", 16));
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
           "viewBox=\"" +
           box + "\" width=\"128\" height=\"128\">" + (*icon)["body"].get<std::string>() + "</svg>";
  }

 private:
  const Json* find(const char* table, const std::string& slug) const {
    const auto section = json_.find(table);
    if (section == json_.end() || !section->is_object()) return nullptr;
    const auto at = section->find(slug);
    return at == section->end() || !at->is_object() ? nullptr : &*at;
  }

  std::string path_;
  Json json_;
};

std::vector<Source> find_sources(const fs::path& folder, std::string_view set, const LabelTable& labels) {
  const IconFile icons(folder);
  std::vector<Source> sources;
  for (int id = labels.shapes(); id < labels.shapes() + labels.things(); ++id) {
    std::set<std::string> slugs;
    for (const std::string& entry : labels[id].slugs) {
      const std::string slug = entry.substr(entry.find(':') + 1);  // npos + 1 is 0
      if (labels[id].shown_by(set, slug)) slugs.insert(slug);
    }
    for (const std::string& slug : slugs) {
      if (std::optional<std::string> svg = icons.svg(slug)) sources.push_back({slug, id, std::move(*svg)});
    }
  }
  return sources;
}

struct Archive {
  std::string index, files;
  std::set<int> labels;
};

struct Row {
  std::string id, set;
  char tier;
  int label;
  bool photo;
};

void add(const Layer& picture, const Row& row, const LabelTable& labels, Archive& archive) {
  nlohmann::ordered_json json = {{"id", row.id},       {"label", labels[row.label].noun},
                                 {"set", row.set},     {"tier", std::string(1, row.tier)},
                                 {"w", picture.width}, {"h", picture.height}};
  json["colours"] = Json::array();
  if (const std::optional<Colour> colour = count_colours(picture).dominant())
    json["colours"].push_back(name(*colour));
  json["photo"] = row.photo;
  archive.index += json.dump() + "\n";
  TarWriter([&](std::string_view piece) {
    archive.files += piece;
  }).add(row.id + ".png", write_sprite(picture));
  archive.labels.insert(row.label);
}

/// Writes the archive and tells its size.
std::size_t write_archive(const Archive& archive, const std::string& out) {
  base::AtomicFile file(out);
  TarWriter tar([&](std::string_view piece) { file.write(piece); });
  tar.add("index.jsonl", archive.index);
  file.write(archive.files);
  tar.finish();
  file.commit();
  return tar.bytes() + archive.files.size();
}

/// What is seen of the picture, its long side `side`.
Layer shrunk(const Layer& picture, int side) {
  const Sprite sprite(picture);
  Warp warp;
  warp.scale = std::min(
      1.0f, static_cast<float>(side) / static_cast<float>(std::max(sprite.width(), sprite.height())));
  const Layer small = warped(sprite, warp);
  const Extent extent = owned_extent(small);
  Layer out(extent.width(), extent.height());
  for (int y = 0; y < out.height; ++y)
    std::copy_n(small.row(extent.y_min + y) + extent.x_min, out.width, out.row(y));
  return out;
}

}  // namespace

AtlasReport build_atlas(const fs::path& sources, const std::string& out, const LabelTable& labels,
                        const AtlasOptions& options,
                        const std::function<void(std::string_view, int, int)>& progress) {
  if (std::string why; !can_render_svg(why)) base::fail(ErrorCode::kUnsupported, why);
  const std::map<std::string, fs::path> packages = find_packages(sources);
  AtlasReport report;
  Archive archive;
  std::string wanted;
  for (const VectorSet& set : kSets) {
    if (set.tier != options.tier) continue;
    wanted += (wanted.empty() ? "" : ", ") + std::string(set.package);
    const auto at = packages.find(std::string(set.package));
    if (at == packages.end()) continue;
    const std::vector<Source> found = find_sources(at->second, set.id, labels);
    std::vector<std::string> svgs;
    for (const Source& source : found) svgs.push_back(source.svg);
    render_guarded(svgs, options.side, [&](std::size_t i, const Layer& picture, const std::string& problem) {
      progress(set.id, static_cast<int>(i) + 1, static_cast<int>(svgs.size()));
      if (!problem.empty()) {
        report.skipped.push_back(base::cat(set.id, "/", found[i].slug, ": ", problem));
        return;
      }
      const Row row = {base::cat(set.id, "/", found[i].slug), std::string(set.id), set.tier, found[i].label,
                       false};
      add(picture, row, labels, archive);
      ++report.sprites;
    });
  }
  if (report.sprites == 0) {
    base::fail(ErrorCode::kNotFound, base::printable(sources.string()), ": no drawings of tier ",
               options.tier, " there: expected the npm packages ", wanted, ", unpacked");
  }
  for (int id = labels.shapes(); id < labels.shapes() + labels.things(); ++id) {
    if (!archive.labels.contains(id)) report.missing.push_back(labels[id].noun);
  }
  report.bytes = write_archive(archive, out);
  return report;
}

AtlasReport build_photo_atlas(const fs::path& folder, const fs::path& list, const std::string& out,
                              const LabelTable& labels, int side) {
  AtlasReport report;
  Archive archive;
  std::string_view rest;
  const std::string text = base::read_file(list.string(), std::size_t{1} << 20);
  rest = text;
  for (int line = 1; !rest.empty(); ++line) {
    const std::string_view entry = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (entry.empty() || entry.starts_with('#')) continue;
    const std::size_t tab = entry.find('\t');
    const std::optional<int> label =
        tab == std::string_view::npos ? std::nullopt : labels.find(entry.substr(tab + 1));
    if (!label)
      base::fail(ErrorCode::kCorrupt, list.string(), ": line ", line, ": expected a path, a tab and a label");
    const fs::path path = folder / std::string(entry.substr(0, tab));
    try {
      const std::shared_ptr<const base::MappedFile> file = base::MappedFile::open(path.string());
      const Layer picture = shrunk(read_sprite(file->bytes(), path.string()), side);
      add(picture, {"tux/" + path.stem().string(), "tux", 'c', *label, true}, labels, archive);
      ++report.sprites;
    } catch (const Error& error) {
      report.skipped.emplace_back(error.what());
    }
  }
  if (report.sprites == 0) {
    base::fail(ErrorCode::kNotFound, base::printable(folder.string()), ": none of the pictures of ",
               list.string());
  }
  report.bytes = write_archive(archive, out);
  return report;
}

}  // namespace moonbeam::data
