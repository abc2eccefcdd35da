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
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define OCTAVO_ARM64 1
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#endif

// CMakeLists.txt defines those that were built.
#if !defined(OCTAVO_HAVE_SSE41)
#define OCTAVO_HAVE_SSE41 0
#endif
#if !defined(OCTAVO_HAVE_AVX2)
#define OCTAVO_HAVE_AVX2 0
#endif
#if !defined(OCTAVO_HAVE_AVXVNNI)
#define OCTAVO_HAVE_AVXVNNI 0
#endif
#if !defined(OCTAVO_HAVE_AVX512BW)
#define OCTAVO_HAVE_AVX512BW 0
#endif
#if !defined(OCTAVO_HAVE_AVX512VNNI)
#define OCTAVO_HAVE_AVX512VNNI 0
#endif
#if !defined(OCTAVO_HAVE_AMX)
#define OCTAVO_HAVE_AMX 0
#endif
#if !defined(OCTAVO_HAVE_NEON)
#define OCTAVO_HAVE_NEON 0
#endif
#if !defined(OCTAVO_HAVE_NEONDOT)
#define OCTAVO_HAVE_NEONDOT 0
#endif
#if !defined(OCTAVO_HAVE_NEONI8MM)
#define OCTAVO_HAVE_NEONI8MM 0
#endif

namespace octavo {
namespace {

// A set of instruction sets, a bit for each.
constexpr uint32_t only(Isa isa) { return 1u << static_cast<int32_t>(isa); }

constexpr uint32_t kPortableSet = only(Isa::kPortable);
constexpr uint32_t kSse41Set = kPortableSet | only(Isa::kSse41);
constexpr uint32_t kAvx2Set = kSse41Set | only(Isa::kAvx2);
constexpr uint32_t kAvx512BwSet = kAvx2Set | only(Isa::kAvx512Bw);
constexpr uint32_t kAvx512VnniSet = kAvx512BwSet | only(Isa::kAvx512Vnni);
constexpr uint32_t kNeonSet = kPortableSet | only(Isa::kNeon);
constexpr uint32_t kNeonDotSet = kNeonSet | only(Isa::kNeonDot);

struct Entry {
  const char* name;
  bool built;
  uint32_t implied;  // whose kernels may run when this one is in force
};

constexpr Entry kEntries[] = {
    {"portable", true, kPortableSet},
    {"sse41", OCTAVO_HAVE_SSE41, kSse41Set},
    {"avx2", OCTAVO_HAVE_AVX2, kAvx2Set},
    {"avxvnni", OCTAVO_HAVE_AVXVNNI, kAvx2Set | only(Isa::kAvxVnni)},
    {"avx512bw", OCTAVO_HAVE_AVX512BW, kAvx512BwSet},
    {"avx512vnni", OCTAVO_HAVE_AVX512VNNI, kAvx512VnniSet},
    {"amx", OCTAVO_HAVE_AMX, kAvx512VnniSet | only(Isa::kAmx)},
    {"neon", OCTAVO_HAVE_NEON, kNeonSet},
    {"neondot", OCTAVO_HAVE_NEONDOT, kNeonDotSet},
    {"neoni8mm", OCTAVO_HAVE_NEONI8MM, kNeonDotSet | only(Isa::kNeonI8mm)},
};
static_assert(sizeof kEntries / sizeof kEntries[0] == static_cast<size_t>(Isa::kCount),
              "an entry for every instruction set");

const Entry& entryOf(Isa isa) { return kEntries[static_cast<int32_t>(isa)]; }

struct Features {
  uint32_t isas = kPortableSet;
  bool vexVnni = false;
  bool vpopcnt = false;
  bool bfloat16 = false;
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

// Linux hands out the registers of AMX on request, to the whole process.
bool requestTiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Features detect() {
  Features features;
  if (cpuid(0, 0).eax < 7) return features;
  const auto has = [](uint32_t word, int bit) { return ((word >> bit) & 1) != 0; };
  const auto add = [&](Isa isa, bool present) {
    if (present) features.isas |= only(isa);
    return present;
  };
  const Registers one = cpuid(1, 0), seven = cpuid(7, 0);
  add(Isa::kSse41, has(one.ecx, 9) /* SSSE3 */ && has(one.ecx, 19));
  if (!has(one.ecx, 27)) return features;  // OSXSAVE
  const uint64_t states = enabledStates();
  const bool ymm = (states & 0x06) == 0x06, zmm = (states & 0xe6) == 0xe6;
  const bool fma = has(one.ecx, 12), f16c = has(one.ecx, 29);
  if (!add(Isa::kAvx2, ymm && fma && f16c && has(seven.ebx, 5))) return features;
  features.vexVnni = add(Isa::kAvxVnni, seven.eax >= 1 && has(cpuid(7, 1).eax, 4));
  const bool avx512 = zmm && has(seven.ebx, 16) /* F */ && has(seven.ebx, 17) /* DQ */ &&
                      has(seven.ebx, 30) /* BW */ && has(seven.ebx, 31) /* VL */;
  if (!add(Isa::kAvx512Bw, avx512)) return features;
  if (!add(Isa::kAvx512Vnni, has(seven.ecx, 11))) return features;
  add(Isa::kAvxVnni, OCTAVO_HAVE_AVX512VNNI);  // in EVEX encoding
  features.vpopcnt = has(seven.ecx, 14);
  features.bfloat16 = seven.eax >= 1 && has(cpuid(7, 1).eax, 5);
  const bool tiles = (states & 0x60000) == 0x60000;
  add(Isa::kAmx,
      tiles && has(seven.edx, 24) /* TILE */ && has(seven.edx, 25) /* INT8 */ && requestTiles());
  return features;
}
#elif defined(OCTAVO_ARM64)
enum class ArmFeature { kDot, kI8mm };

// Asked of the operating system: reading the registers themselves is not for programs.
bool armHas(ArmFeature feature) {
#if defined(__linux__)
  return feature == ArmFeature::kDot ? (getauxval(AT_HWCAP) >> 20 & 1) != 0    // ASIMDDP
                                     : (getauxval(AT_HWCAP2) >> 13 & 1) != 0;  // I8MM
#elif defined(__APPLE__)
  int value = 0;
  size_t size = sizeof value;
  const char* name =
      feature == ArmFeature::kDot ? "hw.optional.arm.FEAT_DotProd" : "hw.optional.arm.FEAT_I8MM";
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
#elif defined(_WIN32)
  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE; Windows does not tell of I8MM.
  return feature == ArmFeature::kDot && IsProcessorFeaturePresent(43);
#else
  return false;
#endif
}

Features detect() {
  Features features;
  features.isas |= only(Isa::kNeon);
  if (armHas(ArmFeature::kDot)) features.isas |= only(Isa::kNeonDot);
  if (armHas(ArmFeature::kDot) && armHas(ArmFeature::kI8mm)) features.isas |= only(Isa::kNeonI8mm);
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

const char* isaName(Isa isa) { return entryOf(isa).name; }

bool isaBuilt(Isa isa) { return entryOf(isa).built; }

bool isaSupported(Isa isa) { return (features().isas & only(isa)) != 0; }

bool isVexVnniSupported() { return features().vexVnni; }

bool isVpopcntSupported() { return features().vpopcnt; }

bool isBfloat16Supported() { return features().bfloat16; }

Isa bestIsa() {
  for (auto i = static_cast<int32_t>(Isa::kCount) - 1; i > 0; --i) {
    const Isa isa = static_cast<Isa>(i);
    if (isaBuilt(isa) && isaSupported(isa)) return isa;
  }
  return Isa::kPortable;
}

bool parseIsa(const char* name, Isa* isa) {
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); ++i) {
    if (std::strcmp(name, kEntries[i].name) == 0) {
      *isa = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

bool isaImplies(Isa chosen, Isa kernel) { return (entryOf(chosen).implied & only(kernel)) != 0; }

}  // namespace octavo
