#include "data/formats/coco_mask.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace moonbeam::data {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const JsonRow& row, std::string_view what) {
  row.fail_with(Reason::kBadMask, base::cat("segmentation: ", what));
}

CocoPolygons polygons_of(const JsonRow& row, const json& rings) {
  constexpr double kFurthest = 1e6;
  CocoPolygons out;
  for (const json& ring : rings) {
    if (!ring.is_array()) refuse(row, "expected a list of rings, each a list of numbers");
    if (ring.size() < 6 || ring.size() % 2 != 0) {
      refuse(row, base::cat("expected rings of three corners or more, got ", ring.size(), " numbers"));
    }
    out.emplace_back();
    out.back().reserve(ring.size());
    for (const json& value : ring) {
      if (!value.is_number() || !(std::abs(value.get<double>()) <= kFurthest)) {
        refuse(row, base::cat("expected a coordinate, got ", json_in_short(&value)));
      }
      out.back().push_back(value.get<double>());
    }
  }
  return out;
}

std::vector<std::uint32_t> runs_of(const JsonRow& row, const json& counts) {
  if (counts.is_string()) return decompress_runs(counts.get_ref<const std::string&>());
  if (!counts.is_array()) refuse(row, "expected counts as a list or a string");
  std::vector<std::uint32_t> runs;
  runs.reserve(counts.size());
  for (const json& run : counts) {
    if (!run.is_number_unsigned() || run.get<std::uint64_t>() > UINT32_MAX) {
      refuse(row, base::cat("expected counts of pixels, got ", json_in_short(&run)));
    }
    runs.push_back(run.get<std::uint32_t>());
  }
  return runs;
}

RunMask mask_of_runs(const JsonRow& row, const json& runs) {
  const auto size = runs.find("size"), counts = runs.find("counts");
  if (size == runs.end() || counts == runs.end() || !size->is_array() || size->size() != 2 ||
      !(*size)[0].is_number_integer() || !(*size)[1].is_number_integer()) {
    refuse(row, "expected outlines, or 'size' of a height and a width and 'counts'");
  }
  try {
    return checked_mask((*size)[0], (*size)[1], runs_of(row, *counts));
  } catch (const RecordError&) {
    throw;
  } catch (const Error& error) {
    refuse(row, error.what());
  }
}

}  // namespace

CocoMask coco_mask_of(const JsonRow& row) {
  if (!row.has("segmentation")) return {};
  const json& value = row.value()["segmentation"];
  if (value.is_object()) return mask_of_runs(row, value);
  if (!value.is_array()) refuse(row, base::cat("expected outlines or runs, got ", json_in_short(&value)));
  if (value.empty()) return {};
  return polygons_of(row, value);
}

RunMask mask_of(const CocoMask& mask, int height, int width) {
  if (const auto* rings = std::get_if<CocoPolygons>(&mask)) return polygon_mask(*rings, height, width);
  if (const auto* runs = std::get_if<RunMask>(&mask)) {
    if (runs->height == height && runs->width == width) return *runs;
    throw Error(ErrorCode::kCorrupt, base::cat("mask: expected one of ", height, "x", width, " pixels, got ",
                                               runs->height, "x", runs->width));
  }
  return {height, width, {static_cast<std::uint32_t>(height) * static_cast<std::uint32_t>(width)}};
}

}  // namespace moonbeam::data
