// Fuzz target: bytes -> TarReader -> samples of a shard -> canonical samples of their json members.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>

#include "data/formats/canonical.h"
#include "data/formats/webdataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  data::Reading reading(data::Reading::Bad::kCount);
  try {
    data::read_shard(
        std::as_bytes(std::span(data, size)), "fuzz",
        [](const data::ShardSample& sample) {
          data::canonical_samples_of(sample.text("json"), sample.where);
        },
        reading);
  } catch (const Error&) {
  }
  return 0;
}
