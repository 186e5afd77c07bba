// The public ImageCache: one maker for each picture that is asked for, everybody else waits for it.
#include <moonbeam/cache.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"
#include "tasks/engine.h"
#include "tasks/out_of_memory.h"
#include "tasks/picture_store.h"

namespace moonbeam {

using tasks::PictureJob;
using tasks::PictureStore;

namespace {

// How often one who waits asks its own caller whether to go on.
constexpr std::chrono::milliseconds kPatience{50};

/// A picture that somebody is making now.
struct Making {
  bool ended = false;
  std::shared_ptr<const EncodedImage::Impl> result;  // none after an error
  Progress progress;
};

}  // namespace

struct ImageCache::Impl {
  Impl(std::shared_ptr<const tasks::Engine> with, std::size_t budget)
      : engine(std::move(with)), store(budget) {}

  /// `image` may be missing: then null is returned where only the pixels would help.
  std::shared_ptr<const EncodedImage::Impl> get(const std::string& key, const Image* image,
                                                const ProgressFn& progress);
  std::shared_ptr<const EncodedImage::Impl> wait(std::unique_lock<std::mutex>& lock,
                                                 std::shared_ptr<Making> making, const ProgressFn& progress);
  std::shared_ptr<const EncodedImage::Impl> make(std::unique_lock<std::mutex>& lock, const std::string& key,
                                                 const Image* image,
                                                 std::shared_ptr<const tasks::PictureEmbeddings> embeddings,
                                                 const ProgressFn& progress);

  const std::shared_ptr<const tasks::Engine> engine;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  PictureStore store;
  std::map<std::string, std::shared_ptr<Making>> makings;
  ImageCacheStats counts;
};

std::shared_ptr<const EncodedImage::Impl> ImageCache::Impl::get(const std::string& key, const Image* image,
                                                                const ProgressFn& progress) {
  std::unique_lock lock(mutex);
  while (true) {
    const PictureStore::Found found = store.find(key);
    if (found.picture) {
      ++counts.hits;
      return found.picture;
    }
    if (const auto making = makings.find(key); making != makings.end()) {
      // An error was the other one's, who may only have lost patience: try again.
      if (auto result = wait(lock, making->second, progress)) return result;
      continue;
    }
    if (image == nullptr && !found.embeddings) return nullptr;
    return make(lock, key, image, found.embeddings, progress);
  }
}

std::shared_ptr<const EncodedImage::Impl> ImageCache::Impl::wait(std::unique_lock<std::mutex>& lock,
                                                                 std::shared_ptr<Making> making,
                                                                 const ProgressFn& progress) {
  while (!making->ended) {
    changed.wait_for(lock, kPatience, [&] { return making->ended; });
    if (!progress) continue;
    const Progress far = making->progress;
    lock.unlock();
    if (!progress(far)) tasks::fail_cancelled();
    lock.lock();
  }
  if (making->result) {
    ++counts.hits;
    ++counts.waits;
  }
  return making->result;
}

std::shared_ptr<const EncodedImage::Impl> ImageCache::Impl::make(
    std::unique_lock<std::mutex>& lock, const std::string& key, const Image* image,
    std::shared_ptr<const tasks::PictureEmbeddings> embeddings, const ProgressFn& progress) {
  const auto making = std::make_shared<Making>();
  makings[key] = making;
  embeddings ? ++counts.refills : ++counts.misses;
  lock.unlock();
  std::shared_ptr<const EncodedImage::Impl> result;
  std::shared_ptr<const tasks::PictureEmbeddings> made;
  const auto end = [&] {
    making->result = result;
    making->ended = true;
    makings.erase(key);
    changed.notify_all();
  };
  try {
    const auto job = embeddings ? std::make_unique<PictureJob>(engine, std::move(embeddings))
                                : std::make_unique<PictureJob>(engine, *image);
    tasks::run(*job, [&](const Progress& far) {
      {
        const std::lock_guard guard(mutex);
        making->progress = far;
      }
      return !progress || progress(far);
    });
    result = job->result();
    made = job->embeddings();
  } catch (...) {
    lock.lock();
    end();
    throw;
  }
  lock.lock();
  end();
  store.put(key, result, std::move(made));
  return result;
}

ImageCache::ImageCache(const Model& model, std::size_t budget)
    : impl_(std::make_unique<Impl>(model.impl().engine, budget)) {}
ImageCache::ImageCache(ImageCache&&) noexcept = default;
ImageCache& ImageCache::operator=(ImageCache&&) noexcept = default;
ImageCache::~ImageCache() = default;

EncodedImage ImageCache::get(const Image& image, const ProgressFn& progress) {
  return tasks::or_exhausted(
      [&] { return EncodedImage(impl_->get(tasks::picture_key(*impl_->engine, image), &image, progress)); });
}

EncodedImage ImageCache::get(std::span<const std::byte> file, const DecodeOptions& options,
                             const ProgressFn& progress) {
  return tasks::or_exhausted([&] {
    // Of the options only the orientation changes pixels.
    const std::string name = base::sha256_hex(file) + (options.apply_orientation ? "+" : "");
    std::string key;
    {
      const std::lock_guard guard(impl_->mutex);
      key = impl_->store.resolve(name);
    }
    if (!key.empty()) {
      if (auto picture = impl_->get(key, nullptr, progress)) return EncodedImage(std::move(picture));
    }
    const Image image = decode_image(file, options);
    key = tasks::picture_key(*impl_->engine, image);
    EncodedImage picture(impl_->get(key, &image, progress));
    const std::lock_guard guard(impl_->mutex);
    impl_->store.alias(name, key);
    return picture;
  });
}

std::optional<EncodedImage> ImageCache::find(const Image& image) {
  return tasks::or_exhausted([&]() -> std::optional<EncodedImage> {
    const std::string key = tasks::picture_key(*impl_->engine, image);
    const std::lock_guard guard(impl_->mutex);
    const PictureStore::Found found = impl_->store.find(key);
    if (!found.picture) return std::nullopt;
    ++impl_->counts.hits;
    return EncodedImage(found.picture);
  });
}

void ImageCache::clear() {
  const std::lock_guard guard(impl_->mutex);
  impl_->store.clear();
}

ImageCacheStats ImageCache::stats() const {
  const std::lock_guard guard(impl_->mutex);
  ImageCacheStats out = impl_->counts;
  out.pictures = impl_->store.pictures();
  out.bytes = impl_->store.bytes();
  out.budget = impl_->store.budget();
  return out;
}

}  // namespace moonbeam
