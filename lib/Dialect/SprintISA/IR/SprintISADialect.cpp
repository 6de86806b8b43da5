//===- SprintISADialect.cpp - The command dialect -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sprint_isa;

#include "Sprint/Dialect/SprintISA/IR/SprintISADialect.cpp.inc"
#include "Sprint/Dialect/SprintISA/IR/SprintISAEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISAAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISATypes.cpp.inc"

#include "Sprint/Dialect/SprintISA/IR/SprintISAInterfaces.cpp.inc"

void SprintISADialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Sprint/Dialect/SprintISA/IR/SprintISATypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Sprint/Dialect/SprintISA/IR/SprintISAAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Sprint/Dialect/SprintISA/IR/SprintISAOps.cpp.inc"
      >();
}

StringRef SprintISADialect::getValueFormCommand(Operation *op) {
  StringRef mnemonic = op->getName().stripDialect();
  bool isValueForm =
      isa_and_nonnull<SprintISADialect>(op->getDialect()) && mnemonic.consume_front("value.");
  return isValueForm ? mnemonic : StringRef();
}
