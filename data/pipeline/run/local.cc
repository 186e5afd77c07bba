#include "data/pipeline/run/local.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/program.h"
#include "base/text.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr double kWindow = 30;  // seconds that rates are of
constexpr std::size_t kMostStatus = std::size_t{1} << 20;

/// "1,234,567"
std::string grouped(std::int64_t value) {
  std::string text = std::to_string(value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string clock(double seconds) {
  const auto all = static_cast<std::int64_t>(seconds + 0.5);
  const auto two = [](std::int64_t value) {
    return std::string(value < 10 ? "0" : "") + std::to_string(value);
  };
  const std::string minutes = base::cat(all / 60 % 60, ':', two(all % 60));
  return all < 3600 ? minutes : base::cat(all / 3600, ':', two(all / 60 % 60), ':', two(all % 60));
}

}  // namespace

RunWatch::RunWatch(RunFolder work, const Plan& plan)
    : work_(std::move(work)),
      plan_(plan),
      start_(std::chrono::steady_clock::now()),
      began_(fs::file_time_type::clock::now()) {
  for (int shard = 0; shard < plan.shards; ++shard) {
    for (int chunk = 0; chunk < plan.chunks_of(shard); ++chunk) open_.emplace_back(shard, chunk);
  }
  standing_.chunks = static_cast<std::int64_t>(open_.size());
}

void RunWatch::read_markers() {
  const auto done = [&](const std::pair<int, int>& one) {
    if (!is_committed(work_, one.first, one.second)) return false;
    standing_.counts += read_counts(work_, one.first, one.second);
    ++standing_.committed;
    return true;
  };
  open_.erase(std::remove_if(open_.begin(), open_.end(), done), open_.end());
  standing_.open_shards.clear();
  for (const auto& [shard, chunk] : open_) {
    if (standing_.open_shards.empty() || standing_.open_shards.back() != shard)
      standing_.open_shards.push_back(shard);
  }
}

void RunWatch::read_workers(RunView& view) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(work_.status("x").parent_path(), error)) {
    if (entry.path().extension() != ".json" || entry.last_write_time(error) < began_) continue;
    Json value;
    try {
      value = Json::parse(base::read_file(entry.path().string(), kMostStatus));
    } catch (const std::exception&) {
      continue;  // being replaced
    }
    view.calls += value.value("finished", std::int64_t{0});
    view.from_cache += value.value("from_cache", std::int64_t{0});
    view.retries += value.value("retries", std::int64_t{0});
    view.in_flight += value.value("in_flight", std::int64_t{0});
    view.tokens += value.value("tokens", std::int64_t{0});
    view.money += value.value("money", 0.0);
    view.gpu_seconds += value.value("gpu_seconds", 0.0);
    const Json outcomes = value.value("outcomes", Json::object());
    for (const auto& [name, count] : outcomes.items()) {
      if (name != "answer") view.failures[name] += count.get<std::int64_t>();
    }
  }
}

RunView RunWatch::look() {
  const bool first = samples_.empty();
  read_markers();
  RunView view;
  view.pictures = plan_.pictures;
  view.standing = standing_;
  view.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  read_workers(view);
  const Sample now{view.seconds, standing_.counts.pictures, view.calls};
  if (first || now.at - samples_.back().at > 0.5) samples_.push_back(now);
  while (samples_.size() > 2 && samples_[1].at < now.at - kWindow) samples_.erase(samples_.begin());
  const double passed = now.at - samples_.front().at;
  if (passed > 0) {
    view.call_rate = static_cast<double>(now.calls - samples_.front().calls) / passed;
    view.picture_rate = static_cast<double>(now.pictures - samples_.front().pictures) / passed;
  }
  if (view.picture_rate > 0) {
    view.seconds_left = static_cast<double>(plan_.pictures - now.pictures) / view.picture_rate;
  }
  return view;
}

std::string run_line(const RunView& view) {
  const ChunkCounts& counts = view.standing.counts;
  std::string out = base::cat(grouped(counts.pictures), '/', grouped(view.pictures), " pictures  ",
                              base::format_decimal(view.picture_rate, 1), "/s  ", grouped(view.calls),
                              " calls  ", base::format_decimal(view.call_rate, 0), "/s");
  if (view.from_cache > 0) out += base::cat("  ", grouped(view.from_cache), " known");
  if (view.tokens > 0) out += base::cat("  ", grouped(view.tokens), " tokens");
  if (view.money > 0) out += base::cat("  cost ", base::format_decimal(view.money, 2));
  if (view.gpu_seconds > 0)
    out += base::cat("  ", base::format_decimal(view.gpu_seconds / 3600, 2), " GPU hours");
  if (view.seconds_left >= 0) out += "  " + clock(view.seconds_left) + " left";
  if (counts.rejected > 0) out += base::cat("  ", grouped(counts.rejected), " rejected");
  if (counts.failed > 0) out += base::cat("  ", grouped(counts.failed), " failed");
  std::string reasons;
  for (const auto& [name, count] : view.failures) {
    reasons += base::cat(reasons.empty() ? "" : ", ", name, ' ', count);
  }
  if (!reasons.empty()) out += "  calls without an answer: " + reasons;
  return out;
}

LocalEnd run_locally(const std::vector<std::string>& command, int workers, const RunFolder& work,
                     const Plan& plan, const std::function<bool()>& stop,
                     const std::function<void(const RunView&)>& tell) {
  RunWatch watch(work, plan);
  std::vector<pid_t> children;
  for (int rank = 0; rank < workers; ++rank) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--rank", std::to_string(rank)});
    pid_t child = 0;
    if (const int error = base::start_program(words, {-1, -1, STDERR_FILENO}, child); error != 0) {
      for (const pid_t one : children) ::kill(one, SIGTERM);
      for (const pid_t one : children) ::waitpid(one, nullptr, 0);
      base::fail(ErrorCode::kNotFound, words[0], ": cannot be started: ", std::strerror(error));
    }
    children.push_back(child);
  }
  LocalEnd end;
  bool told = false;
  auto next = std::chrono::steady_clock::now();
  while (!children.empty()) {
    if (!told && stop()) {
      for (const pid_t one : children) ::kill(one, SIGTERM);
      told = true;
    }
    for (auto at = children.begin(); at != children.end();) {
      int status = 0;
      if (::waitpid(*at, &status, WNOHANG) != *at) {
        ++at;
        continue;
      }
      end.status = std::max(end.status, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      at = children.erase(at);
    }
    if (std::chrono::steady_clock::now() >= next) {
      tell(watch.look());
      next += 1s;
    }
    if (!children.empty()) std::this_thread::sleep_for(50ms);
  }
  const RunView view = watch.look();
  tell(view);
  end.whole = view.standing.open_shards.empty();
  return end;
}

}  // namespace moonbeam::pipeline
