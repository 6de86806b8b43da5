// RUN: sprint-opt %s --sprint-host-mark-distinct-pointers | FileCheck %s

// CHECK: llvm.func @sprint_loop(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: i64, %{{.*}}: !llvm.ptr {llvm.noalias})
llvm.func @sprint_loop(%a: !llvm.ptr, %b: !llvm.ptr, %c: i64, %d: !llvm.ptr) attributes {distinct_pointers = array<i64: 1, 3>} {
  llvm.return
}

// CHECK: llvm.func @other(%{{.*}}: !llvm.ptr)
llvm.func @other(%a: !llvm.ptr) {
  llvm.return
}
