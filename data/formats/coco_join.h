// Pictures with all that COCO's files say about them, by rising picture ids. Annotations may stand anywhere
// in their files, before their pictures too: what was read is sorted by picture in bounded memory, beyond
// which it goes to temporary files of about the size of the annotations.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/formats/coco.h"
#include "data/formats/spill_sort.h"

namespace moonbeam::data {

struct CocoFiles {
  std::vector<std::string> instances, captions, panoptic;  ///< pictures are those of all of them
};

struct CocoJoinOptions {
  SpillOptions spill;
  bool masks = true;
  std::size_t most_of_picture = std::size_t{32} << 20;  ///< bytes; a picture with more is refused
};

/// By id; files have to agree on the names of those that they share.
using CocoCategories = std::map<std::int64_t, CocoCategory>;

struct CocoGroup {
  CocoPicture picture;
  std::string where;                    ///< "instances.json: image 17"
  std::vector<CocoInstance> instances;  ///< each kind in the order of the files
  std::vector<CocoCaption> captions;
  std::vector<CocoPanoptic> panoptic;
};

/// Every annotation belongs to a picture and a category of the files, touches its picture, and is the first
/// of its id in its file; others are refused as `reading` says, as are pictures of an id that was there.
/// @throws Error as each_row, and kExhausted where the disk is full.
void join_coco(const CocoFiles& files, const CocoJoinOptions& options,
               const std::function<void(const CocoGroup& group, const CocoCategories& categories)>& use,
               Reading& reading);

}  // namespace moonbeam::data
