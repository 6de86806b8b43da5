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

/// What a producer calls the place `location`; empty where it does not say.
static StringRef getPath(Location location) {
  auto named = location->findInstanceOf<NameLoc>();
  return named ? named.getName().getValue() : StringRef();
}

/// What two paths have in common: whole names of modules, from the outermost on.
static StringRef getCommonPath(StringRef a, StringRef b) {
  auto isEnd = [](StringRef path, size_t length) {
    return length == path.size() || path[length] == '.' || path[length] == '/';
  };
  size_t length = 0, common = 0;
  for (; length < std::min(a.size(), b.size()) && a[length] == b[length]; ++length)
    if (isEnd(a, length))
      common = length;
  return a.take_front(isEnd(a, length) && isEnd(b, length) ? length : common);
}

std::string sprint::findName(ArrayRef<Location> parts) {
  StringRef first = getPath(parts.front()), path = first;
  for (Location part : parts.drop_front())
    if (StringRef other = getPath(part); !other.empty())
      path = getCommonPath(path, other);
  if (path.empty())
    path = first;
  // Of a path the end tells more. What makes a name unique needs room, too.
  constexpr size_t kMaxLength = 200;
  std::string name = path.take_back(kMaxLength).str();
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
