// Expansion of IMAGE arguments. Order: as typed, and by bytes of the name inside a folder or glob, so that a
// run and its resumption see the same list.
#include "cli/images.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/errors.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace fs = std::filesystem;

namespace {

// HEIC and AVIF are here to be refused by name rather than passed over in silence.
constexpr std::array<std::string_view, 16> kSuffixes = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".webp",
                                                        ".gif", ".bmp",  ".dib",  ".ppm",  ".pgm", ".pbm",
                                                        ".pnm", ".heic", ".heif", ".avif"};
constexpr std::size_t kMaxInput = std::size_t{1} << 30;   // bytes of standard input or a data URI
constexpr std::size_t kMaxList = std::size_t{256} << 20;  // bytes of a list of names

bool is_glob(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

class Expander {
 public:
  explicit Expander(bool recursive) : recursive_(recursive) {}

  void add(const std::string& argument, bool in_list) {
    if (argument == "-") return add_stdin();
    if (argument.starts_with("data:")) return add_data(argument);
    if (argument.starts_with("http://") || argument.starts_with("https://")) {
      return add_error(argument, ErrorCode::kUnsupported,
                       ": this build fetches no pictures from the network; download it and name the file");
    }
    if (argument.size() > 1 && argument.front() == '@' && !in_list) return add_list(argument.substr(1));
    std::error_code ignored;
    if (fs::is_directory(argument, ignored)) return add_folder(argument);
    if (!exists(argument) && is_glob(argument)) return add_glob(argument);
    sources.push_back({PictureSource::Kind::kFile, argument, {}, {}});
  }

  std::vector<PictureSource> sources;

 private:
  void add_error(const std::string& name, ErrorCode code, const std::string& rest) {
    sources.push_back({PictureSource::Kind::kFile, name, {}, Error(code, name + rest)});
  }

  void take_stdin() {
    if (stdin_taken_) throw Error(ErrorCode::kInvalidArgument, "'-': standard input can be read only once");
    stdin_taken_ = true;
  }

  void add_stdin() {
    take_stdin();
    sources.push_back({PictureSource::Kind::kStdin, "-", {}, {}});
  }

  void add_data(const std::string& uri) {
    const std::size_t comma = uri.find(',');
    const std::string head = uri.substr(0, std::min({comma, uri.find(';'), std::size_t{64}}));
    if (comma == std::string::npos || !uri.substr(0, comma).ends_with(";base64")) {
      return add_error(head, ErrorCode::kInvalidArgument, ": expected data:TYPE;base64,...");
    }
    std::optional<std::string> bytes = decode_base64(std::string_view(uri).substr(comma + 1));
    if (!bytes) return add_error(head, ErrorCode::kCorrupt, ": the text after the comma is not base64");
    sources.push_back({PictureSource::Kind::kData, head, std::move(*bytes), {}});
  }

  void add_list(const std::string& path) {
    std::string text;
    if (path == "-") {
      take_stdin();
      text = read_standard_input();
    } else if (may_block(path)) {
      text = read_blocking(path);
    } else {
      std::error_code ignored;
      std::ifstream file(path, std::ios::binary);
      if (!file || fs::is_directory(path, ignored)) {
        return add_error(path, ErrorCode::kNotFound, ": cannot be read as a list of pictures");
      }
      if (fs::file_size(path, ignored) > kMaxList && !ignored) {
        return add_error(path, ErrorCode::kExhausted, ": a list of more than 256 MB");
      }
      text = (std::ostringstream() << file.rdbuf()).str();
    }
    for (const std::string& line : split(text, '\n')) {
      const std::string_view name =
          line.ends_with('\r') ? std::string_view(line).substr(0, line.size() - 1) : line;
      if (!trim(name).empty()) add(std::string(name), true);
    }
  }

  void add_folder(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    bool has_folders = false;
    const auto visit = [&](const fs::directory_entry& entry) {
      std::error_code ignored;
      if (entry.is_directory(ignored)) has_folders = true;
      const std::string file = entry.path().filename().string();
      if (file.starts_with('.') || !has_picture_suffix(file) || !entry.is_regular_file(ignored)) return;
      names.push_back(entry.path().string());
    };
    if (recursive_) {
      // Symbolic links to folders are not followed: no loops.
      fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
      for (; !error && it != end; it.increment(error)) visit(*it);
    } else {
      fs::directory_iterator it(folder, error), end;
      for (; !error && it != end; it.increment(error)) visit(*it);
    }
    if (error) return add_error(folder, ErrorCode::kNotFound, ": " + error.message());
    if (names.empty()) {
      return add_error(folder, ErrorCode::kNotFound,
                       std::string(": no pictures in this folder") +
                           (has_folders && !recursive_ ? "; -r looks into its subfolders too" : ""));
    }
    std::sort(names.begin(), names.end());
    for (std::string& name : names) sources.push_back({PictureSource::Kind::kFile, std::move(name), {}, {}});
  }

  void add_glob(const std::string& pattern) {
    glob_t found = {};
    const int status = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<std::string> names;
    for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) names.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    if (names.empty())
      return add_error(pattern, ErrorCode::kNotFound, ": no file of this name, and nothing it matches");
    std::sort(names.begin(), names.end());
    for (std::string& name : names) sources.push_back({PictureSource::Kind::kFile, std::move(name), {}, {}});
  }

  bool recursive_;
  bool stdin_taken_ = false;
};

}  // namespace

std::vector<PictureSource> expand_images(const std::vector<std::string>& arguments, bool recursive) {
  Expander expander(recursive);
  for (const std::string& argument : arguments) expander.add(argument, false);
  return std::move(expander.sources);
}

std::string lower_suffix(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string suffix(name.substr(dot));
  for (char& c : suffix) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return suffix;
}

bool has_picture_suffix(std::string_view name) {
  const std::string suffix = lower_suffix(name);
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

std::vector<std::string> drawing_paths(const std::vector<PictureSource>& sources, const std::string& draw,
                                       std::string_view what) {
  std::error_code ignored;
  const bool folder = draw.ends_with('/') || fs::is_directory(draw, ignored);
  if (!folder && sources.size() > 1) {
    throw Error(ErrorCode::kInvalidArgument, "--draw " + draw + ": there are " +
                                                 std::to_string(sources.size()) +
                                                 " pictures, so it has to be a folder (end it with '/')");
  }
  const std::string suffix = lower_suffix(draw);
  if (!folder && suffix != ".png" && suffix != ".jpg" && suffix != ".jpeg") {
    throw Error(ErrorCode::kInvalidArgument,
                "--draw " + draw + ": expected a name that ends in .png, .jpg or .jpeg, or a folder");
  }
  // Seen before any work is done.
  const fs::path target = folder ? fs::path(draw) : fs::path(draw).parent_path();
  if (folder) fs::create_directories(target, ignored);
  if (!target.empty() && !fs::is_directory(target, ignored)) {
    throw Error(ErrorCode::kNotFound, "--draw " + draw + ": there is no folder " + target.string());
  }
  if (!folder) return {draw};
  std::vector<std::string> paths;
  std::map<std::string, int> seen;
  for (const PictureSource& source : sources) {
    std::string stem =
        source.kind == PictureSource::Kind::kFile ? fs::path(source.name).stem().string() : "picture";
    const int copies = ++seen[stem];
    if (copies > 1) stem += "." + std::to_string(copies);
    paths.push_back((fs::path(draw) / (stem + "." + std::string(what) + ".png")).string());
  }
  return paths;
}

namespace {

/// Waits in turns, so that a signal between two of them is heard.
void wait_for_data(int fd) {
  constexpr int kTurn = 100;  // ms
  for (;;) {
    if (!carry_on()) throw Error(ErrorCode::kCancelled, "interrupted");
    pollfd request{fd, POLLIN, 0};
    const int ready = ::poll(&request, 1, kTurn);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
  }
}

std::string read_to_end(int fd, const std::string& name) {
  std::string all;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    wait_for_data(fd);
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) throw Error(ErrorCode::kNotFound, name + ": " + std::strerror(errno));
    if (got == 0) return all;
    if (all.size() + static_cast<std::size_t>(got) > kMaxInput) {
      throw Error(ErrorCode::kExhausted, name + ": more than 1 GiB");
    }
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

std::string read_standard_input() {
  return read_to_end(STDIN_FILENO, "standard input");
}

bool may_block(const std::string& path) {
  std::error_code ignored;
  const fs::file_type type = fs::status(path, ignored).type();
  return type == fs::file_type::fifo || type == fs::file_type::character;
}

std::string read_blocking(const std::string& path) {
  // Opened without waiting for a writer; poll() does that: a fifo is not at its end before one came.
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw Error(ErrorCode::kNotFound, path + ": " + std::strerror(errno));
  try {
    std::string all = read_to_end(fd, path);
    ::close(fd);
    return all;
  } catch (...) {
    ::close(fd);
    throw;
  }
}

}  // namespace moonbeam::cli
