// Boxes of records: what every format of absolute pixels asks of them.
#pragma once

#include "data/formats/json_row.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

/// [x, y, width, height]. @throws RecordError kBadBox (no four finite numbers, a negative side, a number that
/// no picture has).
XywhBox box_of(const JsonRow& row, const char* key);
/// Of four members. @throws RecordError kMissingKey, kBadBox.
XywhBox box_of(const JsonRow& row, const char* x, const char* y, const char* width, const char* height);

}  // namespace moonbeam::data
