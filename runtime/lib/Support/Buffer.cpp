//===- Buffer.cpp - Memory for many numbers -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Buffer.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

using namespace sprint;

/// Where 64 bytes that are read at once lie in one line, reading takes half the time.
static constexpr size_t kLineBytes = 64;
static constexpr size_t kPageBytes = size_t(1) << 21;

static std::align_val_t alignmentOf(size_t bytes) {
  return std::align_val_t(bytes >= kPageBytes ? kPageBytes : kLineBytes);
}

void *sprint::allocateBuffer(size_t size, size_t bytes) {
  if (size > size_t(-1) / bytes)
    throw std::bad_alloc();
  void *memory = ::operator new(size * bytes, alignmentOf(size * bytes));
#if defined(__linux__)
  // What is not granted costs time alone.
  if (size_t all = size * bytes; all >= kPageBytes) {
    madvise(memory, all, MADV_HUGEPAGE);
#if defined(MADV_POPULATE_WRITE)
    // The small pages behind the large ones at once.
    size_t large = all / kPageBytes * kPageBytes;
    madvise(static_cast<char *>(memory) + large, all - large, MADV_POPULATE_WRITE);
#endif
  }
#endif
  return memory;
}

void sprint::freeBuffer(void *memory, size_t size, size_t bytes) {
  ::operator delete(memory, alignmentOf(size * bytes));
}
