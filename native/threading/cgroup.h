// The CPU quota of the cgroups that this process is in.
#pragma once

#include <string>

namespace octavo {

// CPUs' worth of time that may be used, the tightest quota on the way from this process's own group
// up to the root, of version 1 or 2; infinity without one. `root` is in front of all paths, for
// tests.
double cgroupQuota(const std::string& root = "");

}  // namespace octavo
