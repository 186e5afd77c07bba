#include "model/recipe.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace moonbeam::model {

namespace {

// The embedding table is read a row at a time, so it keeps its rows. Patches and coordinates are under 0.2 %
// of the work and decide much. In int4 the first text block and attention in the next three lose most for
// their size: docs/modes.md has the figures.
constexpr std::string_view kBF16Recipe = R"(text.wte keep
* bf16
)";
constexpr std::string_view kInt8Recipe = R"(text.wte q8_0
vision.patch_emb.weight bf16
region.* bf16
* int8
)";
constexpr std::string_view kInt4Recipe = R"(text.wte q8_0
vision.patch_emb.weight bf16
region.* bf16
text.blocks.0.* int8
text.blocks.1.attn.* int8
text.blocks.2.attn.* int8
text.blocks.3.attn.* int8
text.blocks.* int4
* int8
)";

struct TypeName {
  std::string_view name;
  std::optional<tensor::DType> type;
};
constexpr TypeName kTypeNames[] = {{"keep", std::nullopt},
                                   {"bf16", tensor::DType::kBF16Packed},
                                   {"int8", tensor::DType::kInt8},
                                   {"int4", tensor::DType::kInt4},
                                   {"q8_0", tensor::DType::kQ8_0}};
constexpr std::string_view kByRows = "text.wte";  // the one matrix whose rows are looked up

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Recipe::Rule parse_rule(std::string_view line, const std::string& where) {
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view word =
      space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
  const std::string_view pattern = line.substr(0, space);
  for (const TypeName& type : kTypeNames) {
    if (type.name != word) continue;
    if (type.type == tensor::DType::kQ8_0 && pattern != kByRows) {
      base::fail(ErrorCode::kInvalidArgument, where, ": q8_0 is a type for ", kByRows, " alone, got '",
                 base::printable(pattern), "'");
    }
    return {std::string(pattern), type.type};
  }
  base::fail(ErrorCode::kInvalidArgument, where,
             ": expected a pattern and one of keep, bf16, int8, int4, q8_0, got '", base::printable(line),
             "'");
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) noexcept {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= name.size(); ++at) {
    if (matches(rest, name.substr(at))) return true;
  }
  return false;
}

std::optional<tensor::DType> Recipe::type_of(std::string_view tensor) const {
  for (const Rule& rule : rules) {
    if (matches(rule.pattern, tensor)) return rule.type;
  }
  return std::nullopt;
}

Recipe parse_recipe(std::string_view text, const std::string& name) {
  Recipe recipe;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = trim(line.substr(0, line.find('#')));
    if (!line.empty()) recipe.rules.push_back(parse_rule(line, base::cat(name, ": line ", number)));
  }
  return recipe;
}

std::vector<std::string> idle_patterns(const Recipe& recipe, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const Recipe::Rule& rule : recipe.rules) {
    const bool fits = std::any_of(names.begin(), names.end(),
                                  [&](const std::string& name) { return matches(rule.pattern, name); });
    if (!fits) out.push_back(rule.pattern);
  }
  return out;
}

std::string_view built_in_recipe(Mode mode) {
  if (mode == Mode::kBF16) return kBF16Recipe;
  if (mode == Mode::kInt8) return kInt8Recipe;
  return mode == Mode::kInt4 ? kInt4Recipe : std::string_view();
}

}  // namespace moonbeam::model
