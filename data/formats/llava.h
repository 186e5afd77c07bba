// LLaVA's conversations (data.md 2.19): an array of rows with a picture or none, and turns of people and the
// model, who speak one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/formats/byte_source.h"
#include "data/formats/canonical.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

struct LlavaTurn {
  std::string question;  ///< without the mark of the picture; empty in a first turn of the picture alone
  std::string answer;
  std::string where;  ///< "llava.json: row 3: conversations 1", for messages
};

struct LlavaRow {
  std::string id;                      ///< empty where there is none
  std::optional<std::string> picture;  ///< its file
  std::vector<LlavaTurn> turns;        ///< one at least
};

/// Rows of an array, or one a line; what a system says is left out. `where` names the row.
/// @throws Error as each_row.
using UseLlava = std::function<void(const LlavaRow& row, const std::string& where)>;
void read_llava(ByteSource& source, const UseLlava& use, Reading& reading);
void read_llava_lines(ByteSource& source, const UseLlava& use, Reading& reading);
/// One that was read as something else. @throws RecordError
LlavaRow llava_row(const JsonRow& row);

/// A file appears when commit() was called; equal rows give equal bytes.
class LlavaWriter {
 public:
  explicit LlavaWriter(const std::string& path);
  /// @throws Error kInvalidArgument (no turns, text that is no UTF-8), kExhausted (disk full).
  void add(const LlavaRow& row);
  void commit();

 private:
  base::AtomicFile file_;
  bool first_ = true;
};

/// The sample of a row with a picture; of a first turn without a question, a caption. Answers after an
/// instruction to be brief are of style "short".
CanonicalSample canonical_of(const LlavaRow& row);

}  // namespace moonbeam::data
