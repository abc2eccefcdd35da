#include "native/cpu/isa.h"

#include <cstddef>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define OCTAVO_X86 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace octavo {
namespace {

constexpr const char* kNames[] = {"portable", "avx2", "avxvnni", "avx512vnni"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<size_t>(Isa::kCount));

struct Features {
  bool avx2 = false;
  bool avxVnni = false;
  bool avx512Vnni = false;
};

#if defined(OCTAVO_X86)
struct Registers {
  uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  return {static_cast<uint32_t>(out[0]), static_cast<uint32_t>(out[1]),
          static_cast<uint32_t>(out[2]), static_cast<uint32_t>(out[3])};
#else
  Registers r{};
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  return r;
#endif
}

// The register states that the operating system saves: a feature without them must not be used.
uint64_t enabledStates() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

Features detect() {
  Features features;
  if (cpuid(0, 0).eax < 7) return features;
  const auto has = [](uint32_t word, int bit) { return ((word >> bit) & 1) != 0; };
  const Registers one = cpuid(1, 0);
  if (!has(one.ecx, 27)) return features;  // OSXSAVE
  const uint64_t states = enabledStates();
  const bool ymm = (states & 0x06) == 0x06;
  const bool zmm = (states & 0xe6) == 0xe6;
  const Registers seven = cpuid(7, 0);
  const bool fma = has(one.ecx, 12);
  const bool f16c = has(one.ecx, 29);
  features.avx2 = ymm && fma && f16c && has(seven.ebx, 5);
  features.avx512Vnni = features.avx2 && zmm && has(seven.ebx, 16) /* F */ &&
                        has(seven.ebx, 17) /* DQ */ && has(seven.ebx, 30) /* BW */ &&
                        has(seven.ebx, 31) /* VL */ && has(seven.ecx, 11) /* VNNI */;
  features.avxVnni = features.avx2 && seven.eax >= 1 && has(cpuid(7, 1).eax, 4);
  return features;
}
#else
Features detect() { return {}; }
#endif

const Features& features() {
  static const Features detected = detect();
  return detected;
}

}  // namespace

const char* isaName(Isa isa) { return kNames[static_cast<int32_t>(isa)]; }

bool isaBuilt(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return true;
    case Isa::kAvx2:
#if defined(OCTAVO_HAVE_AVX2)
      return true;
#else
      return false;
#endif
    case Isa::kAvxVnni:
#if defined(OCTAVO_HAVE_AVXVNNI)
      return true;
#else
      return false;
#endif
    case Isa::kAvx512Vnni:
#if defined(OCTAVO_HAVE_AVX512VNNI)
      return true;
#else
      return false;
#endif
    case Isa::kCount:
      break;
  }
  return false;
}

bool isaSupported(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return true;
    case Isa::kAvx2:
      return features().avx2;
    case Isa::kAvxVnni:
      return isVexVnniSupported() || (isaBuilt(Isa::kAvx512Vnni) && features().avx512Vnni);
    case Isa::kAvx512Vnni:
      return features().avx512Vnni;
    case Isa::kCount:
      break;
  }
  return false;
}

bool isVexVnniSupported() { return features().avxVnni; }

Isa bestIsa() {
  for (auto i = static_cast<int32_t>(Isa::kCount) - 1; i > 0; --i) {
    const Isa isa = static_cast<Isa>(i);
    if (isaBuilt(isa) && isaSupported(isa)) return isa;
  }
  return Isa::kPortable;
}

bool parseIsa(const char* name, Isa* isa) {
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); ++i) {
    if (std::strcmp(name, kNames[i]) == 0) {
      *isa = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

bool isaImplies(Isa chosen, Isa kernel) {
  if (kernel == chosen || kernel == Isa::kPortable) return true;
  return kernel == Isa::kAvx2 && (chosen == Isa::kAvxVnni || chosen == Isa::kAvx512Vnni);
}

}  // namespace octavo
