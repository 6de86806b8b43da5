//===- Device.h - A machine that launches follow one another on --*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys and values can stay in memory from one launch to the next, so that a launch brings only
// those that are new (docs/machine.md, "Caches"). Nothing here throws: what fails says why in
// `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_DEVICE_H
#define SPRINTRUNTIME_DEVICE_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sprint {

/// The sizes of a cache; its length is none of them, as it grows.
struct CacheShape {
  int64_t batches = 0;
  /// Query heads of one batch element, and key heads, which divide them.
  int64_t heads = 0, keyHeads = 0;
  /// Channels of a key and of a value.
  int64_t headDim = 0, valueDim = 0;

  bool operator==(const CacheShape &) const = default;
};

/// Codes of keys and values in the memory of a device. Its arrays are free again when it goes.
class Cache {
public:
  /// What launches read and add to; defined with the simulator.
  struct Contents;

  explicit Cache(std::unique_ptr<Contents> contents);
  ~Cache();

  const CacheShape &shape() const;
  const FrozenSteps &steps() const;
  /// Tokens that each of its key heads has.
  int64_t length() const;

  std::unique_ptr<Contents> contents;
};

/// A machine with what is in its memory. Its launches follow one another, and so do calls of its
/// functions and those of its caches.
class Device {
public:
  explicit Device(Machine machine);
  ~Device();
  Device(Device &&) noexcept;
  Device &operator=(Device &&) noexcept;

  const Machine &machine() const;

  /// An empty cache, which may outlive the device. Null where sizes are not positive, do not
  /// divide, or do not fit the machine, and where the steps are not those of its heads.
  std::unique_ptr<Cache> createCache(const CacheShape &shape, FrozenSteps steps,
                                     std::string &error) noexcept;

  /// Runs `program` as sprint::launch does. One that takes a cache adds the keys and values of the
  /// operands to `options.cache`, and attends to all that is there then; its masks, biases and
  /// segments of keys have entries for all of these. Refused as well: a cache of another device or
  /// of other sizes, none or one where the program has it otherwise, and more keys than fit beside
  /// what caches hold. A launch that is refused leaves the cache as it was.
  std::optional<LaunchResult> launch(const Program &program, const LaunchOperands &operands,
                                     const LaunchOptions &options, std::string &error) noexcept;

  /// What its caches share with it; defined with the simulator.
  struct Memory;

private:
  std::shared_ptr<Memory> memory;
};

} // namespace sprint

#endif // SPRINTRUNTIME_DEVICE_H
