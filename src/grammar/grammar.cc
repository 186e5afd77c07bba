// Goes down from the root, a level of nesting at a time, and keeps what it has made of each (schema, level).
#include "grammar/grammar.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "formats/json_value.h"

namespace moonbeam::grammar {

namespace {

using base::fail;
using Kind = Schema::Kind;

constexpr std::uint64_t kEndless = std::uint64_t{1} << 40;
// References to references, alternatives in alternatives: more than this within one level is no schema that
// somebody has written.
constexpr int kMaxChain = 64;

std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return std::min(a + b, kEndless);
}

/// Whether some schema contains itself.
class CycleSearch {
 public:
  explicit CycleSearch(const Document& document) : document_(document), state_(document.schemas.size()) {}

  bool run() {
    for (std::size_t i = 0; i < state_.size(); ++i) {
      if (state_[i] == kNew && search(static_cast<int>(i))) return true;
    }
    return false;
  }

 private:
  enum State : char { kNew, kOpen, kDone };

  // Depth first with a stack of its own: chains of references may be long.
  bool search(int root) {
    std::vector<std::pair<int, std::size_t>> stack{{root, 0}};
    state_[static_cast<std::size_t>(root)] = kOpen;
    while (!stack.empty()) {
      auto& [schema, next] = stack.back();
      const Schema& from = document_.schemas[static_cast<std::size_t>(schema)];
      if (next == from.parts.size() + from.properties.size()) {
        state_[static_cast<std::size_t>(schema)] = kDone;
        stack.pop_back();
        continue;
      }
      const std::size_t at = next++;
      const int to = at < from.parts.size() ? from.parts[at] : from.properties[at - from.parts.size()].schema;
      State& state = state_[static_cast<std::size_t>(to)];
      if (state == kOpen) return true;
      if (state == kDone) continue;
      state = kOpen;
      stack.emplace_back(to, 0);
    }
    return false;
  }

  const Document& document_;
  std::vector<State> state_;
};

class Compiler {
 public:
  explicit Compiler(const Document& document)
      : document_(document),
        recursive_(CycleSearch(document).run()),
        made_(document.schemas.size() * kLevels),
        scalars_(document.schemas.size()) {
    grammar_.map_name = scalar({.kind = Kind::kString, .place = {}});
  }

  Grammar run() {
    const Nodes nodes = alternatives(0, 0, 0);
    if (nodes.empty()) {
      fail(ErrorCode::kInvalidArgument, "schema: no answer of at most ", kMaxNesting, " levels fits it");
    }
    grammar_.root = value(nodes);
    return std::move(grammar_);
  }

 private:
  using Nodes = std::vector<std::uint32_t>;
  static constexpr std::size_t kLevels = kMaxNesting + 1;
  struct Made {
    enum { kNew, kOpen, kDone } state = kNew;
    Nodes nodes = {};
  };

  // Nodes for a schema below `level` objects and arrays; none if nothing fits.
  Nodes alternatives(int schema, int level, int chain) {
    Made& made = made_[static_cast<std::size_t>(schema) * kLevels + static_cast<std::size_t>(level)];
    if (made.state == Made::kDone) return made.nodes;
    // A schema that is its own alternative adds nothing to itself.
    if (made.state == Made::kOpen) return {};
    const Schema& from = document_.schemas[static_cast<std::size_t>(schema)];
    if (chain > kMaxChain) {
      fail(ErrorCode::kUnsupported, "schema: ", shown(from.place), ": more than ", kMaxChain,
           " references in a row");
    }
    made.state = Made::kOpen;
    made.nodes = make(schema, from, level, chain);
    made.state = Made::kDone;
    return made.nodes;
  }

  Nodes make(int schema, const Schema& from, int level, int chain) {
    switch (from.kind) {
      case Kind::kNothing:
        return {};
      case Kind::kAny:
        return any_value(level);
      case Kind::kAnyOf:
        return any_of(from, level, chain);
      case Kind::kObject:
      case Kind::kMap:
      case Kind::kArray:
        if (level < kMaxNesting) return container(from, level);
        if (!recursive_) {
          fail(ErrorCode::kUnsupported, "schema: ", shown(from.place),
               ": objects and arrays inside each other: expected at most ", kMaxNesting, " levels");
        }
        return {};
      default: {
        std::optional<std::uint32_t>& node = scalars_[static_cast<std::size_t>(schema)];
        if (!node) node = scalar(from);
        return {*node};
      }
    }
  }

  Nodes any_of(const Schema& from, int level, int chain) {
    Nodes out;
    for (const int part : from.parts) {
      for (const std::uint32_t node : alternatives(part, level, chain + 1)) {
        if (std::find(out.begin(), out.end(), node) == out.end()) out.push_back(node);
      }
      if (out.size() > kMaxAlternatives) {
        fail(ErrorCode::kUnsupported, "schema: ", shown(from.place), ": more than ", kMaxAlternatives,
             " alternatives");
      }
    }
    return out;
  }

  Nodes container(const Schema& from, int level) {
    Node node;
    bool possible = true;
    if (from.kind == Kind::kObject) {
      possible = object(from, level, node);
    } else {
      node.kind = from.kind == Kind::kMap ? Node::Kind::kMap : Node::Kind::kArray;
      node.least = from.least;
      node.most = from.most;
      members(alternatives(from.parts[0], level + 1, 0), node);
      possible = node.least <= node.most && (node.least == 0 || node.value != Node::kNone);
    }
    if (!possible) return {};
    check_shortest(node, from);
    return {add_node(std::move(node))};
  }

  // What we may have to write ourselves where a model does not come to an end.
  static void check_shortest(const Node& node, const Schema& from) {
    if (node.shortest <= kMaxShortest) return;
    fail(ErrorCode::kUnsupported, "schema: ", shown(from.place), ": the shortest value has ",
         node.shortest < kEndless ? base::cat(node.shortest) : std::string("far too many"),
         " bytes; expected at most ", kMaxShortest);
  }

  void members(const Nodes& nodes, Node& node) {
    node.shortest = 2;
    if (nodes.empty()) return;
    node.value = value(nodes);
    const std::uint64_t each = grammar_.nodes[grammar_.cheapest(node.value)].shortest + 2;
    if (node.least > 0) node.shortest = add(each * node.least, 0);  // the last has no ", ", but there is "[]"
  }

  // False if a required property cannot be had.
  bool object(const Schema& from, int level, Node& node) {
    node.kind = Node::Kind::kObject;
    node.shortest = 2;
    LiteralTrie names;
    bool first = true;
    for (const Schema::Property& property : from.properties) {
      const Nodes nodes = alternatives(property.schema, level + 1, 0);
      if (nodes.empty() && property.required) return false;
      if (nodes.empty()) continue;
      std::string name = formats::json_quote(property.name);
      const std::uint32_t of = value(nodes);
      if (property.required) {
        const std::uint64_t bytes = name.size() + 2 + (first ? 0 : 2);
        node.shortest = add(node.shortest, bytes + grammar_.nodes[grammar_.cheapest(of)].shortest);
        first = false;
      }
      names.add(std::move(name));
      node.properties.push_back({of, property.required});
    }
    node.trie = add_trie(std::move(names));
    return true;
  }

  std::uint32_t scalar(const Schema& from) {
    Node node;
    switch (from.kind) {
      case Kind::kInteger:
        node.kind = Node::Kind::kInteger;
        node.shortest = 1;
        break;
      case Kind::kNumber:
        node.kind = Node::Kind::kNumber;
        node.shortest = 1;
        break;
      case Kind::kLiterals: {
        LiteralTrie trie;
        node.kind = Node::Kind::kLiterals;
        node.shortest = kEndless;
        for (const std::string& text : from.literals) {
          node.shortest = std::min<std::uint64_t>(node.shortest, text.size());
          trie.add(text);
        }
        node.trie = add_trie(std::move(trie));
        break;
      }
      default:
        node.kind = Node::Kind::kString;
        node.most = from.most;
        node.shortest = 2;
    }
    check_shortest(node, from);
    return add_node(std::move(node));
  }

  // Below `level` objects and arrays. Made once for each level, from the deepest on.
  Nodes any_value(int level) {
    Nodes& out = any_[static_cast<std::size_t>(level)];
    if (!out.empty()) return out;
    for (const Schema& from :
         {Schema{.kind = Kind::kString, .place = {}}, Schema{.kind = Kind::kNumber, .place = {}},
          Schema{.kind = Kind::kLiterals, .place = {}, .literals = {"true", "false", "null"}}}) {
      out.push_back(scalar(from));
    }
    if (level == kMaxNesting) return out;
    const Nodes inner = any_value(level + 1);
    for (const Node::Kind kind : {Node::Kind::kMap, Node::Kind::kArray}) {
      Node node;
      node.kind = kind;
      members(inner, node);
      out.push_back(add_node(std::move(node)));
    }
    return out;
  }

  std::uint32_t value(Nodes nodes) {
    count(nodes.size());
    grammar_.values.push_back(std::move(nodes));
    return static_cast<std::uint32_t>(grammar_.values.size() - 1);
  }

  std::uint32_t add_node(Node node) {
    count(1 + node.properties.size());
    grammar_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(grammar_.nodes.size() - 1);
  }

  std::uint32_t add_trie(LiteralTrie trie) {
    for (const LiteralTrie::Place& place : trie.places) count(1 + place.below.size());
    grammar_.tries.push_back(std::move(trie));
    return static_cast<std::uint32_t>(grammar_.tries.size() - 1);
  }

  void count(std::size_t places) {
    places_ += places;
    if (places_ > kMaxPlaces)
      fail(ErrorCode::kUnsupported, "schema: it is too large: use fewer or shorter names");
  }

  const Document& document_;
  const bool recursive_;
  std::vector<Made> made_;  // [schemas, levels]
  std::vector<std::optional<std::uint32_t>> scalars_;
  Nodes any_[kLevels];
  std::size_t places_ = 0;
  Grammar grammar_;
};

}  // namespace

std::uint32_t LiteralTrie::add(std::string text) {
  const auto index = static_cast<std::uint32_t>(texts.size());
  std::vector<std::uint32_t> path{0};
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    const auto& next = places[path.back()].next;
    const auto found =
        std::find_if(next.begin(), next.end(), [&](const auto& to) { return to.first == byte; });
    if (found != next.end()) {
      path.push_back(found->second);
      continue;
    }
    const auto place = static_cast<std::uint32_t>(places.size());
    places[path.back()].next.emplace_back(byte, place);
    places.emplace_back();
    path.push_back(place);
  }
  Place& end = places[path.back()];
  if (end.literal >= 0) return static_cast<std::uint32_t>(end.literal);
  end.literal = static_cast<int>(index);
  for (const std::uint32_t place : path) places[place].below.push_back(index);
  texts.push_back(std::move(text));
  return index;
}

std::uint32_t Grammar::cheapest(std::uint32_t value) const {
  return *std::min_element(values[value].begin(), values[value].end(), [&](std::uint32_t a, std::uint32_t b) {
    return nodes[a].shortest < nodes[b].shortest;
  });
}

std::uint32_t Grammar::next_required(const Node& object, std::uint32_t from) {
  const auto first = object.properties.begin() + static_cast<std::ptrdiff_t>(from);
  const auto found =
      std::find_if(first, object.properties.end(), [](const Property& p) { return p.required; });
  return static_cast<std::uint32_t>(found - object.properties.begin());
}

Grammar compile(const Document& document) {
  return Compiler(document).run();
}

Grammar compile_json_object() {
  Document document;
  document.schemas.push_back({.kind = Kind::kMap, .place = "#", .parts = {1}});
  document.schemas.push_back({.kind = Kind::kAny, .place = "#"});
  return compile(document);
}

}  // namespace moonbeam::grammar
