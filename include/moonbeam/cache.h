// Encoded pictures kept for the next question about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <moonbeam/image.h>
#include <moonbeam/model.h>
#include <moonbeam/types.h>

namespace moonbeam {

struct ImageCacheStats {
  std::uint64_t hits = 0;     ///< answered with what was there
  std::uint64_t refills = 0;  ///< only the prefix had to be made again
  std::uint64_t misses = 0;   ///< went through the image encoder
  std::uint64_t waits = 0;    ///< of the hits: another caller was making it
  std::size_t pictures = 0;   ///< encoded ones that are kept
  std::size_t bytes = 0;      ///< of everything that is kept, at most the budget
  std::size_t budget = 0;
};

/// Encoded pictures of one model, least recently used ones leave first. A picture is known by its pixels
/// (SHA-256), so it does not matter how it was stored or where it came from. Of pictures that have left, the
/// embeddings stay where the others leave room: they take a twentieth of the memory, and save the image
/// encoder. Every answer has the bits of Model::encode_image(). Safe from many threads; two that ask for
/// the same new picture at once encode it once. May be moved, not copied.
class ImageCache {
 public:
  /// @param budget  bytes of memory for what is kept: EncodedImage::bytes() and embeddings. A picture that is
  ///                larger is answered and not kept. Pictures in use stay valid when they leave.
  ImageCache(const Model& model, std::size_t budget);
  ImageCache(ImageCache&&) noexcept;
  ImageCache& operator=(ImageCache&&) noexcept;
  ~ImageCache();

  /// The encoded picture, made now where it is not there. `progress` is told about the work, also where
  /// another caller does it; returning false ends this call alone.
  /// @throws Error as Model::encode_image.
  EncodedImage get(const Image& image, const ProgressFn& progress = {});

  /// The same from a file's bytes, which are decoded only if this file has not been seen with these options
  /// or its picture has left: limits in `options` are checks of decoding.
  /// @throws Error as decode_image and Model::encode_image.
  EncodedImage get(std::span<const std::byte> file, const DecodeOptions& options = {},
                   const ProgressFn& progress = {});

  /// Only what is there; counts as use where found.
  std::optional<EncodedImage> find(const Image& image);

  void clear();
  ImageCacheStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moonbeam
