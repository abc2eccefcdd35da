#include "test/native/kernels/harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace octavo::test {
namespace {

constexpr uint8_t kPattern = 0xa5;
// How far around an output the pattern is looked for.
constexpr size_t kAround = 256;

const char* noteFormat = "";
long noteValues[8];
size_t cases;

// A failed case, or a fault in it, ends its kernel's cases from wherever they are.
sigjmp_buf failure;
char message[512];

struct Pages {
  const char* name;
  uint8_t *begin, *end;
  const uint8_t* at;
  size_t bytes;
};
std::vector<Pages> guarded;

void onFault(int signal, siginfo_t* info, void*) {
  if (signal == SIGILL) fail("an instruction that this CPU lacks");
  const auto* address = static_cast<const uint8_t*>(info->si_addr);
  const auto page = sysconf(_SC_PAGESIZE);
  for (const Pages& pages : guarded) {
    if (address < pages.begin - page || address >= pages.end + page) continue;
    fail("touched byte %ld of %zu of %s", static_cast<long>(address - pages.at), pages.bytes,
         pages.name);
  }
  fail("touched memory of nobody");
}

}  // namespace

bool everything = false;
Part part = {0, 1};

uint64_t Random::bits() {
  // xorshift64*
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return (state_ * 0x2545f4914f6cdd1du) >> 8;
}

int32_t Random::between(int32_t low, int32_t high) {
  return low + static_cast<int32_t>(bits() % (static_cast<uint64_t>(high - low) + 1));
}

float Random::real(float low, float high) {
  return low +
         (high - low) * static_cast<float>(bits() % (1u << 24)) / static_cast<float>(1u << 24);
}

float Random::anyFloat() {
  const auto pattern = static_cast<uint32_t>(bits());
  float value;
  std::memcpy(&value, &pattern, sizeof value);
  return value;
}

Guarded::Guarded(const char* name, size_t capacity) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = (capacity + kAround + page - 1) / page * page;
  void* all = mmap(nullptr, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  begin_ = static_cast<uint8_t*>(all) + page;
  end_ = begin_ + bytes;
  if (all == MAP_FAILED || mprotect(begin_, bytes, PROT_READ | PROT_WRITE) != 0) std::abort();
  Random random(bytes);
  for (size_t i = 0; i < bytes; ++i) begin_[i] = static_cast<uint8_t>(random.bits());
  guarded.push_back({name, begin_, end_, begin_, 0});
}

void* Guarded::placeBytes(Edge edge, size_t bytes, size_t alignment) {
  const size_t room = (bytes + alignment - 1) / alignment * alignment;
  if (room > static_cast<size_t>(end_ - begin_)) {
    std::fprintf(stderr, "a buffer is too small for %zu bytes\n", bytes);
    std::abort();
  }
  at_ = edge == Edge::kFront ? begin_ : end_ - room;
  bytes_ = bytes;
  for (Pages& pages : guarded) {
    if (pages.begin != begin_) continue;
    pages.at = at_;
    pages.bytes = bytes;
  }
  return at_;
}

void* Output::place(Edge edge, size_t bytes, size_t alignment) {
  auto* at = static_cast<uint8_t*>(memory_.placeBytes(edge, bytes, alignment));
  const auto before = static_cast<size_t>(at - memory_.begin_);
  const auto after = static_cast<size_t>(memory_.end_ - at) - bytes;
  before_ = before < kAround ? before : kAround;
  expected_.assign(before_ + bytes + (after < kAround ? after : kAround), kPattern);
  std::memset(at - before_, kPattern, expected_.size());
  near_.clear();
  return at;
}

void Output::check() {
  for (const auto& [at, value, tolerance, isDouble] : near_) {
    float narrow;
    double wide;
    std::memcpy(&narrow, memory_.at_ + at, sizeof narrow);
    if (isDouble) std::memcpy(&wide, memory_.at_ + at, sizeof wide);
    const double found = isDouble ? wide : static_cast<double>(narrow);
    const double rounded = isDouble ? value : static_cast<double>(static_cast<float>(value));
    const bool same = std::isnan(value) ? std::isnan(found) : found == rounded;
    if (!same && !(std::fabs(found - value) <= tolerance)) {
      fail("byte %zu is %.9g, not %.9g ± %.2g", at, found, value, tolerance);
    }
    isDouble ? expect(at, wide) : expect(at, narrow);
  }
  const uint8_t* found = memory_.at_ - before_;
  if (std::memcmp(found, expected_.data(), expected_.size()) == 0) return;
  size_t i = 0;
  while (found[i] == expected_[i]) ++i;
  fail("byte %ld of %zu is %d, not %d", static_cast<long>(i) - static_cast<long>(before_),
       memory_.bytes_, found[i], expected_[i]);
}

void note(const char* format, std::initializer_list<long> values) {
  ++cases;
  noteFormat = format;
  size_t i = 0;
  for (long value : values) noteValues[i++] = value;
}

void fail(const char* format, ...) {
  char what[200], which[200];
  std::va_list list;
  va_start(list, format);
  std::vsnprintf(what, sizeof what, format, list);
  va_end(list);
  const long* v = noteValues;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  std::snprintf(which, sizeof which, noteFormat, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
#pragma GCC diagnostic pop
  std::snprintf(message, sizeof message, "%s: %s", which, what);
  siglongjmp(failure, 1);
}

void testKernel(const char* name, Isa isa, bool evex, const char* lacking, void (*run)(const void*),
                const void* kernel) {
  if (!isaSupported(isa)) lacking = isaName(isa);
  if (isa == Isa::kAvxVnni && evex && !isaSupported(Isa::kAvx512Vnni)) lacking = "avx512vnni";
  if (isa == Isa::kAvxVnni && !evex && !isVexVnniSupported()) lacking = "avxvnni in VEX encoding";
  if (lacking != nullptr) {
    std::snprintf(message, sizeof message, "this CPU has no %s", lacking);
    return conclude(name, "skipped", message, 0);
  }
  cases = 0;
  if (sigsetjmp(failure, 1) == 0) {
    run(kernel);
    conclude(name, cases > 0 ? "passed" : "failed", cases > 0 ? "" : "no case", cases);
  } else {
    conclude(name, "failed", message, cases);
  }
}

void catchFaults() {
  struct sigaction action = {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL}) sigaction(signal, &action, nullptr);
}

int32_t requantized(float value, int32_t zero, int32_t min, int32_t max) {
  if (std::isnan(value)) return min;
  const double rounded = std::nearbyint(static_cast<double>(value)) + zero;
  return static_cast<int32_t>(std::fmax(min, std::fmin(max, rounded)));
}

}  // namespace octavo::test
