#include "cli/grammar/validators.h"

#include <optional>
#include <string>
#include <string_view>

#include "cli/text.h"

namespace moonbeam::cli {

namespace {

template <typename T, typename Good>
CLI::Validator number(std::optional<T> (*parse_number)(std::string_view), std::string expected, Good good) {
  return CLI::Validator(
      [=](std::string& text) {
        const std::optional<T> value = parse_number(text);
        if (value && good(*value)) return std::string();
        return "expected " + expected + ", got '" + printable(text) + "'";
      },
      "");
}

}  // namespace

CLI::Validator whole(std::int64_t least, std::int64_t most) {
  return number(parse_int, std::to_string(least) + " to " + std::to_string(most),
                [=](std::int64_t n) { return n >= least && n <= most; });
}

CLI::Validator whole_from_zero() {
  return number(parse_int, "a whole number from 0", [](std::int64_t n) { return n >= 0; });
}

CLI::Validator real_from_zero() {
  return number(parse_double, "a number from 0", [](double x) { return x >= 0; });
}

CLI::Validator zero_to_one() {
  return number(parse_double, "a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; });
}

CLI::Validator above_zero_to_one() {
  return number(parse_double, "a number above 0, at most 1", [](double x) { return x > 0 && x <= 1; });
}

}  // namespace moonbeam::cli
