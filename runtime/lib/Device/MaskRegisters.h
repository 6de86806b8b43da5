//===- MaskRegisters.h - Rows of masks that were loaded -------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_MASKREGISTERS_H
#define SPRINTRUNTIME_LIB_DEVICE_MASKREGISTERS_H

#include "Kernels/RowMasks.h"
#include "Operands.h"

#include <cstdint>
#include <vector>

namespace sprint {

/// The rows of key_valid, mask, segments and bias that were loaded last.
class MaskRegisters {
public:
  /// `scale` is that of the logits. `operands` outlive this.
  MaskRegisters(const Operands &operands, double scale) : operands(operands), scale(scale) {
    loadedRows.fill(-1);
  }
  // `loaded` looks at `biasCodes`.
  MaskRegisters(const MaskRegisters &) = delete;
  MaskRegisters &operator=(const MaskRegisters &) = delete;

  /// Loads the row of `region`, which the launch brings, for a query of a head.
  void load(MemoryRegion region, int64_t head, int64_t query);
  /// Loads all that the launch brings.
  void loadAll(int64_t head, int64_t query);
  const RowMasks &masks() const { return loaded; }
  const InputRows &rows() const { return loadedRows; }

private:
  const Operands &operands;
  double scale;
  InputRows loadedRows;
  RowMasks loaded;
  std::vector<int32_t> biasCodes;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_MASKREGISTERS_H
