#include "data/llm/dialects.h"

#include "base/file.h"
#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

Json read_table(const std::string& file) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  try {
    if (std::optional<Json> table = parse_bounded(base::read_file(file, kMost));
        table && table->is_object()) {
      return std::move(*table);
    }
  } catch (const std::exception&) {  // not there yet
  }
  return Json::object();
}

}  // namespace

std::optional<Dialect> remembered_dialect(const std::string& file, const std::string& url) {
  if (file.empty()) return std::nullopt;
  const Json table = read_table(file);
  const auto found = table.find(url);
  if (found == table.end() || !found->is_string()) return std::nullopt;
  return find_dialect(found->get<std::string>());
}

void remember_dialect(const std::string& file, const std::string& url, Dialect dialect) {
  if (file.empty()) return;
  Json table = read_table(file);
  table[url] = dialect_name(dialect);
  base::AtomicFile out(file);
  out.write(table.dump(1) + "\n");
  out.commit();
}

}  // namespace moonbeam::llm
