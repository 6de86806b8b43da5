//===- FieldAttributesGen.cpp - Enumerants of commands as attributes ------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generates the bridge between the enumerants in command words and the attributes of the ops, so
// that the translation of streams names no single enumeration.
//
//===----------------------------------------------------------------------===//

#include "Records.h"
#include "llvm/TableGen/TableGenBackend.h"

using namespace llvm;
using namespace sprint::tblgen;

namespace {

void emitFieldAttributes(const RecordKeeper &records, raw_ostream &os) {
  CommandSet set(records);
  emitSourceFileHeader("Enumerants of commands as attributes", os, records);
  os << "#ifdef GET_ENCODE_ENUMERANT\n#undef GET_ENCODE_ENUMERANT\n\n"
        "/// What a command word holds for an enumerant's attribute.\n"
        "uint64_t encodeEnumerant(::mlir::Attribute attribute) {\n";
  for (const Enumeration *enumeration : set.fieldEnumerations())
    os << "  if (auto enumerant = ::llvm::dyn_cast<::mlir::sprint_isa::" << enumeration->name
       << "Attr>(attribute))\n    return static_cast<uint64_t>(enumerant.getValue());\n";
  os << "  llvm_unreachable(\"the op's verifier knows its attributes\");\n}\n\n"
        "#endif // GET_ENCODE_ENUMERANT\n\n"
        "#ifdef GET_DECODE_ENUMERANT\n#undef GET_DECODE_ENUMERANT\n\n"
        "/// The attribute of an enumerant that the decoder has checked.\n"
        "::mlir::Attribute decodeEnumerant(::sprint::FieldKind kind, uint64_t value,\n"
        "                                  ::mlir::MLIRContext *context) {\n"
        "  switch (kind) {\n";
  for (const Enumeration *enumeration : set.fieldEnumerations())
    os << "  case ::sprint::FieldKind::" << enumeration->name
       << ":\n    return ::mlir::sprint_isa::" << enumeration->name
       << "Attr::get(context, static_cast<::mlir::sprint_isa::" << enumeration->name
       << ">(value));\n";
  os << "  default:\n    return {};\n  }\n}\n\n#endif // GET_DECODE_ENUMERANT\n";
}

TableGen::Emitter::Opt registration("gen-field-attributes", emitFieldAttributes,
                                    "Generate the bridge between enumerants and attributes");

} // namespace
