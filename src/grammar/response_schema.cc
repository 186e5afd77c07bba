#include "grammar/response_schema.h"

namespace moonbeam {

namespace {

using grammar::Grammar;
using grammar::Node;

// More would push the question out of a small model's sight.
constexpr std::size_t kMaxKeys = 32;

/// Names of the properties of the first object among the alternatives or, `levels` deep, the items of arrays.
std::string outermost_keys(const Grammar& grammar, std::uint32_t value, int levels) {
  for (const std::uint32_t i : grammar.values[value]) {
    const Node& node = grammar.nodes[i];
    if (node.kind == Node::Kind::kArray && node.value != Node::kNone && levels > 0) {
      std::string inner = outermost_keys(grammar, node.value, levels - 1);
      if (!inner.empty()) return inner;
    }
    if (node.kind != Node::Kind::kObject) continue;
    std::string out;
    const std::vector<std::string>& names = grammar.tries[node.trie].texts;
    for (std::size_t k = 0; k < names.size() && k < kMaxKeys; ++k) out += (k > 0 ? ", " : "") + names[k];
    if (!out.empty()) return out;
  }
  return {};
}

ResponseSchema of(Grammar made) {
  auto grammar = std::make_shared<const Grammar>(std::move(made));
  std::string keys = outermost_keys(*grammar, grammar->root, 1);
  return ResponseSchema(std::make_shared<const ResponseSchema::Impl>(
      ResponseSchema::Impl{.grammar = std::move(grammar), .keys = std::move(keys)}));
}

}  // namespace

ResponseSchema ResponseSchema::parse(std::string_view schema) {
  return of(grammar::compile(grammar::parse_schema(schema)));
}

ResponseSchema ResponseSchema::json_object() {
  return of(grammar::compile_json_object());
}

const std::string& ResponseSchema::keys() const noexcept {
  return impl_->keys;
}

}  // namespace moonbeam
