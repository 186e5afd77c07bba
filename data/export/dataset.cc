#include "data/export/dataset.h"

#include <moonbeam/version.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "data/export/format.h"
#include "data/export/part.h"
#include "data/formats/webdataset.h"

namespace moonbeam::data {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kShards = "webdataset";
constexpr int kForm = 1;  // of the folder and of what is drawn into it
constexpr std::size_t kMostJson = std::size_t{64} << 20;

/// What the bytes depend on.
Json options_json(const ExportOptions& options, const std::vector<std::string>& names) {
  const SceneOptions& scene = options.scene;
  const QuestionOptions& questions = options.questions;
  return {{"form", kForm},
          {"generator", "moonbeam@" + std::string(version())},
          {"seed", options.seed},
          {"split", name(options.split)},
          {"scenes", options.scenes},
          {"formats", names},
          {"noisy", options.noisy},
          {"quality", kJpegQuality},
          {"width", scene.width},
          {"height", scene.height},
          {"classes", scene.classes},
          {"max_objects", scene.max_objects},
          {"clutter", scene.clutter},
          {"occlusion", scene.occlusion},
          {"reading", scene.reading},
          {"degrade", scene.degrade},
          {"restyled", scene.restyled},
          {"questions", questions.most},
          {"user_noise", questions.noise}};
}

std::vector<std::string> chosen_formats(const ExportOptions& options) {
  const std::vector<std::string> all = export_format_names();
  if (options.formats.empty()) {
    std::vector<std::string> fit;
    std::copy_if(all.begin(), all.end(), std::back_inserter(fit),
                 [&](const std::string& one) { return one != "textvqa" || options.questions.reading; });
    return fit;
  }
  const std::set<std::string> wanted(options.formats.begin(), options.formats.end());
  for (const std::string& one : wanted) {
    if (std::find(all.begin(), all.end(), one) != all.end()) continue;
    std::string known;
    for (const std::string& other : all) known += (known.empty() ? "" : ", ") + other;
    base::fail(ErrorCode::kInvalidArgument, "format '", base::printable(one), "': expected some of ", known);
  }
  std::vector<std::string> names;
  std::copy_if(all.begin(), all.end(), std::back_inserter(names),
               [&](const std::string& one) { return wanted.contains(one); });
  return names;
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) base::fail_system(path, "cannot make the folder", error.value());
}

void write_whole(const std::string& path, std::string_view text) {
  base::AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// What `use` makes of a file; one that does not hold what it looks for is corrupt.
template <typename Use>
auto read_json(const std::string& path, const Use& use) {
  try {
    return use(Json::parse(base::read_file(path, kMostJson)));
  } catch (const nlohmann::json::exception&) {
    base::fail(ErrorCode::kCorrupt, base::printable(path), ": not what this program writes");
  }
}

/// A file that is written through a hash.
class HashedFile {
 public:
  HashedFile(const std::string& root, std::string path) : file_(root + "/" + path), path_(std::move(path)) {}
  void write(std::string_view text) {
    file_.write(text);
    hash_.update(std::as_bytes(std::span(text.data(), text.size())));
  }
  Json commit() {
    const std::uint64_t bytes = file_.position();
    file_.commit();
    return {{"path", path_}, {"bytes", bytes}, {"sha256", hash_.hex()}};
  }

 private:
  base::AtomicFile file_;
  base::Sha256 hash_;
  std::string path_;
};

class Export {
 public:
  Export(const ExportOptions& options, const DrawScene& draw, const LabelTable& labels)
      : options_(options),
        labels_(labels),
        names_(chosen_formats(options)),
        settings_(options_json(options, names_)),
        things_(AskedThings::of(labels, options.questions.classes)),
        plan_{options, draw, labels, *things_, {}},
        parts_((options.scenes + kPartScenes - 1) / kPartScenes) {
    for (const std::string& one : names_) {
      if (const Format* format = find_format(one)) plan_.formats.push_back(format);
      plan_.shards = plan_.shards || one == kShards;
      plan_.samples = plan_.samples || one == kShards || one == kCanonical.name;
      plan_.masks = plan_.masks || one == kCoco.name;
    }
  }

  ExportResult run() {
    try {
      if (open_folder()) return read_json(options_.folder + "/dataset.json", result_of);
      draw_parts();
      return finish();
    } catch (const fs::filesystem_error& error) {
      const std::string path = error.path1().empty() ? options_.folder : error.path1().string();
      base::fail_system(path, "cannot use it", error.code().value());
    }
  }

 private:
  std::string parts_folder() const { return options_.folder + "/.parts"; }
  std::string part_folder(std::uint64_t part) const { return parts_folder() + "/" + part_name(part); }

  /// Makes it, or checks the one that is there. True if the set is whole already.
  bool open_folder() {
    const std::string& folder = options_.folder;
    std::error_code error;
    if (!fs::exists(folder, error) || fs::is_empty(folder, error)) {
      begin(settings_);
      return false;
    }
    const bool whole = fs::exists(folder + "/dataset.json"),
               begun = fs::exists(parts_folder() + "/options.json");
    if (!whole && !begun) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(folder),
                 ": exists, and is no set of scenes that could be ", options_.force ? "replaced" : "resumed");
    }
    if (options_.force) {
      begin(Json::object());  // no options: a run that is killed here can be replaced, and not resumed
      clear_folder();
      begin(settings_);
      return false;
    }
    if (!options_.resume) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(folder),
                 ": exists already; resume it or replace it");
    }
    if (whole) {
      read_json(folder + "/dataset.json", [&](const Json& json) { check_settings(json.at("options")); });
    } else {
      read_json(parts_folder() + "/options.json", [&](const Json& json) { check_settings(json); });
    }
    if (whole) fs::remove_all(parts_folder(), error);
    return whole;
  }

  /// Those of the folder have to be ours, or the bytes would not be.
  void check_settings(const Json& there) const {
    const std::string folder = base::printable(options_.folder);
    if (there.is_object() && there.empty()) {
      base::fail(ErrorCode::kInvalidArgument, folder,
                 ": cannot be resumed: a run that was replacing it was stopped; replace it");
    }
    for (const auto& [key, value] : settings_.items()) {
      const Json other = there.value(key, Json());
      if (other == value) continue;
      base::fail(ErrorCode::kInvalidArgument, folder, ": cannot be resumed: ", key, " was ", other.dump(),
                 ", now it is ", value.dump());
    }
  }

  void begin(const Json& settings) const {
    make_folder(parts_folder());
    write_whole(parts_folder() + "/options.json", settings.dump(1));
  }

  /// What this writes, and nothing else that may lie there. The options stay: without them nobody would know
  /// the folder for ours.
  void clear_folder() {
    std::set<std::string> ours = {"images", "shards", "truth", "manifest.jsonl"};
    for (const Format& format : formats()) {
      for (const ExportFile& file : format.files(set_info()))
        ours.insert(file.path.substr(0, file.path.find('/')));
    }
    fs::remove(options_.folder + "/dataset.json");  // first: the set is not whole from here on
    for (const std::string& one : ours) fs::remove_all(options_.folder + "/" + one);
    std::vector<fs::path> stale;
    for (const fs::directory_entry& entry : fs::directory_iterator(parts_folder())) {
      if (entry.path().filename() != "options.json") stale.push_back(entry.path());
    }
    for (const fs::path& one : stale) fs::remove_all(one);
  }

  void draw_parts() {
    base::ThreadPool pool(base::choose_threads(options_.threads));
    ExportProgress progress{0, options_.scenes};
    for (std::uint64_t part = 0; part < parts_; ++part) {
      if (fs::exists(part_folder(part) + "/part.json")) {
        progress.done += read_totals(part_folder(part)).scenes;
        resumed_ = progress.done;
        continue;
      }
      write_part(plan_, part, pool, [&](std::uint64_t scenes) {
        progress.done += scenes;
        if (options_.progress && !options_.progress(progress)) {
          base::fail(ErrorCode::kCancelled, "stopped after ", progress.done, " of ", options_.scenes,
                     " scenes");
        }
      });
    }
  }

  SetInfo set_info() const { return {options_.seed, options_.split, labels_}; }

  ExportResult finish() {
    PartTotals totals;
    for (std::uint64_t part = 0; part < parts_; ++part) {
      const PartTotals one = read_totals(part_folder(part));
      totals.scenes += one.scenes;
      totals.objects += one.objects;
      totals.questions += one.questions;
      totals.image_bytes += one.image_bytes;
      for (std::size_t k = 0; k < one.by_kind.size(); ++k) totals.by_kind[k] += one.by_kind[k];
    }
    Json files = Json::array();
    for (const Format* format : plan_.formats) {
      for (const ExportFile& file : format->files(set_info())) {
        files.push_back(assemble(*format, file, false));
        if (options_.noisy && format->has_noise && file.twin) {
          files.push_back(assemble(*format, file, true));
        }
      }
    }
    if (plan_.shards) files.push_back(write_manifest());
    move_pictures_and_shards();
    Json by_kind = Json::object();
    for (std::size_t k = 0; k < totals.by_kind.size(); ++k) {
      by_kind[std::string(name(static_cast<Kind>(k)))] = totals.by_kind[k];
    }
    const Json dataset = {{"name", "MoonScenes"},
                          {"options", settings_},
                          {"scenes", totals.scenes},
                          {"objects", totals.objects},
                          {"questions", totals.questions},
                          {"by_kind", by_kind},
                          {"image_bytes", totals.image_bytes},
                          {"files", files}};
    write_whole(options_.folder + "/dataset.json", dataset.dump(1) + "\n");
    std::error_code ignored;  // the set is whole
    fs::remove_all(parts_folder(), ignored);
    ExportResult result = result_of(dataset);
    result.resumed = resumed_;
    return result;
  }

  /// Joins the parts of a file's streams; `truth`: its twin without mistakes.
  Json assemble(const Format& format, const ExportFile& file, bool truth) {
    const std::string path = (truth ? "truth/" : "") + file.path;
    make_folder(fs::path(options_.folder + "/" + path).parent_path());
    HashedFile out(options_.folder, path);
    for (const FilePiece& piece : file.pieces) {
      out.write(piece.text);
      if (piece.stream < 0) continue;
      bool first = true;
      for (std::uint64_t part = 0; part < parts_; ++part) {
        join(part_folder(part) + "/" + stream_file(format, piece.stream, truth), file.join, first, out);
      }
      if (!first && file.join == Join::kArray) out.write("\n");
    }
    return out.commit();
  }

  static void join(const std::string& path, Join how, bool& first, HashedFile& out) {
    const std::shared_ptr<const base::MappedFile> file = base::MappedFile::open(path);
    const std::span<const std::byte> bytes = file->bytes();
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (how == Join::kLines) {
      out.write(text);
      return;
    }
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (!first) out.write(",\n");
      first = false;
      out.write(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Json write_manifest() {
    HashedFile out(options_.folder, "manifest.jsonl");
    for (std::uint64_t part = 0; part < parts_; ++part) {
      const PartTotals totals = read_totals(part_folder(part));
      const std::string shard = shard_path(part, ".tar");
      const std::string at = fs::exists(shard) ? shard : part_folder(part) + "/shard.tar";
      const std::shared_ptr<const base::MappedFile> file = base::MappedFile::open(at);
      const auto of = [&](Kind kind) { return totals.by_kind[static_cast<std::size_t>(kind)]; };
      const std::uint64_t query =
          totals.questions - of(Kind::kCaption) - of(Kind::kDetect) - of(Kind::kPoint);
      ShardRow row;
      row.shard = shard_name(plan_, part) + ".tar";
      row.samples = totals.questions;
      row.bytes = file->bytes().size();
      row.sha256 = base::sha256_hex(file->bytes());
      row.images = totals.scenes;
      row.by_task = {{"query", query},
                     {"caption", of(Kind::kCaption)},
                     {"detect", of(Kind::kDetect)},
                     {"point", of(Kind::kPoint)}};
      row.pipeline = "moonscenes";
      out.write(manifest_line(row));
    }
    return out.commit();
  }

  std::string shard_path(std::uint64_t part, std::string_view ending) const {
    return options_.folder + "/shards/" + shard_name(plan_, part) + std::string(ending);
  }

  void move_pictures_and_shards() {
    make_folder(options_.folder + "/images");
    if (plan_.shards) make_folder(options_.folder + "/shards");
    for (std::uint64_t part = 0; part < parts_; ++part) {
      move(part_folder(part) + "/images", options_.folder + "/images/" + part_name(part));
      if (!plan_.shards) continue;
      move(part_folder(part) + "/shard.tar", shard_path(part, ".tar"));
      move(part_folder(part) + "/shard.idx", shard_path(part, ".idx"));
    }
  }

  /// A run that was killed here has moved some of them.
  static void move(const std::string& from, const std::string& to) {
    std::error_code error;
    if (!fs::exists(from) && fs::exists(to)) return;
    fs::rename(from, to, error);
    if (error) base::fail_system(to, "cannot name it", error.value());
  }

  static ExportResult result_of(const Json& dataset) {
    ExportResult result;
    result.scenes = result.resumed = dataset.at("scenes");
    result.objects = dataset.at("objects");
    result.questions = dataset.at("questions");
    for (int k = 0; k < kKinds; ++k) {
      result.by_kind[static_cast<std::size_t>(k)] =
          dataset.at("by_kind").at(std::string(name(static_cast<Kind>(k))));
    }
    result.bytes = dataset.at("image_bytes");
    for (const Json& file : dataset.at("files")) {
      result.files.push_back(file.at("path"));
      result.bytes += file.at("bytes").get<std::uint64_t>();
    }
    return result;
  }

  const ExportOptions& options_;
  const LabelTable& labels_;
  std::vector<std::string> names_;
  Json settings_;
  std::shared_ptr<const AskedThings> things_;
  PartPlan plan_;
  std::uint64_t parts_, resumed_ = 0;
};

}  // namespace

std::vector<std::string> export_format_names() {
  std::vector<std::string> names;
  for (const Format& format : formats()) names.emplace_back(format.name);
  names.emplace_back(kShards);
  return names;
}

ExportResult export_scenes(const ExportOptions& options, const DrawScene& draw, const LabelTable& labels) {
  if (options.folder.empty()) base::fail(ErrorCode::kInvalidArgument, "scenes: no folder to write to");
  if (options.scenes == 0) base::fail(ErrorCode::kInvalidArgument, "scenes: expected 1 or more, got 0");
  return Export(options, draw, labels).run();
}

}  // namespace moonbeam::data
