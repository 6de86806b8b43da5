//===- AttentionNames.cpp - What attentions are called --------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionNames.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

std::string sprint::findName(Location location) {
  auto named = location->findInstanceOf<NameLoc>();
  if (!named)
    return "";
  // Of a path the end tells more. What makes a name unique needs room, too.
  constexpr size_t kMaxLength = 200;
  std::string name = named.getName().getValue().take_back(kMaxLength).str();
  std::replace_if(name.begin(), name.end(), [](char c) { return !llvm::isPrint(c); }, '_');
  return name;
}

void sprint::nameAttentions(ModuleOp module) {
  SymbolTable symbols(module);
  llvm::StringSet<> taken;
  // The number that is tried next behind a name that is taken.
  llvm::StringMap<unsigned> numbers;
  auto claim = [&](AttentionOp attention, StringRef base, char separator, unsigned first) {
    unsigned &number = numbers.try_emplace(base, first).first->second;
    std::string name = base.str();
    while (symbols.lookup(name) || !taken.insert(name).second)
      name = (base + Twine(separator) + Twine(number++)).str();
    attention.setName(name);
  };
  SmallVector<AttentionOp> raised, unnamed;
  module.walk([&](AttentionOp attention) {
    if (std::optional<StringRef> name = attention.getName())
      claim(attention, *name, '.', 1);
    else
      raised.push_back(attention);
  });
  for (AttentionOp attention : raised) {
    std::string name = findName(attention.getLoc());
    if (name.empty())
      unnamed.push_back(attention);
    else
      claim(attention, name, '.', 1);
  }
  for (auto [index, attention] : llvm::enumerate(unnamed))
    claim(attention, unnamed.size() == 1 ? "attention" : "attention_" + std::to_string(index), '_',
          0);
}
