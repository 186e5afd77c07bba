// Fuzz target: the first byte chooses a reader of annotations, the rest is its file. Bad records are counted;
// a sample that was taken has to come back from what is written of it.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "data/formats/canonical.h"
#include "data/formats/coco.h"
#include "data/formats/coco_results.h"
#include "data/formats/json_rows.h"
#include "data/formats/llava.h"
#include "data/formats/narratives.h"
#include "data/formats/refcoco.h"
#include "data/formats/visual_genome.h"

namespace {

using namespace moonbeam::data;

void check_canonical(const CanonicalSample& sample) {
  const std::string written = canonical_line(sample);
  if (canonical_line(canonical_samples_of(written, "written").at(0)) != written) __builtin_trap();
}

void read(int reader, ByteSource& source, Reading& reading) {
  CocoUse coco;
  coco.picture = [](const CocoPicture&, const RecordPlace&) {};
  coco.category = [](const CocoCategory&, const RecordPlace&) {};
  coco.instance = [](const CocoInstance&, const RecordPlace&) {};
  coco.caption = [](const CocoCaption&, const RecordPlace&) {};
  coco.panoptic = [](const CocoPanoptic&, const RecordPlace&) {};
  switch (reader) {
    case 0:
      return read_coco_instances(source, coco, reading);
    case 1:
      return read_coco_captions(source, coco, reading);
    case 2:
      return read_coco_panoptic(source, coco, reading);
    case 3:
      return read_narratives(
          source, [](const Narrative& one, std::uint64_t) { one.coco_picture(); }, reading);
    case 4:
      return read_refcoco(
          source, [](const RefExpression&, std::uint64_t) {}, reading);
    case 5:
      return read_vg_objects(
          source, [](const VgObjects&) {}, reading);
    case 6:
      return read_llava(
          source, [](const LlavaRow& row, const std::string&) { canonical_of(row); }, reading);
    case 7:
      return read_canonical(
          source, [](const CanonicalSample& one, std::uint64_t) { check_canonical(one); }, reading);
    case 8:
      return read_vg_relationships(
          source, [](const VgRelationships&) {}, reading);
    case 9:
      return read_vg_regions(
          source, [](const VgRegions&) {}, reading);
    case 10:
      return read_coco_detections(
          source, [](const CocoDetection&) {}, reading);
    default:
      guess_kind(source);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ByteSource source(text, "fuzz");
  Reading reading(Reading::Bad::kCount);
  try {
    read(data[0] % 12, source, reading);
  } catch (const moonbeam::Error&) {
  }
  return 0;
}
