//===- Ring.h - A queue that keeps its memory --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SUPPORT_RING_H
#define SPRINTRUNTIME_LIB_SUPPORT_RING_H

#include <cstddef>
#include <utility>
#include <vector>

namespace sprint {

/// First in, first out. Unlike std::deque it allocates nothing once it has been as long as it gets:
/// every row passes through several.
template <typename Value> class Ring {
public:
  bool empty() const { return count == 0; }
  size_t size() const { return count; }
  Value &front() { return values[begin]; }
  const Value &front() const { return values[begin]; }
  /// The value `index` places behind the front.
  Value &operator[](size_t index) { return values[place(index)]; }
  const Value &operator[](size_t index) const { return values[place(index)]; }

  void push(Value value) {
    if (count == values.size())
      grow();
    values[place(count)] = std::move(value);
    ++count;
  }
  void pop() {
    begin = place(1);
    --count;
  }

private:
  /// The capacity is a power of two.
  size_t place(size_t index) const { return (begin + index) & (values.size() - 1); }

  void grow() {
    std::vector<Value> grown(values.empty() ? 4 : values.size() * 2);
    for (size_t index = 0; index < count; ++index)
      grown[index] = std::move(values[place(index)]);
    values = std::move(grown);
    begin = 0;
  }

  std::vector<Value> values;
  size_t begin = 0;
  size_t count = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SUPPORT_RING_H
