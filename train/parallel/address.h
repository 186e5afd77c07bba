// Which of this machine's addresses others reach it by.
#pragma once

#include <string>

namespace moonbeam::train {

std::string machine_name();

/// Our end of the way to `host`: a numeric address; empty where there is none. Nothing is sent.
std::string address_towards(const std::string& host, int port);

}  // namespace moonbeam::train
