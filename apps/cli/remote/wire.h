// Questions and answers as the native HTTP API writes them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/answerer.h"
#include "net/http.h"

namespace moonbeam::cli {

/// The server was there and had a fault: another picture may fare better.
class ServerError : public net::NetworkError {
 public:
  using NetworkError::NetworkError;
};

/// "/v1/caption"
std::string route_of(Task task);

/// Fields of a question as a query string.
std::string query_string(const Ask& ask, const std::string& model, bool stream);
/// The same as a JSON body; `picture` becomes its image_url, nothing where it is empty.
std::string json_body(const Ask& ask, const std::string& model, bool stream, const std::string& picture);

/// "image/jpeg" by the first bytes; application/octet-stream for what is none of the known ones.
std::string media_type(const std::string& picture);

/// Takes an answer's fields, or those of the last event of a stream. `whole`: the text too.
/// @throws net::NetworkError for what is no answer.
void read_answer(const nlohmann::json& json, const Ask& ask, bool whole, Answer& answer,
                 std::vector<std::string>& warnings);

/// Ends an answer that is not 200, with the server's own words. @throws as RemoteClient::ask().
[[noreturn]] void fail_answer(const std::string& url, const net::Head& head, const std::string& body);
/// The words of an error in `body` or in an event.
std::string error_words(const nlohmann::json& json);

}  // namespace moonbeam::cli
