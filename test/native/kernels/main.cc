// Calls every registered kernel directly, by its contract, and compares it with a scalar reference
// that lies next to the call. Prints a line for each kernel: its verdict, its name, and why. Exits
// with 1 if one failed, or is registered and was not called.
//
// Usage: octavo_kernel_tests [--all] [--part=i/n] [family...]
#include <cstdio>
#include <cstring>
#include <set>
#include <string>

#include "native/kernels/registry.h"
#include "test/native/kernels/harness.h"

namespace octavo::test {
namespace {

struct Family {
  const char* name;  // its folder, or that of an exhaustive test
  void (*run)();
};

// A family of kernels is one line here.
constexpr Family kFamilies[] = {
    {"dot", testDot},
    {"depthwise", testDepthwise},
    {"quantize", testQuantize},
    {"elementwise", testElementwise},
    {"nbits", testNbits},
    {"bitdot", testBitDot},
    {"dot16", testDot16},
    {"half", testHalf},
    {"peak", testPeak},
    {"pool", testPool},
    {"lookup", testLookup},
    {"transpose", testTranspose},
    {"quads", testQuads},
    {"f32dot", testFloatDot},
    {"f32depthwise", testFloatDepthwise},
    {"f32elementwise", testFloatElementwise},
    {"f32pool", testFloatPool},
    {"f32rows", testFloatRows},
    {"every_float", testEveryFloat},
    {"every_accumulator", testEveryAccumulator},
};

std::set<std::string> concluded;
bool failed = false;

}  // namespace

void conclude(const char* name, const char* verdict, const char* why, size_t cases) {
  std::printf("%s %s: %s", verdict, name, why);
  if (cases > 0) std::printf(*why == 0 ? "%zu cases" : "; case %zu", cases);
  std::printf("\n");
  std::fflush(stdout);
  concluded.insert(name);
  failed = failed || std::strcmp(verdict, "failed") == 0;
}

// Those named, or all of them, each with its kernels' verdicts.
int run(const std::set<std::string>& chosen) {
  for (const std::string& name : chosen) {
    bool known = false;
    for (const Family& family : kFamilies) known = known || name == family.name;
    if (!known) conclude(name.c_str(), "failed", "no such family", 0);
  }
  catchFaults();
  const auto isChosen = [&](const char* name) { return chosen.empty() || chosen.count(name) > 0; };
  for (const Family& family : kFamilies) {
    if (isChosen(family.name)) family.run();
  }
  size_t count;
  const KernelInfo* kernels = allKernels(&count);
  for (size_t i = 0; i < count; ++i) {
    const KernelInfo& kernel = kernels[i];
    if (!isChosen(kernel.family) || concluded.count(kernel.name) > 0) continue;
    conclude(kernel.name, "failed", "registered, but test/native/kernels does not call it", 0);
  }
  return failed ? 1 : 0;
}

}  // namespace octavo::test

int main(int count, char** values) {
  std::set<std::string> chosen;
  for (int i = 1; i < count; ++i) {
    octavo::test::Part& part = octavo::test::part;
    if (std::strcmp(values[i], "--all") == 0) {
      octavo::test::everything = true;
    } else if (std::sscanf(values[i], "--part=%zu/%zu", &part.index, &part.count) == 0) {
      chosen.insert(values[i]);
    }
  }
  return octavo::test::run(chosen);
}
