// The library's version and the commit it was built from; CMakeLists.txt and write_commit.cmake supply both.
#include <moonbeam/version.h>

namespace moonbeam {

static_assert(kVersionMajor == MOONBEAM_PROJECT_MAJOR && kVersionMinor == MOONBEAM_PROJECT_MINOR &&
                  kVersionPatch == MOONBEAM_PROJECT_PATCH,
              "moonbeam/version.h and project() in CMakeLists.txt name different versions");

const char* version() noexcept {
  return MOONBEAM_PROJECT_VERSION;
}

const char* commit() noexcept {
  return
#include "commit.inc"
      ;
}

}  // namespace moonbeam
