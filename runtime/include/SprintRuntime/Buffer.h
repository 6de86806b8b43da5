//===- Buffer.h - Memory for many numbers ------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_BUFFER_H
#define SPRINTRUNTIME_BUFFER_H

#include <cstddef>
#include <new>
#include <vector>

namespace sprint {

/// Memory of whole cache lines; that of many numbers in large pages, where the system has them: a
/// page at a time, a fifth of a launch of a thousand tokens was spent on getting memory. For `size`
/// numbers of so many bytes each; throws std::bad_alloc.
void *allocateBuffer(size_t size, size_t bytes);
void freeBuffer(void *memory, size_t size, size_t bytes);

/// Allocates with allocateBuffer.
template <typename T> struct BufferAllocator {
  using value_type = T;

  BufferAllocator() = default;
  template <typename Other> BufferAllocator(const BufferAllocator<Other> &) {}

  T *allocate(size_t size) { return static_cast<T *>(allocateBuffer(size, sizeof(T))); }
  void deallocate(T *memory, size_t size) { freeBuffer(memory, size, sizeof(T)); }
  /// Leaves numbers that are not given a value as they are.
  template <typename Number> void construct(Number *number) { ::new (number) Number; }
  template <typename Number, typename... Arguments>
  void construct(Number *number, Arguments &&...arguments) {
    ::new (number) Number(static_cast<Arguments &&>(arguments)...);
  }
  bool operator==(const BufferAllocator &) const = default;
};

/// Numbers, which have no value until they are given one.
template <typename T> using Buffer = std::vector<T, BufferAllocator<T>>;

} // namespace sprint

#endif // SPRINTRUNTIME_BUFFER_H
