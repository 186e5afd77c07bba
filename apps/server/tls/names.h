// What other machines can call this one by.
#pragma once

#include <string>
#include <vector>

namespace moonbeam::server {

struct MachineNames {
  std::vector<std::string> hosts;  ///< "desk", "desk.local"; empty where its name is no name for a network
  std::vector<std::string> addresses;  ///< of its interfaces that are up, without loopback and link-local
  std::string main_address;            ///< the one that leads to the world; empty where none does
};
MachineNames machine_names();

}  // namespace moonbeam::server
