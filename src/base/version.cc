#include <moonbeam/version.h>

namespace moonbeam {

const char* version() noexcept {
  return "0.1.0";
}
const char* commit() noexcept {
  return "unknown";
}

}  // namespace moonbeam
