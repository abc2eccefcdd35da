// Instruction sets: which were built, which this CPU has, and which one is in force. Two questions
// decide a dispatch, was it built and does the CPU have it; forcing one narrows the answer, never
// widens it. Detection is compiled at baseline flags.
#pragma once

#include <cstdint>

namespace octavo {

// From the least to the best within an architecture.
enum class Isa : int32_t {
  kPortable,
  kSse41,
  kAvx2,
  kAvxVnni,
  kAvx512Bw,
  kAvx512Vnni,
  kAmx,
  kNeon,
  kNeonDot,
  kNeonI8mm,
  kCount
};

// "portable", "avx2", "avx512vnni", ...: the names that OCTAVO_ISA takes.
const char* isaName(Isa isa);

bool isaBuilt(Isa isa);
bool isaSupported(Isa isa);

// AVX-VNNI is 256-bit dot products. A CPU that has AVX512-VNNI but not AVX-VNNI has them too, in
// EVEX encoding only: kernels of kAvxVnni exist in both, and this tells which one to take.
bool isVexVnniSupported();

// Instructions that count bits in 512-bit registers, which not every CPU of AVX512-VNNI has.
bool isVpopcntSupported();

// Dot products of bfloat16 in 512-bit registers (AVX512-BF16), likewise.
bool isBfloat16Supported();

// The best one that was built and that this CPU has.
Isa bestIsa();

// True and *isa set when `name` names an instruction set at all, available or not.
bool parseIsa(const char* name, Isa* isa);

// Whether kernels of `kernel` may run when `chosen` is in force: avx512vnni implies avx512bw and
// avx2, not avxvnni.
bool isaImplies(Isa chosen, Isa kernel);

}  // namespace octavo
