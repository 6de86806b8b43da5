//===- Device.cpp - A machine that launches follow one another on ---------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Device.h"
#include "Cache.h"
#include "Launch.h"
#include "SprintRuntime/Messages.h"
#include "SprintRuntime/NumericsConstants.h"

#include <cmath>
#include <exception>
#include <limits>
#include <utility>

using namespace sprint;

//===----------------------------------------------------------------------===//
// Cache
//===----------------------------------------------------------------------===//

Cache::Cache(std::unique_ptr<Contents> contents) : contents(std::move(contents)) {}

Cache::~Cache() { contents->memory->heldArrays -= contents->arraysAt(contents->length); }

const CacheShape &Cache::shape() const { return contents->shape; }

const FrozenSteps &Cache::steps() const { return contents->steps; }

int64_t Cache::length() const { return contents->length; }

int64_t Cache::Contents::arraysAt(int64_t length) const {
  int64_t perArray = memory->machine.structure.keysPerArray(shape.headDim);
  return shape.batches * shape.keyHeads * ((length + perArray - 1) / perArray);
}

std::string sprint::findStepFault(const FrozenSteps &steps, int64_t heads, int64_t keyHeads) {
  struct Part {
    const char *name;
    const std::vector<float> &steps;
    int64_t heads;
  };
  for (const Part &part : {Part{"queries", steps.query, heads}, Part{"keys", steps.key, keyHeads},
                           Part{"values", steps.value, keyHeads}}) {
    if (static_cast<int64_t>(part.steps.size()) != part.heads)
      return "expected " + std::to_string(part.heads) + " steps of " + part.name + ", got " +
             std::to_string(part.steps.size());
    for (float step : part.steps)
      if (!(step >= std::numeric_limits<float>::min()) || std::isinf(step))
        return std::string("expected finite steps of ") + part.name + " of at least 2^-126, got " +
               std::to_string(step);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

/// Why no cache of a machine can have these sizes; empty where one can.
static std::string findShapeFault(const CacheShape &shape, const Machine &machine) {
  for (auto [name, size] : {std::pair("batch element", shape.batches),
                            std::pair("head", shape.heads), std::pair("key head", shape.keyHeads)})
    if (size < 1 || size > kMaxLength)
      return "expected 1 to 2^30 " + std::string(name) + "s, got " + std::to_string(size);
  if (shape.heads % shape.keyHeads != 0)
    return "expected heads to be a multiple of " + std::to_string(shape.keyHeads) +
           " key heads, got " + std::to_string(shape.heads);
  if (shape.batches * shape.heads > kMaxLength)
    return "expected at most 2^30 heads of all batch elements, got " +
           std::to_string(shape.batches * shape.heads);
  return machine.findCapacityObstacle(shape.headDim, shape.valueDim, std::nullopt).value_or("");
}

Device::Device(Machine machine) : memory(std::make_shared<Memory>(std::move(machine))) {}

Device::~Device() = default;
Device::Device(Device &&) noexcept = default;
Device &Device::operator=(Device &&) noexcept = default;

const Machine &Device::machine() const { return memory->machine; }

std::unique_ptr<Cache> Device::createCache(const CacheShape &shape, FrozenSteps steps,
                                           std::string &error) noexcept try {
  std::string fault = findShapeFault(shape, memory->machine);
  if (fault.empty())
    fault = findStepFault(steps, shape.batches * shape.heads, shape.batches * shape.keyHeads);
  if (!fault.empty()) {
    error = "cache: " + fault;
    return nullptr;
  }
  auto contents = std::make_unique<Cache::Contents>();
  contents->memory = memory;
  contents->shape = shape;
  contents->steps = std::move(steps);
  contents->keys.resize(shape.batches * shape.keyHeads);
  contents->values.resize(shape.batches * shape.keyHeads);
  return std::make_unique<Cache>(std::move(contents));
} catch (const std::exception &exception) {
  error = reasonOf(exception);
  return nullptr;
}

std::optional<LaunchResult> Device::launch(const Program &program, const LaunchOperands &operands,
                                           const LaunchOptions &options,
                                           std::string &error) noexcept {
  return launchOn(*memory, program, operands, options, /*isChecked=*/true, error);
}
