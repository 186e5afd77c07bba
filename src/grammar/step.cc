#include "grammar/step.h"

#include <algorithm>

namespace moonbeam::grammar {

namespace {

constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

bool between(std::uint8_t byte, int low, int high) {
  return byte >= low && byte <= high;
}
bool is_digit(std::uint8_t byte) {
  return between(byte, '0', '9');
}
bool is_hex(std::uint8_t byte) {
  return is_digit(byte) || between(byte, 'a', 'f') || between(byte, 'A', 'F');
}

// --- Strings -----------------------------------------------------------------------------------------------

std::uint32_t lead_byte(std::uint8_t byte) {
  if (byte < 0x80) return byte >= 0x20 ? kCharacter : kNowhere;
  if (between(byte, 0xC2, 0xDF)) return kOneLeft;
  if (byte == 0xE0) return kAfterE0;
  if (byte == 0xED) return kAfterED;
  if (between(byte, 0xE1, 0xEF)) return kTwoLeft;
  if (byte == 0xF0) return kAfterF0;
  if (between(byte, 0xF1, 0xF3)) return kThreeLeft;
  return byte == 0xF4 ? kAfterF4 : kNowhere;
}

std::uint32_t escape_byte(std::uint8_t byte) {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  if (byte == 'u') return kHex1;
  return kShort.find(static_cast<char>(byte)) != std::string_view::npos ? kCharacter : kNowhere;
}

// Second digit behind "\uD": D800 to DBFF begin a pair, DC00 to DFFF do not stand alone.
std::uint32_t after_d(std::uint8_t byte) {
  if (between(byte, '0', '7')) return kHex3;
  return byte == '8' || byte == '9' || between(byte, 'a', 'b') || between(byte, 'A', 'B') ? kHigh3 : kNowhere;
}

std::uint32_t inside_unit(std::uint32_t phase, std::uint8_t byte) {
  const auto when = [](bool fits, std::uint32_t then) { return fits ? then : kNowhere; };
  switch (phase) {
    case kOneLeft:
      return when(between(byte, 0x80, 0xBF), kCharacter);
    case kTwoLeft:
      return when(between(byte, 0x80, 0xBF), kOneLeft);
    case kThreeLeft:
      return when(between(byte, 0x80, 0xBF), kTwoLeft);
    case kAfterE0:
      return when(between(byte, 0xA0, 0xBF), kOneLeft);
    case kAfterED:
      return when(between(byte, 0x80, 0x9F), kOneLeft);
    case kAfterF0:
      return when(between(byte, 0x90, 0xBF), kTwoLeft);
    case kAfterF4:
      return when(between(byte, 0x80, 0x8F), kTwoLeft);
    case kEscape:
      return escape_byte(byte);
    case kHex1:
      return byte == 'd' || byte == 'D' ? std::uint32_t{kHexAfterD} : when(is_hex(byte), kHex2);
    case kHexAfterD:
      return after_d(byte);
    case kHex2:
      return when(is_hex(byte), kHex3);
    case kHex3:
      return when(is_hex(byte), kHex4);
    case kHigh3:
      return when(is_hex(byte), kHigh4);
    case kHigh4:
      return when(is_hex(byte), kLowBackslash);
    case kLowBackslash:
      return when(byte == '\\', kLowU);
    case kLowU:
      return when(byte == 'u', kLow1);
    case kLow1:
      return when(byte == 'd' || byte == 'D', kLow2);
    case kLow2:
      return when(between(byte, 'c', 'f') || between(byte, 'C', 'F'), kLow3);
    case kLow3:
      return when(is_hex(byte), kHex4);
    case kHex4:
      return when(is_hex(byte), kCharacter);
    default:
      return kNowhere;
  }
}

enum class Took { kNo, kYes, kClosed };

// `count` is how many characters may still begin.
Took take_string(Frame& frame, std::uint8_t byte) {
  if (frame.phase == kQuote) {
    frame.phase = kCharacter;
    return byte == '"' ? Took::kYes : Took::kNo;
  }
  if (frame.phase != kCharacter) {
    frame.phase = inside_unit(frame.phase, byte);
    return frame.phase != kNowhere ? Took::kYes : Took::kNo;
  }
  if (byte == '"') return Took::kClosed;
  if (frame.count == 0) return Took::kNo;
  if (frame.count != kNoLimit) --frame.count;
  frame.phase = byte == '\\' ? std::uint32_t{kEscape} : lead_byte(byte);
  return frame.phase != kNowhere ? Took::kYes : Took::kNo;
}

// --- Numbers -----------------------------------------------------------------------------------------------

bool take_digit(Frame& frame, std::uint8_t byte, std::uint32_t phase, std::uint32_t most) {
  if (!is_digit(byte)) return false;
  frame.count = frame.phase == phase ? frame.count + 1 : 1;
  frame.phase = phase;
  return frame.count <= most;
}

// What follows a whole number that is not an integer.
bool take_point(Frame& frame, std::uint8_t byte, bool point_allowed) {
  const bool exponent = byte == 'e' || byte == 'E';
  if (!exponent && !(byte == '.' && point_allowed)) return false;
  frame.phase = exponent ? kExponent : kPoint;
  frame.count = 0;
  return true;
}

bool take_number(Frame& frame, std::uint8_t byte, bool integer) {
  switch (frame.phase) {
    case kNumberStart:
      if (byte == '-') {
        frame.phase = kMinus;
        return true;
      }
      [[fallthrough]];
    case kMinus:
      if (byte == '0') {
        frame.phase = kZero;
        return true;
      }
      return take_digit(frame, byte, kWhole, kWholeDigits);
    case kZero:
      return !integer && take_point(frame, byte, true);
    case kWhole:
      return take_digit(frame, byte, kWhole, kWholeDigits) || (!integer && take_point(frame, byte, true));
    case kPoint:
      return take_digit(frame, byte, kFraction, kFractionDigits);
    case kFraction:
      return take_digit(frame, byte, kFraction, kFractionDigits) || take_point(frame, byte, false);
    case kExponent:
      if (byte == '+' || byte == '-') {
        frame.phase = kExponentSign;
        return true;
      }
      [[fallthrough]];
    default:
      return take_digit(frame, byte, kExponentDigits, kExponentDigitsMost);
  }
}

bool number_may_end(std::uint32_t phase) {
  return phase == kZero || phase == kWhole || phase == kFraction || phase == kExponentDigits;
}

// --- Literals and names ------------------------------------------------------------------------------------

std::uint32_t trie_step(const LiteralTrie& trie, std::uint32_t at, std::uint8_t byte) {
  for (const auto& [next, place] : trie.places[at].next) {
    if (next == byte) return place;
  }
  return kNowhere;
}

// --- Objects, maps, arrays ---------------------------------------------------------------------------------

class Container {
 public:
  Container(const Grammar& grammar, Stack& stack, std::uint8_t byte, std::vector<Stack>& out)
      : grammar_(grammar),
        stack_(stack),
        byte_(byte),
        out_(out),
        frame_(stack.top()),
        node_(grammar.nodes[frame_.node]),
        object_(node_.kind == Node::Kind::kObject),
        array_(node_.kind == Node::Kind::kArray) {}

  void take() {
    switch (frame_.phase) {
      case kOpen:
        return expect(array_ ? '[' : '{', kFirst);
      case kFirst:
        return take_end() ? close() : begin_member();
      case kName:
        return take_name();
      case kColon:
        return expect(':', kColonSpace);
      case kColonSpace:
        return expect(' ', kMember);
      case kMember:
        return take_member(object_ ? node_.properties[frame_.count - 1].value : node_.value);
      case kAfter:
        if (take_end()) return close();
        if (may_go_on()) expect(',', kCommaSpace);
        return;
      case kCommaSpace:
        return expect(' ', kNext);
      case kNext:
        return begin_member();
      default:
        return;  // kMapName: the name above takes the bytes
    }
  }

 private:
  void expect(char byte, std::uint32_t then) {
    if (byte_ != static_cast<std::uint8_t>(byte)) return;
    frame_.phase = then;
    out_.push_back(stack_);
  }

  bool take_end() const {
    if (byte_ != (array_ ? ']' : '}')) return false;
    if (object_) return Grammar::next_required(node_, frame_.count) == node_.properties.size();
    return frame_.count >= node_.least;
  }
  void close() {
    stack_.pop();
    out_.push_back(stack_);
  }

  bool may_go_on() const {
    if (object_) return frame_.count < node_.properties.size();
    return node_.value != Node::kNone && (frame_.count < node_.most || node_.most == kNoLimit);
  }

  void begin_member() {
    if (!may_go_on()) return;
    if (object_) {
      frame_.at = 0;
      return take_name();
    }
    // Without a limit above, only the one below has to be counted to.
    if (node_.most != kNoLimit || frame_.count < node_.least) ++frame_.count;
    if (array_) return take_member(node_.value);
    if (byte_ != '"') return;
    frame_.phase = kMapName;
    push(grammar_, stack_, grammar_.map_name);
    stack_.top().phase = kCharacter;
    out_.push_back(stack_);
  }

  // Names of properties from the next one to the first that must not be left out.
  void take_name() {
    const LiteralTrie& trie = grammar_.tries[node_.trie];
    const std::uint32_t at = trie_step(trie, frame_.at, byte_);
    if (at == kNowhere) return;
    const LiteralTrie::Place& place = trie.places[at];
    const std::uint32_t last = Grammar::next_required(node_, frame_.count);
    const auto first = std::lower_bound(place.below.begin(), place.below.end(), frame_.count);
    if (first == place.below.end() || *first > last) return;
    frame_.phase = kName;
    frame_.at = at;
    if (place.literal >= 0) {  // the quote at its end: no other name goes on from here
      frame_.phase = kColon;
      frame_.count = static_cast<std::uint32_t>(place.literal) + 1;
      frame_.at = 0;
    }
    out_.push_back(stack_);
  }

  void take_member(std::uint32_t value) {
    frame_.phase = kAfter;
    for (const std::uint32_t node : grammar_.values[value]) {
      Stack deeper = stack_;
      push(grammar_, deeper, node);
      grammar::take(grammar_, deeper, byte_, out_);
    }
  }

  const Grammar& grammar_;
  Stack& stack_;
  const std::uint8_t byte_;
  std::vector<Stack>& out_;
  Frame& frame_;
  const Node& node_;
  const bool object_, array_;
};

}  // namespace

void push(const Grammar& grammar, Stack& stack, std::uint32_t node) {
  stack.push(node);
  if (grammar.nodes[node].kind == Node::Kind::kString) stack.top().count = grammar.nodes[node].most;
}

bool may_end(const Grammar& grammar, const Frame& frame) {
  const Node& node = grammar.nodes[frame.node];
  if (node.kind == Node::Kind::kLiterals) return grammar.tries[node.trie].places[frame.at].literal >= 0;
  const bool number = node.kind == Node::Kind::kInteger || node.kind == Node::Kind::kNumber;
  return number && number_may_end(frame.phase);
}

// A number or literal ends where a byte follows that is none of its own: it is closed by what stands below
// it.
void take(const Grammar& grammar, Stack stack, std::uint8_t byte, std::vector<Stack>& out) {
  for (; stack.size > 0; stack.pop()) {
    Frame& frame = stack.top();
    const Frame before = frame;
    const Node& node = grammar.nodes[frame.node];
    switch (node.kind) {
      case Node::Kind::kString: {
        const Took took = take_string(frame, byte);
        if (took == Took::kNo) return;
        if (took == Took::kClosed) {
          stack.pop();
          if (stack.size > 0 && stack.top().phase == kMapName &&
              grammar.nodes[stack.top().node].kind == Node::Kind::kMap) {
            stack.top().phase = kColon;
          }
        }
        out.push_back(stack);
        return;
      }
      case Node::Kind::kLiterals: {
        const LiteralTrie& trie = grammar.tries[node.trie];
        frame.at = trie_step(trie, frame.at, byte);
        if (frame.at == kNowhere) break;
        const LiteralTrie::Place& place = trie.places[frame.at];
        if (place.next.empty()) stack.pop();
        out.push_back(stack);
        return;
      }
      case Node::Kind::kInteger:
      case Node::Kind::kNumber:
        if (!take_number(frame, byte, node.kind == Node::Kind::kInteger)) break;
        out.push_back(stack);
        return;
      default:
        Container(grammar, stack, byte, out).take();
        return;
    }
    if (!may_end(grammar, before)) return;
  }
}

}  // namespace moonbeam::grammar
