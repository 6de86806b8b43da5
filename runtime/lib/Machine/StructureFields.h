//===- StructureFields.h - The numbers of a structure ------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_MACHINE_STRUCTUREFIELDS_H
#define SPRINTRUNTIME_LIB_MACHINE_STRUCTUREFIELDS_H

#include "SprintRuntime/Machine.h"

#include <cstdint>

namespace sprint {

/// A number of the structure: its key and unit in machine files, and the largest value.
struct StructureField {
  const char *key;
  const char *unit;
  int64_t Structure::*member;
  int64_t most;
};

/// All of them, in the order of the structure's hash. The limits keep every product of fields
/// within 64 bits.
inline constexpr StructureField kStructureFields[] = {
    {"corelets", "corelets", &Structure::corelets, 1 << 10},
    {"array_rows", "rows", &Structure::arrayRows, 1 << 16},
    {"array_columns", "columns", &Structure::arrayColumns, 1 << 16},
    {"arrays_per_bank", "arrays", &Structure::arraysPerBank, 1 << 20},
    {"channels", "channels", &Structure::channels, 1 << 10},
    {"banks_per_channel", "banks", &Structure::banksPerChannel, 1 << 10},
    {"key_buffer", "bytes", &Structure::keyBufferBytes, 1 << 30},
    {"value_buffer", "bytes", &Structure::valueBufferBytes, 1 << 30},
    {"query_buffer", "queries", &Structure::queryBufferQueries, 1 << 16},
    {"score_buffer", "scores", &Structure::scoreBufferEntries, 1 << 30},
    {"score_rows", "rows", &Structure::scoreRows, 1 << 16},
    {"resident_heads", "heads", &Structure::residentHeads, 1 << 16},
    {"multipliers", "multipliers", &Structure::multipliers, 1 << 16},
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_MACHINE_STRUCTUREFIELDS_H
