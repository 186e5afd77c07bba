#include "data/scenes/svg.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/error.h"

#ifdef MOONBEAM_LIBRSVG
#include <librsvg/rsvg.h>
#endif

namespace moonbeam::data {

#ifdef MOONBEAM_LIBRSVG

namespace {

constexpr int kSeenAlpha = 40;
constexpr int kMostZoom = 8;  // a drawing that fills less than an eighth of its square is a speck

struct SurfaceFree {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct ObjectFree {
  void operator()(RsvgHandle* handle) const { g_object_unref(handle); }
};

/// The document's square, `size` pixels long, with its corner at (left, top) of a layer.
Layer render_document(RsvgHandle* handle, double size, double left, double top, int width, int height) {
  const std::unique_ptr<cairo_surface_t, SurfaceFree> surface(
      cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height));
  cairo_t* context = cairo_create(surface.get());
  const RsvgRectangle viewport = {left, top, size, size};
  GError* error = nullptr;
  const bool good = rsvg_handle_render_document(handle, context, &viewport, &error);
  cairo_destroy(context);
  if (!good) {
    const std::string message = error == nullptr ? "unknown" : error->message;
    g_clear_error(&error);
    base::fail(ErrorCode::kCorrupt, "SVG: ", base::printable(message));
  }
  cairo_surface_flush(surface.get());
  Layer out(width, height);
  const unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint32_t p = 0;  // alpha, red, green, blue from the highest byte, premultiplied
      std::memcpy(&p, data + static_cast<std::ptrdiff_t>(y) * stride + 4 * x, 4);
      out.row(y)[x] = (p & 0xff00ff00u) | (p >> 16 & 255) | (p & 255) << 16;
    }
  }
  return out;
}

Extent seen_extent(const Layer& layer) {
  Extent extent{layer.width, layer.height, 0, 0, 0};
  for (int y = 0; y < layer.height; ++y) {
    for (int x = 0; x < layer.width; ++x) {
      if (alpha(layer.row(y)[x]) <= kSeenAlpha) continue;
      extent.x_min = std::min(extent.x_min, x);
      extent.x_max = std::max(extent.x_max, x + 1);
      extent.y_min = std::min(extent.y_min, y);
      extent.y_max = y + 1;
      ++extent.pixels;
    }
  }
  return extent;
}

Layer cropped(const Layer& layer, const Extent& extent) {
  Layer out(extent.width(), extent.height());
  for (int y = 0; y < out.height; ++y) {
    std::copy_n(layer.row(extent.y_min + y) + extent.x_min, out.width, out.row(y));
  }
  return out;
}

}  // namespace

bool can_render_svg(std::string&) {
  return true;
}

Layer render_svg(const std::string& svg, int side) {
  GError* error = nullptr;
  const std::unique_ptr<RsvgHandle, ObjectFree> handle(
      rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(), &error));
  if (!handle) {
    const std::string message = error == nullptr ? "unknown" : error->message;
    g_clear_error(&error);
    base::fail(ErrorCode::kCorrupt, "SVG: ", base::printable(message));
  }
  // Once to see where the drawing lies in its square, once so that its own long side has the size.
  const Extent rough = seen_extent(render_document(handle.get(), side, 0, 0, side, side));
  const int longest = std::max(rough.width(), rough.height());
  if (rough.empty() || longest * kMostZoom < side) base::fail(ErrorCode::kCorrupt, "SVG: nothing to see");
  double zoom = static_cast<double>(side) / longest;
  for (;;) {
    const int margin = 4;
    const Layer layer =
        render_document(handle.get(), side * zoom, margin - rough.x_min * zoom, margin - rough.y_min * zoom,
                        side + 2 * margin + 8, side + 2 * margin + 8);
    const Extent extent = seen_extent(layer);
    const int got = std::max(extent.width(), extent.height());
    if (got <= side) return cropped(layer, extent);
    zoom *= (side - 0.5) / got;  // soft edges made it a pixel too long
  }
}

#else

bool can_render_svg(std::string& why_not) {
  why_not = "this build cannot read SVG: it was configured without librsvg-2.0 (Debian: librsvg2-dev)";
  return false;
}

Layer render_svg(const std::string&, int) {
  std::string why;
  can_render_svg(why);
  base::fail(ErrorCode::kUnsupported, why);
}

#endif

namespace {

constexpr unsigned kMostSeconds = 20;  // a drawing

bool write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = write(fd, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool read_all(int fd, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = read(fd, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

/// What goes through the pipe in front of pixels or a message.
struct Header {
  std::int32_t width, height, message;
};

[[noreturn]] void render_in_child(const std::vector<std::string>& svgs, std::size_t first, int side, int fd) {
  for (std::size_t i = first; i < svgs.size(); ++i) {
    alarm(kMostSeconds);
    Layer picture;
    std::string problem;
    try {
      picture = render_svg(svgs[i], side);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    const Header header = {picture.width, picture.height, static_cast<std::int32_t>(problem.size())};
    const bool good = write_all(fd, &header, sizeof header) &&
                      write_all(fd, picture.pixels.data(), picture.pixels.size() * sizeof(Rgba)) &&
                      write_all(fd, problem.data(), problem.size());
    if (!good) _exit(1);
  }
  _exit(0);
}

}  // namespace

void render_guarded(const std::vector<std::string>& svgs, int side,
                    const std::function<void(std::size_t, Layer, const std::string&)>& done) {
  for (std::size_t next = 0; next < svgs.size();) {
    int ends[2];
    if (pipe(ends) != 0) base::fail(ErrorCode::kExhausted, "no pipe: ", std::strerror(errno));
    const pid_t child = fork();
    if (child < 0) base::fail(ErrorCode::kExhausted, "no process: ", std::strerror(errno));
    if (child == 0) {
      close(ends[0]);
      render_in_child(svgs, next, side, ends[1]);
    }
    close(ends[1]);
    Header header{};
    while (next < svgs.size() && read_all(ends[0], &header, sizeof header)) {
      Layer picture(header.width, header.height);
      std::string problem(static_cast<std::size_t>(header.message), '\0');
      if (!read_all(ends[0], picture.pixels.data(), picture.pixels.size() * sizeof(Rgba)) ||
          !read_all(ends[0], problem.data(), problem.size())) {
        break;
      }
      done(next++, std::move(picture), problem);
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (next < svgs.size()) {
      const std::string how = WIFSIGNALED(status) ? base::cat("signal ", WTERMSIG(status)) : "an early exit";
      done(next++, {}, "the renderer ended by " + how);
    }
  }
}

}  // namespace moonbeam::data
