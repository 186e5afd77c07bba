// How long a start takes, from opening the files to a model that accepts its first request, against a copy of
// the same bytes: mapped anew, into fresh memory, by as many threads. Both take turns in one process, after
// one unmeasured turn, so the files' pages are in memory. One JSON line at the end. CPU time is that of all
// threads: on a busy virtual machine fresh memory may take seconds in which nobody works.
//
//   bench_start --model PATH [--mode auto] [--threads 0] [--repeat 5]
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <moonbeam/version.h>
#include <moonbeam/weights.h>

#include "args.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/text.h"
#include "tasks/engine.h"

namespace {

using namespace moonbeam;

constexpr const char* kUsage = "usage: bench_start --model PATH [--mode auto] [--threads 0] [--repeat 5]\n";

/// The file, or a folder's files of weights.
std::vector<std::string> weight_files(const std::string& model) {
  if (!std::filesystem::is_directory(model)) return {model};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(model)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  }
  return files;
}

std::vector<base::Buffer<std::byte>> copy_files(const std::vector<std::string>& files, int threads,
                                                std::size_t& bytes) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  base::ThreadPool pool(threads);
  bytes = 0;
  std::vector<base::Buffer<std::byte>> copies;
  for (const std::string& path : files) {
    const auto file = base::MappedFile::open(path);
    const std::span<const std::byte> from = file->bytes();
    copies.emplace_back(from.size());
    std::byte* to = copies.back().data();
    pool.parallel_for(static_cast<int>((from.size() + kPiece - 1) / kPiece), [&](int piece, int) {
      const std::size_t first = static_cast<std::size_t>(piece) * kPiece;
      std::memcpy(to + first, from.data() + first, std::min(kPiece, from.size() - first));
    });
    bytes += from.size();
  }
  return copies;
}

double cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

/// Times of what is run again and again; freeing what it leaves is not in them.
struct Series {
  std::vector<double> wall, cpu;

  template <typename Run>
  void run(bool count, Run run) {
    const double wall_start = base::now_ms(), cpu_start = cpu_ms();
    const auto kept = run();
    if (!count) return;
    wall.push_back(base::now_ms() - wall_start);
    cpu.push_back(cpu_ms() - cpu_start);
  }
  std::string json(const char* name) const {
    return base::cat("\"", name, "_ms\":", base::format_decimal(bench::median(wall), 1), ",\"", name,
                     "_min_ms\":", base::format_decimal(*std::min_element(wall.begin(), wall.end()), 1),
                     ",\"", name,
                     "_max_ms\":", base::format_decimal(*std::max_element(wall.begin(), wall.end()), 1),
                     ",\"", name, "_cpu_ms\":", base::format_decimal(bench::median(cpu), 1));
  }
};

void run(const bench::ModelFlags& options) {
  const std::vector<std::string> files = weight_files(options.model);
  const int threads = base::choose_threads(options.threads);
  // docs/modes.md: a quantised file is read, anything else is packed on the way.
  const bool packed = !inspect_model(options.model).recipe.empty();
  const LoadOptions load{.mode = bench::mode(options.mode), .threads = threads, .progress = {}};
  std::size_t bytes = 0;
  std::string mode;
  Series copies, starts;
  for (int i = 0; i <= options.repeat; ++i) {
    copies.run(i > 0, [&] { return copy_files(files, threads, bytes); });
    starts.run(i > 0, [&] {
      auto engine = tasks::open_engine(options.model, load);
      mode = engine->info.mode;
      return engine;
    });
  }
  const double copy = bench::median(copies.wall), start = bench::median(starts.wall);
  const double bound = packed ? copy * 1.5 + 200 : copy * 4 + 500;
  std::printf("copy %.0f ms, start %.0f ms, bound %.0f ms; CPU %.0f and %.0f ms\n", copy, start, bound,
              bench::median(copies.cpu), bench::median(starts.cpu));
  std::printf(
      "{\"figure\":\"start\",\"source\":\"%s\",\"mode\":\"%s\",\"threads\":%d,\"bytes\":%zu,%s,%s,\"ratio\":%"
      ".3f,"
      "\"bound_ms\":%.1f,\"repeat\":%d,\"cpu\":\"%s\",\"commit\":\"%s\"}\n",
      packed ? "packed" : "plain", mode.c_str(), threads, bytes, copies.json("copy").c_str(),
      starts.json("start").c_str(), start / copy, bound, options.repeat, base::cpu_features().name.c_str(),
      commit());
}

}  // namespace

int main(int argc, char** argv) {
  bench::ModelFlags options;
  const auto none = [](const std::string&, const std::string&) { return false; };
  return bench::run_main(
      "bench_start", kUsage, [&] { bench::read_flags(argc, argv, options, none); }, [&] { run(options); });
}
