//===- SprintISA.h - The command dialect -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISA_H
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISA_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

#include "Sprint/Dialect/SprintISA/IR/SprintISADialect.h.inc"
#include "Sprint/Dialect/SprintISA/IR/SprintISAEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISAAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISATypes.h.inc"

#include "Sprint/Dialect/SprintISA/IR/SprintISAInterfaces.h.inc"

#define GET_OP_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISAOps.h.inc"

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISA_H
