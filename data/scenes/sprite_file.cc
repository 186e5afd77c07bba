#include "data/scenes/sprite_file.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kMostPalette = 160;
constexpr double kGoodEnough = 10;  // squared error of a pixel, all channels: less is not seen at this size
constexpr int kRounds = 3;          // of k-means

using Channels = std::array<int, 4>;  // premultiplied red, green, blue; alpha

Channels channels(Rgba p) {
  return {red(p), green(p), blue(p), alpha(p)};
}

struct Entry {
  Rgba pixel;
  int count;
};

/// Colours that one palette entry stands for: [first, last) of the entries.
struct Cell {
  std::size_t first, last;
  std::size_t axis = 0;
  double spread = 0;  // squared error along the axis
  double error = 0;   // along all of them

  Cell(const std::vector<Entry>& entries, std::size_t from, std::size_t to) : first(from), last(to) {
    for (std::size_t c = 0; c < 4; ++c) {
      double sum = 0, squares = 0, count = 0;
      for (std::size_t i = first; i < last; ++i) {
        const double v = channels(entries[i].pixel)[c], n = entries[i].count;
        sum += n * v;
        squares += n * v * v;
        count += n;
      }
      const double along = squares - sum * sum / count;
      error += along;
      if (along > spread) {
        spread = along;
        axis = c;
      }
    }
  }
};

std::vector<Rgba> median_cut(std::vector<Entry> entries) {
  std::vector<Cell> cells = {Cell(entries, 0, entries.size())};
  double pixels = 0;
  for (const Entry& entry : entries) pixels += entry.pixel == 0 ? 0 : entry.count;
  while (cells.size() < kMostPalette) {
    double error = 0;
    for (const Cell& cell : cells) error += cell.error;
    if (error <= kGoodEnough * pixels) break;
    const auto widest = std::max_element(cells.begin(), cells.end(),
                                         [](const Cell& a, const Cell& b) { return a.spread < b.spread; });
    if (widest->spread <= 0) break;
    const auto first = entries.begin() + static_cast<std::ptrdiff_t>(widest->first);
    const auto last = entries.begin() + static_cast<std::ptrdiff_t>(widest->last);
    const std::size_t axis = widest->axis;
    double sum = 0, count = 0;
    for (auto at = first; at != last; ++at) {
      sum += static_cast<double>(channels(at->pixel)[axis]) * at->count;
      count += at->count;
    }
    const double mean = sum / count;
    const auto middle =
        std::stable_partition(first, last, [&](const Entry& e) { return channels(e.pixel)[axis] <= mean; });
    const Cell below(entries, widest->first, static_cast<std::size_t>(middle - entries.begin()));
    const Cell above(entries, below.last, widest->last);
    *widest = below;
    cells.push_back(above);
  }
  std::vector<Rgba> palette;
  for (const Cell& cell : cells) palette.push_back(entries[(cell.first + cell.last) / 2].pixel);
  return palette;
}

std::size_t nearest(const std::vector<Rgba>& palette, Rgba pixel) {
  const Channels p = channels(pixel);
  std::size_t best = 0;
  int least = 1 << 30;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    const Channels q = channels(palette[i]);
    int distance = 0;
    for (std::size_t c = 0; c < 4; ++c) distance += (p[c] - q[c]) * (p[c] - q[c]);
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

/// Moves every colour to the mean of what it stands for.
void settle(std::vector<Rgba>& palette, const std::vector<Entry>& entries) {
  struct Sum {
    std::array<std::int64_t, 4> of{};
    std::int64_t count = 0;
  };
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Sum> sums(palette.size());
    for (const Entry& entry : entries) {
      Sum& sum = sums[nearest(palette, entry.pixel)];
      const Channels p = channels(entry.pixel);
      for (std::size_t c = 0; c < 4; ++c) sum.of[c] += std::int64_t{p[c]} * entry.count;
      sum.count += entry.count;
    }
    for (std::size_t i = 0; i < palette.size(); ++i) {
      const Sum& sum = sums[i];
      if (sum.count == 0) continue;
      const auto mean = [&](std::size_t c) {
        return static_cast<int>((sum.of[c] + sum.count / 2) / sum.count);
      };
      palette[i] = make_rgba(mean(0), mean(1), mean(2), mean(3));
    }
  }
}

void check(const png_image& image, const std::string& name) {
  if (PNG_IMAGE_FAILED(image))
    base::fail(ErrorCode::kCorrupt, name, ": PNG: ", static_cast<const char*>(image.message));
}

}  // namespace

Layer read_sprite(std::span<const std::byte> png, const std::string& name) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  png_image_begin_read_from_memory(&image, png.data(), png.size());
  check(image, name);
  if (image.width > kMostSpriteSide || image.height > kMostSpriteSide) {
    png_image_free(&image);
    base::fail(ErrorCode::kExhausted, name, ": expected at most ", kMostSpriteSide, " pixels a side, got ",
               image.width, "x", image.height);
  }
  image.format = PNG_FORMAT_RGBA;
  std::vector<std::uint8_t> bytes(PNG_IMAGE_SIZE(image));
  png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr);
  check(image, name);
  Layer out(static_cast<int>(image.width), static_cast<int>(image.height));
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    const std::uint8_t* p = &bytes[4 * i];
    const auto premultiplied = [&](int c) { return (p[c] * p[3] + 127) / 255; };
    out.pixels[i] = make_rgba(premultiplied(0), premultiplied(1), premultiplied(2), p[3]);
  }
  return out;
}

std::string write_sprite(const Layer& picture) {
  std::map<Rgba, int> counts;
  for (const Rgba p : picture.pixels) ++counts[p];
  std::vector<Entry> entries;
  for (const auto& [pixel, count] : counts) entries.push_back({pixel, count});
  std::vector<Rgba> palette = median_cut(entries);
  settle(palette, entries);
  // Neighbours in lightness get neighbouring indices, which deflate likes.
  std::sort(palette.begin(), palette.end(), [](Rgba a, Rgba b) {
    const auto key = [](Rgba p) { return std::tuple(alpha(p), 2 * green(p) + red(p) + blue(p), p); };
    return key(a) < key(b);
  });
  palette.erase(std::unique(palette.begin(), palette.end()), palette.end());
  std::vector<std::uint8_t> indices, map;
  for (const Entry& entry : entries) counts[entry.pixel] = static_cast<int>(nearest(palette, entry.pixel));
  for (const Rgba p : picture.pixels) indices.push_back(static_cast<std::uint8_t>(counts[p]));
  for (const Rgba p : palette) {
    const int a = alpha(p);
    for (const int c : {red(p), green(p), blue(p)}) {
      map.push_back(static_cast<std::uint8_t>(a == 0 ? 0 : std::min(255, (c * 255 + a / 2) / a)));
    }
    map.push_back(static_cast<std::uint8_t>(a));
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGBA_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(palette.size());
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, indices.data(), 0, map.data());
  check(image, "sprite");
  std::string out(size, '\0');
  png_image_write_to_memory(&image, out.data(), &size, 0, indices.data(), 0, map.data());
  check(image, "sprite");
  out.resize(size);
  return out;
}

}  // namespace moonbeam::data
