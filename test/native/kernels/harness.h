// What the kernel tests share: buffers between unmapped pages, cases with a name, and a verdict for
// each registered kernel.
//
// A family's file calls testKernel with each kernel that its kernels.inc lists; the function given
// runs the cases: note() says which one, Guarded places what the kernel reads, Output holds what it
// writes next to what it should. What a kernel reads or writes beyond its buffers faults, and the
// fault is that kernel's failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "native/cpu/isa.h"
#include "native/plan/tensor.h"

namespace octavo::test {

// Every case instead of a sample of them; of those of exhaustive.cc, part `index` of `count`.
extern bool everything;
struct Part {
  size_t index, count;
};
extern Part part;

// Pseudo-random numbers from a fixed seed, the same on every run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t bits();
  int32_t between(int32_t low, int32_t high);  // both included
  float real(float low, float high);
  float anyFloat();  // of all bit patterns
  bool coin() { return (bits() & 1) != 0; }

 private:
  uint64_t state_;
};

// Where in its pages a buffer lies: right behind an unmapped page, or right before one.
enum class Edge { kFront, kBack };

// Memory for one buffer at a time. Contents are left over from before: what a kernel may read but
// must not use is not zero.
class Guarded {
 public:
  Guarded(const char* name, size_t capacity);
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // `count` values and `slack` readable bytes behind them. At the back edge a value lies as near to
  // the end as `alignment` lets it.
  template <typename T>
  T* place(Edge edge, size_t count, size_t slack = 0, size_t alignment = alignof(T)) {
    return static_cast<T*>(placeBytes(edge, count * sizeof(T) + slack, alignment));
  }
  // What `values` holds.
  template <typename T>
  const T* copy(Edge edge, const std::vector<T>& values, size_t slack = 0,
                size_t alignment = alignof(T)) {
    T* p = place<T>(edge, values.size(), slack, alignment);
    if (!values.empty()) std::memcpy(p, values.data(), values.size() * sizeof(T));
    return p;
  }

 private:
  friend class Output;
  void* placeBytes(Edge edge, size_t bytes, size_t alignment);
  uint8_t* begin_;
  uint8_t* end_;
  uint8_t* at_ = nullptr;
  size_t bytes_ = 0;
};

// The memory that a kernel writes, and what it must hold afterwards: to the bit, gaps between rows
// and the surroundings included, or within a tolerance where one is given.
class Output {
 public:
  Output(const char* name, size_t capacity) : memory_(name, capacity) {}
  // Where the kernel writes. All of it holds a pattern.
  void* place(Edge edge, size_t bytes, size_t alignment);
  // The value that is expected at byte `at`. Of the last two, |difference| <= tolerance is
  // accepted, any NaN for NaN and either zero for zero; a float32 is what the exact value rounds
  // to.
  template <typename T>
  void expect(size_t at, T value) {
    std::memcpy(expected_.data() + before_ + at, &value, sizeof value);
  }
  void expectFloat(size_t at, double value, double tolerance) {
    near_.push_back({at, value, tolerance, false});
  }
  void expectDouble(size_t at, double value, double tolerance) {
    near_.push_back({at, value, tolerance, true});
  }
  // What was there before the kernel ran.
  template <typename T>
  void set(size_t at, T value) {
    std::memcpy(memory_.at_ + at, &value, sizeof value);
    expect(at, value);
  }
  // Fails the kernel at the first difference.
  void check();

 private:
  struct Near {
    size_t at;
    double value, tolerance;
    bool isDouble;
  };
  Guarded memory_;
  std::vector<uint8_t> expected_;
  std::vector<Near> near_;
  size_t before_ = 0;
};

// The case that runs: a format for printf and what it prints, all of it long.
void note(const char* format, std::initializer_list<long> values);
// The case's kernel has failed.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Runs the cases of one kernel if this CPU can, and writes down the verdict. `evex`: a kernel of
// AVX-VNNI in the encoding of AVX-512. `lacking`: what else this CPU would need, or null.
void testKernel(const char* name, Isa isa, bool evex, const char* lacking,
                void (*cases)(const void*), const void* kernel);
template <typename Kernel, void (*cases)(const Kernel&)>
void testKernel(const Kernel& kernel, bool evex = false, const char* lacking = nullptr) {
  testKernel(
      kernel.name, kernel.isa, evex, lacking,
      [](const void* given) { cases(*static_cast<const Kernel*>(given)); }, &kernel);
}

// What testKernel calls: a kernel's verdict, "passed", "failed" or "skipped", and why.
void conclude(const char* name, const char* verdict, const char* why, size_t cases);
void catchFaults();

// The arithmetic of one element, written once more: clamp(rne(value) + zero, min, max), NaN as min.
int32_t requantized(float value, int32_t zero, int32_t min, int32_t max);

// The families: each calls testKernel for all its kernels.
void testDot();
void testDepthwise();
void testQuantize();
void testElementwise();
void testNbits();
void testBitDot();
void testDot16();
void testHalf();
void testPeak();
void testPool();
void testLookup();
void testTranspose();
void testQuads();
void testFloatDot();
void testFloatDepthwise();
void testFloatElementwise();
void testFloatPool();
void testFloatRows();
void testEveryFloat();
void testEveryAccumulator();

}  // namespace octavo::test
