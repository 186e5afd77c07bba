// Reads an annotation file of COCO that is as large as wanted and prints time and peak memory, each
// measurement in a process of its own: records in the order of the file, and pictures with what belongs to
// them.
//
//   bench_formats [--bytes N] [--folder DIR]        1 GB, /tmp
#include <moonbeam/error.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "data/formats/coco_join.h"

namespace {

using namespace moonbeam;
using namespace moonbeam::data;
using base::cat;

/// As COCO's: outlines of a few dozen corners, annotations in no order and before their pictures.
void write_instances(const std::string& path, std::uint64_t bytes) {
  base::AtomicFile file(path);
  std::mt19937_64 random(1);
  const auto pictures = static_cast<std::uint64_t>(bytes / 6000 + 1);
  file.write("{\"info\":{},\"annotations\":[\n");
  for (std::uint64_t id = 1; file.position() < bytes - pictures * 100; ++id) {
    std::string ring;
    for (std::uint64_t numbers = 40 + random() % 40 * 2; numbers-- > 0;) {
      ring += cat(ring.empty() ? "" : ",", static_cast<double>(random() % 64000) / 100);
    }
    file.write(cat(id > 1 ? ",\n" : "", "{\"segmentation\":[[", ring, "]],\"area\":", random() % 9000,
                   ",\"iscrowd\":0,\"image_id\":", random() % pictures + 1, ",\"bbox\":[", random() % 600,
                   ".5,", random() % 400, ",30.25,40.75],\"category_id\":", random() % 90 + 1, ",\"id\":", id,
                   "}"));
  }
  file.write("],\n\"images\":[\n");
  for (std::uint64_t id = 1; id <= pictures; ++id) {
    file.write(cat(id > 1 ? ",\n" : "", "{\"license\":1,\"file_name\":\"", id,
                   ".jpg\",\"height\":480,\"width\":640,\"id\":", id, "}"));
  }
  file.write("],\n\"categories\":[");
  for (int id = 1; id <= 90; ++id)
    file.write(cat(id > 1 ? "," : "", "{\"id\":", id, ",\"name\":\"thing ", id, "\"}"));
  file.write("]}\n");
  file.commit();
}

/// Runs it in a child and prints what that took.
bool measure(const char* figure, std::uint64_t bytes, const std::function<Reading()>& work) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    try {
      const auto start = std::chrono::steady_clock::now();
      const Reading reading = work();
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      const double cpu =
          static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) * 1e-6 +
          static_cast<double>(usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_stime.tv_usec) * 1e-6;
      std::printf(
          "{\"figure\":\"%s\",\"file_mb\":%.0f,\"records\":%llu,\"refused\":%llu,\"seconds\":%.1f,"
          "\"cpu_seconds\":%.1f,\"peak_mb\":%.1f}\n",
          figure, static_cast<double>(bytes) * 1e-6, static_cast<unsigned long long>(reading.counts.records),
          static_cast<unsigned long long>(reading.counts.refused), seconds, cpu,
          static_cast<double>(usage.ru_maxrss) * 1024e-6);
      std::fflush(stdout);
      _exit(0);
    } catch (const Error& error) {
      std::fprintf(stderr, "bench_formats: %s\n", error.what());
      _exit(1);
    }
  }
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

Reading read_records(const std::string& path) {
  Reading reading(Reading::Bad::kCount);
  ByteSource source(path);
  CocoUse use;
  use.picture = [](const CocoPicture&, const RecordPlace&) {};
  use.category = [](const CocoCategory&, const RecordPlace&) {};
  use.instance = [](const CocoInstance&, const RecordPlace&) {};
  read_coco_instances(source, use, reading);
  return reading;
}

Reading read_pictures(const std::string& path, const std::string& folder) {
  Reading reading(Reading::Bad::kCount);
  CocoJoinOptions options;
  options.spill.folder = folder;
  join_coco(
      {{path}, {}, {}}, options, [](const CocoGroup&, const CocoCategories&) {}, reading);
  return reading;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t bytes = 1'000'000'000;
  std::string folder = "/tmp";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--bytes") bytes = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--folder") folder = argv[i + 1];
  }
  if (argc % 2 == 0 || bytes < 1'000'000) {
    std::fprintf(stderr, "usage: bench_formats [--bytes N] [--folder DIR]   N from 1000000\n");
    return 2;
  }
  const std::string path = cat(folder, "/bench_formats.", getpid(), ".json");
  bool good = false;
  try {
    write_instances(path, bytes);
    good = measure("coco_records", bytes, [&] { return read_records(path); }) &&
           measure("coco_by_picture", bytes, [&] { return read_pictures(path, folder); });
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_formats: %s\n", error.what());
  }
  ::unlink(path.c_str());
  return good ? 0 : 1;
}
