// Fuzz target: text -> parse_schema() -> compile() -> a text that the rest of the input chooses -> its end,
// which must be a complete one.
#include <moonbeam/error.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "grammar/automaton.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // Behind a NUL, which no schema holds: the bytes of an answer.
  const std::size_t end = text.find('\0');
  const std::string_view bytes = end < text.size() ? text.substr(end + 1) : std::string_view();
  std::shared_ptr<const grammar::Grammar> made;
  try {
    made = std::make_shared<const grammar::Grammar>(
        grammar::compile(grammar::parse_schema(text.substr(0, end))));
  } catch (const Error&) {
    return 0;  // what it is for
  }
  // No catch: whatever was accepted can be completed from any place.
  grammar::Automaton automaton(made);
  grammar::Automaton::State state = automaton.start();
  for (const char byte : bytes) {
    const grammar::Automaton::State next = automaton.step(state, static_cast<std::uint8_t>(byte));
    if (next != grammar::Automaton::kDead) state = next;
  }
  for (int i = 0; i < 16 && automaton.inside_unit(state); ++i) {
    for (const char byte : {'0', 'd', 'c', '\\', 'u', '\x80', '\xa0', '\x90'}) {
      const grammar::Automaton::State next = automaton.step(state, static_cast<std::uint8_t>(byte));
      if (next == grammar::Automaton::kDead) continue;
      state = next;
      break;
    }
  }
  const grammar::Automaton::State whole = automaton.run(state, automaton.completion(state));
  if (whole == grammar::Automaton::kDead || !automaton.complete(whole)) __builtin_trap();
  return 0;
}
