// RUN: sprint-opt %s --sprint-host-drop-buffer-access | FileCheck %s

// CHECK: func.func private @launch(i64, memref<*xf32>, memref<*xf32> {llvm.noalias}) attributes {llvm.emit_c_interface}
func.func private @launch(i64, memref<*xf32> {bufferization.access = "read"},
                          memref<*xf32> {bufferization.access = "write", llvm.noalias}) attributes {llvm.emit_c_interface}
