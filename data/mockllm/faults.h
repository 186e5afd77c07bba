// What goes wrong on purpose: a list of faults with their shares, drawn from the request's content, so that a
// run meets the same faults whatever its order (data.md 8.3).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::mockllm {

enum class Fault {
  kNone,
  // Of the way: drawn anew for each time a request is seen.
  kStatus,       ///< an error status; 429 and 503 with Retry-After
  kReset,        ///< the connection is reset before a byte was written
  kResetBody,    ///< ... in the middle of the body
  kWrongLength,  ///< Content-Length says more than comes
  kTruncated,    ///< a whole answer whose JSON is cut
  kNotHttp,      ///< bytes that are no HTTP
  kHang,         ///< never answers
  kSlow,         ///< answers late (option: ms)
  kDrip,         ///< a byte every 100 ms
  kHuge,         ///< a body of 1 GB
  kHeaders,      ///< headers without end
  // Of the model: drawn from the request's content alone, so that the same request errs again.
  kInvalidJson,  ///< the answer is no JSON
  kWrongSchema,  ///< a member is missing
  kCut,          ///< stops at max_tokens
  kEmpty,        ///< no text
  kRefuse,       ///< declines
  kHallucinate,  ///< a claim of a thing that the input does not hold
  kDrop,         ///< a claim is left out
  kYes,          ///< yes and supported to everything
  kDinosaur,     ///< absurd questions about dinosaurs and aliens
  kOpenings,     ///< every text begins alike
  kColour,       ///< another colour
};

struct FaultRule {
  Fault fault = Fault::kNone;
  std::string name;  ///< as written: "429", "reset"
  double share = 0;  ///< of requests
  int status = 0;    ///< of kStatus
  std::string retry_after;
  double ms = 1000;                   ///< of kSlow
  int first = 0;                      ///< the first N tries of every request, in place of a share
  std::uint64_t from = 0, until = 0;  ///< by the server's count of requests, from 1; 0: no bound
  std::string stage;                  ///< only this one; empty: all
};

/// "NAME=SHARE[,option=value...]": 429=0.05,retry_after=1  reset=0.02  slow=0.1,ms=500  500=0,first=2
/// hallucinate=0.05,stage=S3  hang=1,from=100,until=200. Names: any status from 400 to 599, reset,
/// reset_body, wrong_length, truncated, not_http, hang, slow, drip, huge, headers, invalid_json,
/// wrong_schema, cut, empty, refuse, hallucinate, drop, yes, dinosaur, openings, colour.
/// @throws Error kInvalidArgument
FaultRule parse_fault(std::string_view text);
/// A rule a line; what follows '#' is a comment. @throws Error kInvalidArgument naming `where` and the line.
std::vector<FaultRule> parse_faults(std::string_view text, const std::string& where);

/// A uniform draw in [0, 1) of what a request holds; `salt` tells draws apart.
double draw(std::uint64_t seed, std::uint64_t content, std::uint64_t salt) noexcept;

/// Which faults a request meets. Safe from any thread.
class Faults {
 public:
  Faults(std::vector<FaultRule> rules, std::uint64_t seed) : rules_(std::move(rules)), seed_(seed) {}

  struct Met {
    const FaultRule* way = nullptr;         ///< at most one on the way
    std::vector<const FaultRule*> model{};  ///< all of the model's
    bool has(Fault fault) const noexcept;
  };
  Met meet(std::uint64_t content, const std::string& stage);
  /// How often each rule was met, by name.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  std::vector<FaultRule> rules_;
  std::uint64_t seed_, requests_ = 0;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::uint32_t> seen_;  // tries by content
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace moonbeam::mockllm
