//===- Handles.h - What the handles of the C API hold ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For other C APIs of the same library, which make the runtime's handles of C++ objects: whoever
// gets them cannot tell who made them.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CAPI_HANDLES_H
#define SPRINTRUNTIME_LIB_CAPI_HANDLES_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Device.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"
#include "sprint-c/Runtime.h"

#include <memory>
#include <string>
#include <vector>

struct SprintStream {
  sprint::CommandStream stream;
};

struct SprintMachine {
  sprint::Machine machine;
};

struct SprintDevice {
  sprint::Device device;
};

struct SprintCache {
  std::unique_ptr<sprint::Cache> cache;
};

struct SprintCalibration {
  sprint::Calibration calibration;
  /// What sprintCalibratedThresholds gave last.
  std::vector<float> thresholds;
};

struct SprintResult {
  /// What a launch of `program` on `machine` gave.
  SprintResult(const sprint::Program &program, sprint::LaunchResult launched,
               const sprint::Machine &machine);

  std::string program;
  sprint::LaunchResult result;
  /// JSON.
  std::string statistics;
  /// The machine whose clock the timeline goes by.
  sprint::Machine machine;
};

#endif // SPRINTRUNTIME_LIB_CAPI_HANDLES_H
