// Scenes a second on one thread, with and without the degrade step; or, with --sheet FILE.png, a sheet of
// scenes to look at.
//
//   bench_scenes [--scenes N] [--sheet FILE.png [--split NAME] [--first I] [--classes N] [--windows]
//   [--boxes] ...]
#include <moonbeam/error.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "data/scenes/atlas.h"
#include "data/scenes/scene.h"

namespace {

using namespace moonbeam;
using namespace moonbeam::data;

struct Arguments {
  int scenes = 2000;
  std::string sheet;
  SceneKey key{1, Split::kTrain, 0};
  SceneOptions options;
  bool windows = false, boxes = false;
  int columns = 6, rows = 4;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

bool parse(int argc, char** argv, Arguments& a) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--windows") {
      a.windows = true;
    } else if (flag == "--boxes") {
      a.boxes = true;
    } else if (flag == "--occlusion") {
      a.options.occlusion = true;
      a.options.max_objects = 12;
    } else if (flag == "--reading") {
      a.options.reading = true;
    } else if (flag == "--clean") {
      a.options.degrade = false;
    } else if (i + 1 == argc) {
      return false;
    } else {
      const std::string value = argv[++i];
      if (flag == "--scenes")
        a.scenes = std::atoi(value.c_str());
      else if (flag == "--sheet")
        a.sheet = value;
      else if (flag == "--split")
        a.key.split = find_split(value).value_or(Split::kTrain);
      else if (flag == "--first")
        a.key.index = std::strtoull(value.c_str(), nullptr, 10);
      else if (flag == "--classes")
        a.options.classes = std::atoi(value.c_str());
      else if (flag == "--clutter")
        a.options.clutter = std::strtof(value.c_str(), nullptr);
      else if (flag == "--side")
        a.options.height = a.options.width = std::atoi(value.c_str());
      else if (flag == "--columns")
        a.columns = std::atoi(value.c_str());
      else if (flag == "--rows")
        a.rows = std::atoi(value.c_str());
      else
        return false;
    }
  }
  return true;
}

Scene render(const Arguments& a, std::uint64_t index, const Atlas& atlas, const LabelTable& labels) {
  const SceneKey key{a.key.seed, a.key.split, a.key.index + index};
  if (!a.windows) return render_scene(key, a.options, atlas, labels);
  WindowOptions window;
  window.classes = a.options.classes;
  window.clutter = a.options.clutter;
  return render_window(key, window, atlas, labels);
}

void paste(const Scene& scene, bool boxes, int left, int top, Image& sheet) {
  Image picture = scene.image;
  if (boxes) {
    for (const SceneObject& object : scene.objects) {
      const auto dot = [&](int x, int y) {
        std::uint8_t* p = &picture.pixels[static_cast<std::size_t>((y * picture.width + x) * 3)];
        p[0] = 255;
        p[1] = 0;
        p[2] = 255;
      };
      for (int x = object.box.x_min; x < object.box.x_max; ++x) {
        dot(x, object.box.y_min);
        dot(x, object.box.y_max - 1);
      }
      for (int y = object.box.y_min; y < object.box.y_max; ++y) {
        dot(object.box.x_min, y);
        dot(object.box.x_max - 1, y);
      }
    }
  }
  for (int y = 0; y < picture.height; ++y) {
    std::copy_n(&picture.pixels[static_cast<std::size_t>(y * picture.width * 3)], picture.width * 3,
                &sheet.pixels[static_cast<std::size_t>(((top + y) * sheet.width + left) * 3)]);
  }
}

void write_sheet(const Arguments& a, const Atlas& atlas, const LabelTable& labels) {
  const int side = a.windows ? WindowOptions{}.side : a.options.width, cell = side + 4;
  Image sheet{a.rows * cell, a.columns * cell, {}};
  sheet.pixels.assign(static_cast<std::size_t>(sheet.height * sheet.width * 3), 255);
  for (int i = 0; i < a.rows * a.columns; ++i) {
    const Scene scene = render(a, static_cast<std::uint64_t>(i), atlas, labels);
    paste(scene, a.boxes, i % a.columns * cell + 2, i / a.columns * cell + 2, sheet);
    std::string line = std::to_string(i) + ":";
    for (const SceneObject& object : scene.objects) {
      line += ' ';
      if (object.colour) line += std::string(name(*object.colour)) + ' ';
      line += labels[object.label].noun + (object.text.empty() ? "" : " \"" + object.text + "\"") + ",";
    }
    std::printf("%s %s\n", line.c_str(), scene.background.c_str());
  }
  save_png(sheet, a.sheet);
}

void measure(const char* what, const Arguments& a, const Atlas& atlas, const LabelTable& labels) {
  for (int i = 0; i < 200; ++i) render(a, static_cast<std::uint64_t>(i), atlas, labels);
  std::vector<double> rates;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = cpu_seconds();
    for (int i = 0; i < a.scenes / 5; ++i) render(a, static_cast<std::uint64_t>(i), atlas, labels);
    rates.push_back(a.scenes / 5 / (cpu_seconds() - start));
  }
  std::sort(rates.begin(), rates.end());
  std::printf("{\"figure\":\"%s\",\"threads\":1,\"unit\":\"1/s\",\"rate\":%.0f}\n", what,
              rates[rates.size() / 2]);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr, "usage: bench_scenes [--scenes N] [--sheet FILE.png ...]\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = find_data_folder();
    const LabelTable labels = LabelTable::load(folder / "labels.tsv");
    const Atlas atlas = std::filesystem::exists(folder / "atlas.tar") ? Atlas::load(folder, labels) : Atlas();
    if (!arguments.sheet.empty()) {
      write_sheet(arguments, atlas, labels);
      return 0;
    }
    arguments.options.degrade = false;
    measure("scenes_clean", arguments, atlas, labels);
    arguments.options.degrade = true;
    measure("scenes_degraded", arguments, atlas, labels);
    arguments.windows = true;
    arguments.scenes *= 4;
    measure("windows", arguments, atlas, labels);
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_scenes: %s\n", error.what());
    return 1;
  }
}
