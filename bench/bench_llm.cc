// How many calls a second the client of language models holds against the mock, with and without faults, and
// what a call costs in CPU time. The mock is a process of its own, so that each side's time is told apart.
//
//   bench_llm [--calls N] [--in-flight N] [--latency MS] [--rounds N] [--fault NAME=SHARE]
//
// Clean and faulty runs take turns; each is measured from its first call to its N-th answer, while others
// still wait, so that the end of a run does not count.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "args.h"
#include "base/machine.h"
#include "data/llm/client.h"
#include "data/llm/transport.h"
#include "data/mockllm/server.h"

namespace {

using namespace moonbeam;

struct Settings {
  int calls = 20'000, in_flight = 1000, rounds = 3;
  double latency_ms = 400;
  std::vector<std::string> faults = {};  ///< of the faulty runs; empty: a tenth of all requests
};

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The mock in a child, until this process lets go of it.
class MockProcess {
 public:
  MockProcess(const Settings& settings, const std::vector<std::string>& faults) {
    int to_parent[2], to_child[2];
    if (::pipe(to_parent) != 0 || ::pipe(to_child) != 0) std::abort();
    child_ = ::fork();
    if (child_ == 0) {
      ::close(to_child[1]);
      serve(settings, faults, to_parent[1], to_child[0]);
    }
    ::close(to_parent[1]);
    ::close(to_child[0]);
    hold_ = to_child[1];
    if (::read(to_parent[0], &port_, sizeof port_) != sizeof port_) std::abort();
    ::close(to_parent[0]);
  }
  ~MockProcess() { end(); }
  MockProcess(const MockProcess&) = delete;
  MockProcess& operator=(const MockProcess&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  /// CPU seconds of its whole life.
  double end() {
    if (hold_ < 0) return 0;
    ::close(hold_);
    hold_ = -1;
    int status = 0;
    rusage usage{};
    ::wait4(child_, &status, 0, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  }

 private:
  [[noreturn]] static void serve(const Settings& settings, const std::vector<std::string>& faults, int out,
                                 int in) {
    llm::raise_descriptor_limit();
    mockllm::ServerOptions options;
    options.latency_ms = settings.latency_ms;
    for (const std::string& one : faults) options.mock.faults.push_back(mockllm::parse_fault(one));
    {
      const mockllm::Server server(options);
      const int port = server.port();
      if (::write(out, &port, sizeof port) != sizeof port) std::abort();
      char byte = 0;
      while (::read(in, &byte, 1) > 0) {
      }
    }
    ::_exit(0);
  }

  pid_t child_ = -1;
  int hold_ = -1, port_ = 0;
};

llm::Call call_of(int number) {
  static const llm::OrderedJson schema = llm::OrderedJson::parse(
      R"({"type":"object","properties":{"verdicts":{"type":"array","maxItems":8,"items":{"type":"object",
          "properties":{"id":{"type":"string"},"reason":{"type":"string"},
                        "verdict":{"type":"string","enum":["supported","contradicted","unknown"]}},
          "required":["id","reason","verdict"]}}},"required":["verdicts"]})");
  llm::Call call;
  call.id = "image-" + std::to_string(number / 4) + "/S4a/" + std::to_string(number);
  call.image = "image-" + std::to_string(number / 4);
  call.stage = "S4a";
  call.model = "mock";
  call.messages = {
      {"system", "Judge each claim by the text alone. Write a reason first, then the verdict.", {}},
      {"user",
       "<input>{\"stage\":\"S4a\",\"text\":\"In this image we can see a red dog on the left, two cups and a "
       "tree number " +
           std::to_string(number) +
           ".\",\"claims\":[{\"id\":\"c1\",\"type\":\"existence\",\"subject\":\"dog\"},{\"id\":\"c2\","
           "\"type\":\"count\","
           "\"subject\":\"cup\",\"object\":\"2\"},{\"id\":\"c3\",\"type\":\"existence\",\"subject\":\"boat\"}"
           "]}</input>",
       {}}};
  call.schema = schema;
  call.rng = llm::mix(1, static_cast<std::uint64_t>(number));
  return call;
}

struct Measured {
  double per_second = 0, client_us = 0, mock_us = 0;
  int most_in_flight = 0, window = 0;
  std::int64_t failed = 0, retries = 0, cuts = 0;
  double p95_ms = 0;
};

Measured measure(const Settings& settings, const std::vector<std::string>& faults) {
  MockProcess mock(settings, faults);
  llm::ClientOptions options;
  llm::EndpointOptions endpoint;
  endpoint.name = "mock", endpoint.url = mock.url(), endpoint.dialect = llm::Dialect::kJsonSchema;
  endpoint.start_window = endpoint.most_in_flight = settings.in_flight;
  options.endpoints = {endpoint};
  std::atomic<int> ended{0};
  std::atomic<std::int64_t> failed{0};
  std::atomic<double> end_ms{0};
  Measured out;
  const int all = settings.calls + 4 * settings.in_flight;
  const double cpu = cpu_seconds(RUSAGE_SELF);
  const double start = base::now_ms();
  {
    llm::Client client(options, nullptr, nullptr);
    for (int i = 0; i < all; ++i) {
      client.submit(call_of(i), [&](const llm::Result& result) {
        failed += result.ok() ? 0 : 1;
        if (++ended == settings.calls) end_ms = base::now_ms();
      });
      // As a pipeline does: a bounded number of images is open.
      while (i - ended > 3 * settings.in_flight) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (i % 500 == 0) {
        out.most_in_flight = std::max(out.most_in_flight, static_cast<int>(client.stats().in_flight));
      }
    }
    client.wait_idle();
    const llm::ClientStats stats = client.stats();
    out.retries = stats.retries;
    out.window = stats.endpoints[0].window;
    out.cuts = stats.endpoints[0].cuts;
    out.p95_ms = stats.endpoints[0].p95_ms;
  }
  out.failed = failed;
  out.per_second = settings.calls / (end_ms - start) * 1000;
  out.client_us = (cpu_seconds(RUSAGE_SELF) - cpu) / all * 1e6;
  out.mock_us = mock.end() / all * 1e6;
  return out;
}

void show(const char* name, const Measured& run) {
  std::printf(
      "%-7s %7.0f answers/s   CPU a call: client %4.0f us, mock %4.0f us   at most %d in flight, window %d "
      "after "
      "%lld cuts, p95 %.0f ms, %lld retries, %lld failed\n",
      name, run.per_second, run.client_us, run.mock_us, run.most_in_flight, run.window,
      static_cast<long long>(run.cuts), run.p95_ms, static_cast<long long>(run.retries),
      static_cast<long long>(run.failed));
  std::fflush(stdout);
}

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--calls") {
      settings.calls = bench::number(flag, value, 100);
    } else if (flag == "--in-flight") {
      settings.in_flight = bench::number(flag, value, 1);
    } else if (flag == "--latency") {
      settings.latency_ms = bench::number(flag, value, 0);
    } else if (flag == "--fault") {
      settings.faults.push_back(value);
    } else if (flag == "--rounds") {
      settings.rounds = bench::number(flag, value, 1);
    } else {
      std::fprintf(
          stderr,
          "usage: bench_llm [--calls N] [--in-flight N] [--latency MS] [--rounds N] [--fault NAME=SHARE]\n");
      return false;
    }
  }
  return true;
}

int run(const Settings& settings) {
  const std::vector<std::string> tenth = {"429=0.034,retry_after=1", "500=0.033", "reset=0.033"};
  const std::vector<std::string>& faults = settings.faults.empty() ? tenth : settings.faults;
  std::vector<double> clean_rates, ratios, client_us;
  for (int round = 0; round < settings.rounds; ++round) {
    const Measured clean = measure(settings, {});
    show("clean", clean);
    const Measured faulty = measure(settings, faults);
    show("faulty", faulty);
    clean_rates.push_back(clean.per_second);
    client_us.push_back(clean.client_us);
    ratios.push_back(faulty.per_second / clean.per_second);
  }
  const double peak_mb = static_cast<double>(base::peak_resident_bytes()) / 1e6;
  std::printf(
      "{\"bench\":\"llm\",\"calls\":%d,\"in_flight\":%d,\"latency_ms\":%.0f,\"per_second\":%.0f,"
      "\"client_us\":%.0f,\"faulty_to_clean\":%.3f,\"peak_mb\":%.0f}\n",
      settings.calls, settings.in_flight, settings.latency_ms, bench::median(clean_rates),
      bench::median(client_us), bench::median(ratios), peak_mb);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings settings;
    return parse(argc, argv, settings) ? run(settings) : 2;
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_llm: %s\n", error.what());
    return 1;
  }
}
