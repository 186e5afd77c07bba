#include "cli/remote/key.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <fstream>

#include "cli/config.h"
#include "cli/text.h"

namespace moonbeam::cli {

std::string api_key(const RemoteArgs& args) {
  std::string key = args.key;
  if (key.empty() && !args.key_file.empty()) {
    std::ifstream file(args.key_file);
    if (!std::getline(file, key)) {
      throw Error(ErrorCode::kNotFound,
                  "--api-key-file " + printable(args.key_file) + ": no key can be read there");
    }
    key = trim(key);
  }
  for (const char* name : {"MOONBEAM_API_KEY", "MOONDREAM_API_KEY"}) {
    if (key.empty()) key = process_environment(name).value_or("");
  }
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!plain)
    throw Error(ErrorCode::kInvalidArgument, "the API key: expected visible ASCII characters alone");
  return key;
}

}  // namespace moonbeam::cli
