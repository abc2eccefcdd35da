// Prints the CPU quota under each of the given roots, which stand for the root of a file system.
#include "native/threading/cgroup.h"

#include <cstdio>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) std::printf("%g\n", octavo::cgroupQuota(argv[i]));
  return 0;
}
