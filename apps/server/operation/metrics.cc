// Names follow vLLM's and llama-server's, so that dashboards carry over by their prefix.
#include "server/operation/metrics.h"

#include <moonbeam/version.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace moonbeam::server {

namespace {

std::string number(double value) {
  std::array<char, 40> text = {};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text + "\"";
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=" + quoted(value);
}

void type(std::string& text, std::string_view name, std::string_view kind, std::string_view help) {
  text += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " +
          std::string(kind) + "\n";
}

void line(std::string& text, std::string_view name, const std::string& labels, double value) {
  text += name;
  if (!labels.empty()) text += "{" + labels + "}";
  text += " " + number(value) + "\n";
}

void one(std::string& text, std::string_view name, std::string_view kind, std::string_view help,
         double value) {
  type(text, name, kind, help);
  line(text, name, {}, value);
}

void counters(std::string& text, std::string_view name, std::string_view help,
              const std::map<std::string, std::uint64_t>& values) {
  type(text, name, "counter", help);
  for (const auto& [labels, value] : values) line(text, name, labels, static_cast<double>(value));
}

void histograms(std::string& text, std::string_view name, std::string_view help,
                const std::map<std::string, Histogram>& values) {
  type(text, name, "histogram", help);
  for (const auto& [labels, histogram] : values) histogram.write(text, name, labels);
}

double start_time() {
  static const double start = [] {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
  }();
  return start;
}
[[maybe_unused]] const double kStart = start_time();  // when the program began

void write_process(std::string& text) {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  one(text, "process_cpu_seconds_total", "counter", "CPU time",
      seconds(usage.ru_utime) + seconds(usage.ru_stime));
  one(text, "process_start_time_seconds", "gauge", "When the process began", start_time());
  double pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  one(text, "process_resident_memory_bytes", "gauge", "Memory in use",
      resident * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  std::error_code error;
  const auto open = std::distance(std::filesystem::directory_iterator("/proc/self/fd", error), {});
  one(text, "process_open_fds", "gauge", "Open descriptors", static_cast<double>(open));
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  one(text, "process_max_fds", "gauge", "Descriptors that may be open", static_cast<double>(limit.rlim_cur));
}

void write_now(std::string& text, const MetricsNow& now) {
  const SchedulerStats& work = now.scheduler;
  one(text, "moonbeam:num_requests_running", "gauge", "Requests in work", work.running);
  one(text, "moonbeam:num_requests_waiting", "gauge", "Requests that wait", work.queued);
  const double budget = static_cast<double>(work.images.budget);
  one(text, "moonbeam:kv_cache_usage_perc", "gauge", "Encoded pictures kept, 1 is the whole cache",
      budget > 0 ? static_cast<double>(work.images.bytes) / budget : 0);
  one(text, "moonbeam:encoded_image_cache_hits_total", "counter", "Pictures that were encoded already",
      static_cast<double>(work.images.hits));
  one(text, "moonbeam:encoded_image_cache_queries_total", "counter", "Pictures asked about",
      static_cast<double>(work.images.hits + work.images.refills + work.images.misses));
  one(text, "moonbeam:connections", "gauge", "Open connections", static_cast<double>(now.server.connections));
  one(text, "moonbeam:websockets", "gauge", "Open WebSockets", static_cast<double>(now.server.sockets));
  type(text, "moonbeam:build_info", "gauge", "What runs here; always 1");
  line(text, "moonbeam:build_info",
       label("version", version()) + "," + label("commit", commit()) + "," + label("isa", now.model.isa) +
           "," + label("dtype", now.model.dtype) + "," + label("model", now.model.name),
       1);
}

}  // namespace

void Histogram::add(double seconds) noexcept {
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
  sum_ += seconds;
}

void Histogram::write(std::string& text, std::string_view name, const std::string& labels) const {
  const std::string bucket = std::string(name) + "_bucket", before = labels.empty() ? "" : labels + ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    total += counts_[i];
    line(text, bucket, before + label("le", number(kBounds[i])), static_cast<double>(total));
  }
  total += counts_[kBounds.size()];
  line(text, bucket, before + label("le", "+Inf"), static_cast<double>(total));
  line(text, std::string(name) + "_sum", labels, sum_);
  line(text, std::string(name) + "_count", labels, static_cast<double>(total));
}

void Metrics::finished(const Finished& finished) {
  const Account& account = finished.account;
  const std::lock_guard lock(mutex_);
  ++http_[label("handler", finished.route.empty() ? "none" : finished.route) + "," +
          label("method", finished.request.method.empty() ? "none" : finished.request.method) + "," +
          label("status", std::to_string(finished.status))];
  if (account.task.empty()) return;
  const std::string task = label("task", account.task);
  if (account.finish.empty()) {
    const std::string code = !account.code.empty() ? account.code : finished.code;
    ++failed_[task + "," + label("code", code.empty() ? "unknown" : code)];
    return;
  }
  ++success_[task + "," + label("finished_reason", account.finish)];
  prompt_tokens_ += static_cast<std::uint64_t>(std::max(account.prompt_tokens, 0));
  output_tokens_ += static_cast<std::uint64_t>(std::max(account.output_tokens, 0));
  prefill_s_ += account.prefill_ms / 1000;
  decode_s_ += account.decode_ms / 1000;
  first_token_[task].add(account.first_token_ms / 1000);
  if (account.output_tokens > 1)
    inter_token_[task].add(account.decode_ms / 1000 / (account.output_tokens - 1));
  end_to_end_[task].add(finished.ms / 1000);
  queue_[task].add(account.queue_ms / 1000);
  prefill_[task].add(account.prefill_ms / 1000);
  decode_[task].add(account.decode_ms / 1000);
  if (!account.picture) return;
  image_decode_.add(account.image_decode_ms / 1000);
  if (!account.cached) image_encode_.add(account.encode_ms / 1000);
}

void Metrics::write_requests(std::string& text) const {
  counters(text, "http_requests_total", "Requests by route, method and status", http_);
  counters(text, "moonbeam:request_success_total", "Requests answered", success_);
  counters(text, "moonbeam:request_failed_total", "Requests not answered", failed_);
  one(text, "moonbeam:prompt_tokens_total", "counter", "Positions read, pictures included",
      static_cast<double>(prompt_tokens_));
  one(text, "moonbeam:generation_tokens_total", "counter", "Tokens made",
      static_cast<double>(output_tokens_));
  one(text, "moonbeam:prompt_tokens_seconds", "gauge", "Positions read a second, since the start",
      prefill_s_ > 0 ? static_cast<double>(prompt_tokens_) / prefill_s_ : 0);
  one(text, "moonbeam:predicted_tokens_seconds", "gauge", "Tokens made a second, since the start",
      decode_s_ > 0 ? static_cast<double>(output_tokens_) / decode_s_ : 0);
}

void Metrics::write_times(std::string& text) const {
  histograms(text, "moonbeam:time_to_first_token_seconds", "From the request to its first token",
             first_token_);
  histograms(text, "moonbeam:inter_token_latency_seconds", "Mean time between tokens of a request",
             inter_token_);
  histograms(text, "moonbeam:e2e_request_latency_seconds", "From the request to its end", end_to_end_);
  histograms(text, "moonbeam:request_queue_time_seconds", "Before a request was taken in work", queue_);
  histograms(text, "moonbeam:request_prefill_time_seconds", "Reading the prompt", prefill_);
  histograms(text, "moonbeam:request_decode_time_seconds", "Making tokens", decode_);
  histograms(text, "moonbeam:image_encode_seconds", "Image encoder", {{"", image_encode_}});
  histograms(text, "moonbeam:image_decode_seconds", "From a file to pixels", {{"", image_decode_}});
}

std::string Metrics::text(const MetricsNow& now) const {
  std::string text;
  write_now(text, now);
  {
    const std::lock_guard lock(mutex_);
    write_requests(text);
    write_times(text);
  }
  write_process(text);
  return text;
}

}  // namespace moonbeam::server
