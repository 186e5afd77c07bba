#include "cli/remote/key.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <vector>

#include "cli/config.h"
#include "cli/serve_args.h"
#include "cli/text.h"
#include "server/http/guard.h"

namespace moonbeam::cli {

std::string api_key(const RemoteArgs& args) {
  // A server's own settings bear these names and may hold several keys: any of them opens it.
  const std::vector<std::string> typed = parts_of({args.key});
  std::string key = typed.empty() ? std::string() : typed.front();
  if (key.empty() && !args.key_file.empty()) {
    key = server::first_key_in_file(args.key_file);
    if (key.empty())
      throw Error(ErrorCode::kNotFound, "--api-key-file " + printable(args.key_file) + ": no key in it");
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
