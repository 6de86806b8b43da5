//===- AlignedVector.h - Vectors that begin with a cache line -*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_ALIGNEDVECTOR_H
#define SPRINTRUNTIME_LIB_KERNELS_ALIGNEDVECTOR_H

#include <cstddef>
#include <new>
#include <vector>

namespace sprint {

/// Allocates whole cache lines, for numbers.
template <typename T> struct CacheLineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  CacheLineAllocator() = default;
  template <typename Other> CacheLineAllocator(const CacheLineAllocator<Other> &) {}

  T *allocate(size_t size) { return static_cast<T *>(::operator new(size * sizeof(T), kLine)); }
  void deallocate(T *data, size_t) { ::operator delete(data, kLine); }
  /// Leaves numbers that are not given a value as they are.
  template <typename Number> void construct(Number *number) { ::new (number) Number; }
  bool operator==(const CacheLineAllocator &) const = default;
};

/// A vector of which 64 bytes, read from a multiple of 64 on, lie in one cache line: others take
/// twice as long to read. Numbers that are not given a value have none.
template <typename T> using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_ALIGNEDVECTOR_H
