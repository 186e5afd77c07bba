#include "data/mockllm/faults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "data/llm/call.h"

namespace moonbeam::mockllm {

namespace {

struct FaultName {
  std::string_view name;
  Fault fault;
};
constexpr std::array kNames = std::to_array<FaultName>({{"reset", Fault::kReset},
                                                        {"reset_body", Fault::kResetBody},
                                                        {"wrong_length", Fault::kWrongLength},
                                                        {"truncated", Fault::kTruncated},
                                                        {"not_http", Fault::kNotHttp},
                                                        {"hang", Fault::kHang},
                                                        {"slow", Fault::kSlow},
                                                        {"drip", Fault::kDrip},
                                                        {"huge", Fault::kHuge},
                                                        {"headers", Fault::kHeaders},
                                                        {"invalid_json", Fault::kInvalidJson},
                                                        {"wrong_schema", Fault::kWrongSchema},
                                                        {"cut", Fault::kCut},
                                                        {"empty", Fault::kEmpty},
                                                        {"refuse", Fault::kRefuse},
                                                        {"hallucinate", Fault::kHallucinate},
                                                        {"drop", Fault::kDrop},
                                                        {"yes", Fault::kYes},
                                                        {"dinosaur", Fault::kDinosaur},
                                                        {"openings", Fault::kOpenings},
                                                        {"colour", Fault::kColour}});
constexpr std::size_t kMostSeen = 1'000'000;  // requests whose tries are counted

bool is_of_the_way(Fault fault) {
  return fault < Fault::kInvalidJson;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename T>
void set(T& out, std::string_view value, std::string_view whole) {
  const std::optional<T> parsed = number<T>(value);
  if (!parsed || !(*parsed >= T{})) {  // nor NaN
    base::fail(ErrorCode::kInvalidArgument, "fault '", base::printable(whole), "': expected a number, got '",
               base::printable(value), "'");
  }
  out = *parsed;
}

void set_option(FaultRule& rule, std::string_view option, std::string_view whole) {
  const std::size_t equals = option.find('=');
  const std::string_view key = option.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
  if (key == "retry_after") {
    rule.retry_after = value;
  } else if (key == "stage") {
    rule.stage = value;
  } else if (key == "ms") {
    set(rule.ms, value, whole);
  } else if (key == "first") {
    set(rule.first, value, whole);
  } else if (key == "from") {
    set(rule.from, value, whole);
  } else if (key == "until") {
    set(rule.until, value, whole);
  } else {
    base::fail(ErrorCode::kInvalidArgument, "fault '", base::printable(whole), "': unknown option '",
               base::printable(key), "'");
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

}  // namespace

FaultRule parse_fault(std::string_view text) {
  const std::string_view whole = text;
  FaultRule rule;
  std::size_t comma = text.find(',');
  const std::string_view head = text.substr(0, comma);
  const std::size_t equals = head.find('=');
  rule.name = head.substr(0, equals);
  if (const std::optional<int> status = number<int>(rule.name); status && *status >= 400 && *status <= 599) {
    rule.fault = Fault::kStatus;
    rule.status = *status;
  } else {
    const auto known = std::find_if(kNames.begin(), kNames.end(),
                                    [&](const FaultName& one) { return one.name == rule.name; });
    if (known == kNames.end()) {
      base::fail(ErrorCode::kInvalidArgument, "fault '", base::printable(whole), "': '",
                 base::printable(rule.name), "' is none");
    }
    rule.fault = known->fault;
  }
  if (equals == std::string_view::npos) {
    base::fail(ErrorCode::kInvalidArgument, "fault '", base::printable(whole), "': expected NAME=SHARE");
  }
  set(rule.share, head.substr(equals + 1), whole);
  if (rule.share > 1) {
    base::fail(ErrorCode::kInvalidArgument, "fault '", base::printable(whole),
               "': expected a share of 0 to 1");
  }
  while (comma != std::string_view::npos) {
    text.remove_prefix(comma + 1);
    comma = text.find(',');
    // A date has a comma of its own: "retry_after=Wed, 21 Oct 2026 07:28:00 GMT" is taken whole.
    if (text.starts_with("retry_after=") && comma != std::string_view::npos &&
        text.substr(comma).starts_with(", ")) {
      comma = text.find(',', comma + 1);
    }
    set_option(rule, text.substr(0, comma), whole);
  }
  return rule;
}

std::vector<FaultRule> parse_faults(std::string_view text, const std::string& where) {
  std::vector<FaultRule> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    one = trimmed(one.substr(0, one.find('#')));
    if (one.empty()) continue;
    try {
      out.push_back(parse_fault(one));
    } catch (const Error& error) {
      throw Error(error.code(), base::cat(where, ":", line, ": ", error.what()));
    }
  }
  return out;
}

double draw(std::uint64_t seed, std::uint64_t content, std::uint64_t salt) noexcept {
  return static_cast<double>(llm::mix(llm::mix(seed ^ 0x6d6f636b, content), salt) >> 11) * 0x1p-53;
}

bool Faults::Met::has(Fault fault) const noexcept {
  return std::any_of(model.begin(), model.end(), [&](const FaultRule* rule) { return rule->fault == fault; });
}

Faults::Met Faults::meet(std::uint64_t content, const std::string& stage) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  std::uint32_t sight = 0;
  if (!rules_.empty()) {
    if (seen_.size() >= kMostSeen) seen_.clear();
    sight = seen_[content]++;
  }
  Met met;
  // One draw for all faults of the way: their shares add up, and no two meet.
  double way = draw(seed_, content, sight);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const FaultRule& rule = rules_[i];
    if ((!rule.stage.empty() && rule.stage != stage) || (rule.from > 0 && requests_ < rule.from) ||
        (rule.until > 0 && requests_ > rule.until)) {
      continue;
    }
    if (is_of_the_way(rule.fault)) {
      const bool hit = rule.first > 0 ? sight < static_cast<std::uint32_t>(rule.first) : way < rule.share;
      if (rule.first == 0) way -= rule.share;
      if (!hit || met.way != nullptr) continue;
      if (rule.first == 0) way = 1;
      met.way = &rule;
    } else {
      const bool hit = rule.first > 0 ? sight < static_cast<std::uint32_t>(rule.first)
                                      : draw(seed_, content, 1000 + i) < rule.share;
      if (!hit) continue;
      met.model.push_back(&rule);
    }
    ++counts_[rule.name];
  }
  return met;
}

std::map<std::string, std::uint64_t> Faults::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace moonbeam::mockllm
