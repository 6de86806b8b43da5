//===- PassStatistic.cpp - Numbers of passes ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/PassStatistic.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"

#include <map>
#include <mutex>
#include <string>

using namespace mlir;
using namespace mlir::sprint;

namespace {

struct Entry {
  const char *description;
  std::shared_ptr<std::atomic<uint64_t>> value;
};

/// By the names of passes, and of their statistics.
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::map<std::string, Entry>> passes;

  static Registry &get() {
    static Registry registry;
    return registry;
  }
};

} // namespace

PassStatistic::PassStatistic(Pass *owner, const char *name, const char *description) {
  Registry &registry = Registry::get();
  std::scoped_lock lock(registry.mutex);
  Entry &entry = registry.passes[owner->getName().str()][name];
  entry.description = description;
  if (!entry.value)
    entry.value = std::make_shared<std::atomic<uint64_t>>(0);
  value = entry.value;
}

void mlir::sprint::forgetPassStatistics() {
  Registry &registry = Registry::get();
  std::scoped_lock lock(registry.mutex);
  registry.passes.clear();
}

bool mlir::sprint::isAskedForPassStatistics() {
  auto &options = llvm::cl::getRegisteredOptions();
  auto option = options.find("mlir-pass-statistics");
  return option != options.end() && option->second->getNumOccurrences() > 0;
}

void mlir::sprint::printPassStatistics(raw_ostream &os) {
  Registry &registry = Registry::get();
  std::scoped_lock lock(registry.mutex);
  std::string rule = "===" + std::string(73, '-') + "===\n";
  os << rule << "                   ... Statistics of the passes of sprint ...\n" << rule;
  for (const auto &[pass, statistics] : registry.passes) {
    os << pass << "\n";
    for (const auto &[name, entry] : statistics)
      os << llvm::format("  (S) %8llu ", static_cast<unsigned long long>(entry.value->load()))
         << name << " - " << entry.description << "\n";
  }
}
