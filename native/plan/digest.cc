// Blocks of 1 KiB are folded by NH of Black et al. (UMAC, 1999): Σ (m₂ᵢ + k₂ᵢ)(m₂ᵢ₊₁ + k₂ᵢ₊₁)
// modulo 2^128, with words of 64 bits. What comes of them are the coefficients of two polynomials
// modulo the prime 2^61 - 1.
#include "native/plan/digest.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace octavo {
namespace {

constexpr size_t kWords = 128, kBlock = kWords * sizeof(uint64_t);
constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;

struct Product {
  uint64_t low, high;
};

Product multiply(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
  const auto product = static_cast<unsigned __int128>(a) * b;
  return {static_cast<uint64_t>(product), static_cast<uint64_t>(product >> 64)};
#else
  constexpr uint64_t kHalf = 0xffffffff;
  const uint64_t ll = (a & kHalf) * (b & kHalf), lh = (a & kHalf) * (b >> 32);
  const uint64_t hl = (a >> 32) * (b & kHalf), hh = (a >> 32) * (b >> 32);
  const uint64_t middle = (ll >> 32) + (lh & kHalf) + (hl & kHalf);
  return {(middle << 32) | (ll & kHalf), hh + (lh >> 32) + (hl >> 32) + (middle >> 32)};
#endif
}

// (state * key + value) modulo the prime; all are below it.
uint64_t step(uint64_t state, uint64_t key, uint64_t value) {
  const Product product = multiply(state, key);
  uint64_t sum = (product.low & kPrime) + (product.low >> 61 | product.high << 3);
  sum = (sum & kPrime) + (sum >> 61) + value;
  sum = (sum & kPrime) + (sum >> 61);
  return sum >= kPrime ? sum - kPrime : sum;
}

struct Keys {
  uint64_t words[kWords];
  uint64_t polynomials[2];

  Keys() {
    std::random_device device;
    const auto draw = [&] { return uint64_t{device()} << 32 | device(); };
    for (uint64_t& word : words) word = draw();
    for (uint64_t& key : polynomials) key = draw() % (kPrime - 2) + 2;
  }
};

const Keys& keys() {
  static const Keys keys;
  return keys;
}

Product fold(const uint8_t* block) {
  const Keys& key = keys();
  Product sum{0, 0};
  for (size_t i = 0; i < kWords; i += 2) {
    uint64_t pair[2];
    std::memcpy(pair, block + i * sizeof(uint64_t), sizeof pair);
    const Product product = multiply(pair[0] + key.words[i], pair[1] + key.words[i + 1]);
    sum.low += product.low;
    sum.high += product.high + (sum.low < product.low ? 1 : 0);
  }
  return sum;
}

}  // namespace

void Digest::add(uint64_t value) {
  const Keys& key = keys();
  // In pieces below the prime.
  for (const uint64_t piece : {value & 0xffffffff, value >> 32}) {
    for (size_t i = 0; i < 2; ++i) state_[i] = step(state_[i], key.polynomials[i], piece);
  }
}

void Digest::add(const uint8_t* data, size_t bytes) {
  add(bytes);
  for (size_t at = 0; at < bytes; at += kBlock) {
    uint8_t last[kBlock] = {};
    const size_t rest = std::min(bytes - at, kBlock);
    if (rest < kBlock) std::memcpy(last, data + at, rest);
    const Product sum = fold(rest < kBlock ? last : data + at);
    add(sum.low);
    add(sum.high);
  }
}

}  // namespace octavo
