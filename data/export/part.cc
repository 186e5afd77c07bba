#include "data/export/part.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <memory>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "data/formats/tar.h"
#include "data/formats/webdataset.h"
#include "image/encode.h"

namespace moonbeam::data {

namespace {

constexpr int kChunk = 32;  // scenes in memory at once

/// One scene as it will be written.
struct Drawn {
  std::string jpeg;
  std::vector<Lines> streams, truth;  // by format
  std::string canonical;              // the shard's json member
  std::uint64_t objects = 0;
  std::array<std::uint64_t, kKinds> by_kind{};
  std::exception_ptr error;
};

std::string image_file(std::uint64_t index) {
  return padded(index / kPartScenes, 5) + "/" + padded(index, 12) + ".jpg";
}

std::string encoded(const Image& image) {
  std::string bytes;
  image::encode_jpeg(image, kJpegQuality, "scene", [&](std::string_view piece) { bytes += piece; });
  return bytes;
}

void add_formats(const PartPlan& plan, SceneRow& row, Drawn& out) {
  for (const Format* format : plan.formats) {
    Lines lines(static_cast<std::size_t>(format->streams)), truth = lines;
    row.noisy = plan.options.noisy && format->has_noise;
    format->add(row, lines);
    if (row.noisy) {
      row.noisy = false;
      format->add(row, truth);
    }
    out.streams.push_back(std::move(lines));
    out.truth.push_back(std::move(truth));
  }
}

void draw_one(const PartPlan& plan, std::uint64_t index, Drawn& out) {
  const SceneKey key{plan.options.seed, plan.options.split, index};
  SceneOptions options = plan.options.scene;
  options.masks = plan.masks;
  options.repeat = repeat_for(key, options.max_objects);
  const Scene scene = plan.draw(key, options);
  const std::vector<Question> questions = ask(scene, plan.labels, plan.options.questions);
  out.jpeg = encoded(scene.image);
  out.objects = scene.objects.size();
  for (const Question& question : questions) ++out.by_kind[static_cast<std::size_t>(question.kind)];
  SceneRow row{scene,
               questions,
               plan.labels,
               plan.things,
               image_file(index),
               base::sha256_hex(std::as_bytes(std::span(out.jpeg.data(), out.jpeg.size())))};
  if (plan.samples) row.samples = canonical_samples(row);
  add_formats(plan, row, out);
  if (plan.shards) out.canonical = Json(row.samples).dump();
}

/// A file of a part: not synced, since the part syncs once for thousands of them.
class PartFile {
 public:
  explicit PartFile(std::string path)
      : path_(std::move(path)), file_(base::open_descriptor(path_, O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
    if (file_.get() < 0) base::fail_system(path_, "cannot create", errno);
  }
  void write(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= kBuffer) flush();
  }
  void flush() {
    std::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t written = ::write(file_.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) base::fail_system(path_, "cannot write", errno);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{256} << 10;
  std::string path_;
  base::Descriptor file_;
  std::string buffer_;
};

void write_plain(const std::string& path, std::string_view bytes) {
  PartFile file(path);
  file.write(bytes);
  file.flush();
}

/// The files of a part while it is written.
class PartWriter {
 public:
  PartWriter(const PartPlan& plan, std::uint64_t part)
      : plan_(plan), folder_(plan.options.folder + "/.parts/" + part_name(part)) {
    std::filesystem::create_directory(folder_.path() + "/images");
    for (const Format* format : plan.formats) {
      for (const bool truth : {false, true}) {
        auto& files = truth ? truth_ : streams_;
        files.emplace_back();
        if (truth && !(plan.options.noisy && format->has_noise)) continue;
        for (int stream = 0; stream < format->streams; ++stream) {
          files.back().push_back(
              std::make_unique<PartFile>(folder_.path() + "/" + stream_file(*format, stream, truth)));
        }
      }
    }
    if (plan.shards) {
      shard_ = std::make_unique<PartFile>(folder_.path() + "/shard.tar");
      tar_ = std::make_unique<TarWriter>([this](std::string_view piece) { shard_->write(piece); });
      index_ = std::make_unique<PartFile>(folder_.path() + "/shard.idx");
    }
  }

  void add(const Drawn& drawn, std::uint64_t scene) {
    write_plain(folder_.path() + "/images/" + image_file(scene).substr(image_file(scene).find('/') + 1),
                drawn.jpeg);
    for (std::size_t f = 0; f < drawn.streams.size(); ++f) {
      for (std::size_t s = 0; s < streams_[f].size(); ++s) streams_[f][s]->write(drawn.streams[f][s]);
      for (std::size_t s = 0; s < truth_[f].size(); ++s) truth_[f][s]->write(drawn.truth[f][s]);
    }
    if (shard_) add_to_shard(drawn, scene);
    ++totals_.scenes;
    totals_.objects += drawn.objects;
    totals_.image_bytes += drawn.jpeg.size();
    for (std::size_t k = 0; k < drawn.by_kind.size(); ++k) {
      totals_.by_kind[k] += drawn.by_kind[k];
      totals_.questions += drawn.by_kind[k];
    }
  }

  void commit() {
    for (auto* files : {&streams_, &truth_}) {
      for (auto& format : *files) {
        for (auto& file : format) file->flush();
      }
    }
    if (shard_) {
      tar_->finish();
      shard_->flush();
      index_->flush();
    }
    write_plain(folder_.path() + "/part.json", Json({{"scenes", totals_.scenes},
                                                     {"objects", totals_.objects},
                                                     {"questions", totals_.questions},
                                                     {"image_bytes", totals_.image_bytes},
                                                     {"by_kind", totals_.by_kind}})
                                                   .dump());
    const base::Descriptor folder(base::open_descriptor(folder_.path(), O_RDONLY | O_DIRECTORY));
    if (folder.get() < 0) base::fail_system(folder_.path(), "cannot open", errno);
    if (::syncfs(folder.get()) != 0 && errno != ENOSYS) {
      base::fail_system(folder_.path(), "cannot write", errno);
    }
    folder_.commit();
  }

 private:
  void add_to_shard(const Drawn& drawn, std::uint64_t scene) {
    const std::string key = padded(scene, 12);
    for (const auto& [field, content] :
         {std::pair("jpg", &drawn.jpeg), std::pair("json", &drawn.canonical)}) {
      const std::string name = key + "." + field;
      const std::uint64_t offset = tar_->add(name, *content);
      index_->write(index_line({name, offset, content->size()}));
    }
  }

  const PartPlan& plan_;
  base::AtomicFolder folder_;
  std::vector<std::vector<std::unique_ptr<PartFile>>> streams_, truth_;  // by format
  std::unique_ptr<PartFile> shard_, index_;
  std::unique_ptr<TarWriter> tar_;
  PartTotals totals_;
};

}  // namespace

std::string part_name(std::uint64_t part) {
  return padded(part, 5);
}

std::string stream_file(const Format& format, int stream, bool truth) {
  return std::string(format.name) + "." + std::to_string(stream) + (truth ? ".truth" : "");
}

std::string shard_name(const PartPlan& plan, std::uint64_t part) {
  return std::string(name(plan.options.split)) + "-" + padded(part, 6);
}

void write_part(const PartPlan& plan, std::uint64_t part, base::ThreadPool& pool,
                const std::function<void(std::uint64_t scenes)>& advance) {
  PartWriter writer(plan, part);
  const std::uint64_t begin = part * kPartScenes, end = std::min(plan.options.scenes, begin + kPartScenes);
  for (std::uint64_t first = begin; first < end; first += kChunk) {
    const int count = static_cast<int>(std::min<std::uint64_t>(kChunk, end - first));
    std::vector<Drawn> drawn(static_cast<std::size_t>(count));
    pool.parallel_for(count, [&](int i, int) {
      Drawn& out = drawn[static_cast<std::size_t>(i)];
      try {
        draw_one(plan, first + static_cast<std::uint64_t>(i), out);
      } catch (...) {
        out.error = std::current_exception();
      }
    });
    for (int i = 0; i < count; ++i) {
      const Drawn& one = drawn[static_cast<std::size_t>(i)];
      if (one.error) std::rethrow_exception(one.error);
      writer.add(one, first + static_cast<std::uint64_t>(i));
    }
    advance(static_cast<std::uint64_t>(count));
  }
  writer.commit();
}

PartTotals read_totals(const std::string& part_folder) {
  const std::string path = part_folder + "/part.json";
  try {
    const Json json = Json::parse(base::read_file(path, std::size_t{1} << 16));
    PartTotals totals;
    totals.scenes = json.at("scenes");
    totals.objects = json.at("objects");
    totals.questions = json.at("questions");
    totals.image_bytes = json.at("image_bytes");
    totals.by_kind = json.at("by_kind").get<std::array<std::uint64_t, kKinds>>();
    return totals;
  } catch (const nlohmann::json::exception&) {
    base::fail(ErrorCode::kCorrupt, path, ": not what this program writes");
  }
}

}  // namespace moonbeam::data
