//===- Passes.td - From tensors to code of the host ---------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_EXECUTION_PASSES_TD
#define SPRINT_EXECUTION_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// On tensors
//===----------------------------------------------------------------------===//

def SprintHostCheckTensors : Pass<"sprint-host-check-tensors", "::mlir::ModuleOp"> {
  let summary = "refuse what could take the process along";
  let description = [{
    Fails at ops that are not bound to tensors, those of the LLVM dialect and memory on the stack; at functions that call themselves; at a
    constant whose resource has not the data that its type stands for; and at an op with indices in the body of another one, whose indices
    upstream's CSE would mix up. Changes nothing.

    Example: `memref.alloca() : memref<1000000000xf32>` fails with "expected code on tensors, got 'memref.alloca'".
  }];
  let statistics = [Statistic<"numChecked", "num-checked", "Number of ops checked">];
}

def SprintHostDecomposeTensors : Pass<"sprint-host-decompose-tensors", "::mlir::ModuleOp"> {
  let summary = "replace ops on tensors that nothing lowers further down";
  let description = [{
    Replaces ops that have no buffers of their own, or that no later pass lowers, by ops that have: `tensor.concat`, `tensor.gather`,
    `tensor.bitcast`, `linalg.softmax`, `linalg.pack` and `linalg.unpack`, arithmetic on whole tensors, `math.isinf`, `math.clampf`. An f64 becomes a
    bf16 by way of f32, as in PyTorch.

    Example:

    ```mlir
    %0 = math.isinf %x : f32
    ```

    becomes

    ```mlir
    %infinity = arith.constant 0x7F800000 : f32
    %1 = math.absf %x : f32
    %0 = arith.cmpf oeq, %1, %infinity : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
  let statistics = [Statistic<"numDecomposed", "num-decomposed", "Number of ops replaced">];
}

def SprintHostInsertAsserts : Pass<"sprint-host-insert-asserts", "::mlir::ModuleOp"> {
  let summary = "assert what has to hold at run time";
  let description = [{
    Puts a `cf.assert` in front of each op that MLIR knows how to verify at run time: its sizes have to agree, and its indices to be within
    bounds. The same for `tensor.expand_shape` and `tensor.reshape`, whose sizes have to multiply to those of the source; for a
    `tensor.extract` in the body of a linalg op, unless its index is known to be within bounds in every iteration; and for a division of
    integers, which has to have a result. The sizes of linalg ops that are all static were compared by their verifier.

    The message of an assertion, also of one that was there before, says from which arguments of a public function its condition
    follows: the sizes or the integers of which of them are wrong.

    Example:

    ```mlir
    %0 = arith.divui %a, %b : i32
    ```

    becomes

    ```mlir
    %zero = arith.constant 0 : i32
    %1 = arith.cmpi ne, %b, %zero : i32
    cf.assert %1, "division by zero"
    %0 = arith.divui %a, %b : i32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
  let statistics = [Statistic<"numVerified", "num-verified", "Number of ops that MLIR verifies at run time">];
}

def SprintHostFoldIntoContractions : Pass<"sprint-host-fold-into-contractions", "::mlir::ModuleOp"> {
  let summary = "read through transposes and broadcasts of a contraction's inputs";
  let description = [{
    A contraction adds products of the elements of two inputs to an output, all of them floats, at indices that are linear in the loops:
    matrix products, convolutions, and generics that are one. Where an input is a transpose or a broadcast, the contraction becomes a
    `linalg.generic` that reads what was transposed, so that no copy of a weight is made.

    Example:

    ```mlir
    %t = linalg.transpose ins(%w : tensor<3x5xf32>) outs(%e : tensor<5x3xf32>) permutation = [1, 0]
    %0 = linalg.matmul ins(%x, %t : tensor<4x5xf32>, tensor<5x3xf32>) outs(%i : tensor<4x3xf32>) -> tensor<4x3xf32>
    ```

    becomes a generic with the maps `(i, j, k) -> (i, k)`, `(j, k)` and `(i, j)` on `%x` and `%w`.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numFolded", "num-folded", "Number of transposes and broadcasts folded">];
}

def SprintHostFuseElementwise : Pass<"sprint-host-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "compute an element where it is read, if it is read once";
  let description = [{
    Upstream's fusion of elementwise ops, of those intermediate tensors alone whose elements are each read once; contractions, which are
    calls later, are left as they are. Results of linalg ops that nobody reads are dropped.

    Example:

    ```mlir
    %0 = linalg.generic ... ins(%x : tensor<8xf32>) { ... math.exp ... } -> tensor<8xf32>
    %1 = linalg.generic ... ins(%0 : tensor<8xf32>) { ... arith.negf ... } -> tensor<8xf32>
    ```

    becomes one generic that computes both.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numRewritten", "num-rewritten", "Number of ops fused or freed of a result">];
}

def SprintHostSplitDestinations : Pass<"sprint-host-split-destinations", "::mlir::ModuleOp"> {
  let summary = "give each user of a destination one that it may overwrite";
  let description = [{
    Copies the `linalg.fill` of a `tensor.empty` in front of each of its users in the same block, as bufferization would copy the filled
    tensor for all users but one.

    Copies a `tensor.empty` in front of each of its users that computes into it: bufferization compares all of them with one another.

    Copies a `tensor.empty` for each tensor that a loop carries from it. Bufferization takes what has no contents for what nobody reads,
    and would let two tensors of one loop share a buffer that both write.

    Example:

    ```mlir
    %0 = linalg.fill ins(%zero : f32) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
    %1 = linalg.add ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%0 : tensor<8xf32>) -> tensor<8xf32>
    %2 = linalg.add ins(%b, %b : tensor<8xf32>, tensor<8xf32>) outs(%0 : tensor<8xf32>) -> tensor<8xf32>
    ```

    gets a second empty tensor and a second fill in front of `%2`.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSplit", "num-split", "Number of users given a destination of their own">];
}

def SprintHostExternalizeConstants : Pass<"sprint-host-externalize-constants", "::mlir::ModuleOp"> {
  let summary = "leave weights where they are in memory";
  let description = [{
    Replaces constant tensors of 1024 bytes and more by declarations of globals, so that LLVM never sees their elements. The attribute
    `sprint.host_constants` of the module has the elements of each, by the name of its global: who links the code defines the globals at
    the places of the elements. Splats, and booleans that MLIR packs, stay constants.

    Example:

    ```mlir
    module {
      func.func @main() -> tensor<512xf32> {
        %0 = arith.constant dense_resource<weights> : tensor<512xf32>
        return %0 : tensor<512xf32>
      }
    }
    ```

    becomes

    ```mlir
    module attributes {sprint.host_constants = {sprint_constant = dense_resource<weights> : tensor<512xf32>}} {
      memref.global @sprint_constant : memref<512xf32>
      func.func @main() -> tensor<512xf32> {
        %0 = memref.get_global @sprint_constant : memref<512xf32>
        %1 = bufferization.to_tensor %0 restrict : memref<512xf32> to tensor<512xf32>
        return %1 : tensor<512xf32>
      }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect", "::mlir::sprint::SprintDialect"
  ];
  let statistics = [Statistic<"numExternalized", "num-externalized", "Number of different constants">];
}

def SprintHostSplitReaders : Pass<"sprint-host-split-readers", "::mlir::ModuleOp"> {
  let summary = "give readers of what nobody writes tensors of their own";
  let description = [{
    For each reader of a tensor, bufferization looks at all that read its memory. Where nobody may write to it, as to constants, arguments
    with `bufferization.writable = false` and what is a view of these, gives each `max-readers` of them a tensor of its own of the same
    memory.

    Example: with `max-readers=1`, where `%a` is no argument to write to,

    ```mlir
    call @read(%a) : (tensor<8xf32>) -> ()
    call @read(%a) : (tensor<8xf32>) -> ()
    ```

    becomes

    ```mlir
    %0 = bufferization.to_buffer %a read_only : tensor<8xf32> to memref<8xf32>
    %1 = bufferization.to_tensor %0 restrict : memref<8xf32> to tensor<8xf32>
    %2 = bufferization.to_tensor %0 restrict : memref<8xf32> to tensor<8xf32>
    call @read(%1) : (tensor<8xf32>) -> ()
    call @read(%2) : (tensor<8xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
  let options = [Option<"maxReaders", "max-readers", "unsigned", "16", "Readers that share a tensor">];
  let statistics = [Statistic<"numSplit", "num-split", "Number of tensors made for some of the readers of another">];
}

//===----------------------------------------------------------------------===//
// On buffers
//===----------------------------------------------------------------------===//

def SprintHostDropBufferAccess : Pass<"sprint-host-drop-buffer-access", "::mlir::ModuleOp"> {
  let summary = "drop what served bufferization alone";
  let description = [{
    Removes `bufferization.access` from the arguments of functions: what it says of their buffers has served when there are buffers,
    and the translation to LLVM warns of it.

    Example: `func.func private @read(memref<*xf32> {bufferization.access = "read"})` becomes `func.func private @read(memref<*xf32>)`.
  }];
  let statistics = [Statistic<"numDropped", "num-dropped", "Number of attributes dropped">];
}

def SprintHostCopyToRowMajor : Pass<"sprint-host-copy-to-row-major", "::mlir::ModuleOp"> {
  let summary = "copy where bufferization casts to a row-major layout";
  let description = [{
    At the boundaries of functions, bufferization casts a slice to the row-major layout where its strides might be the row-major ones at
    run time, though they need not be. Allocates a buffer of that layout instead, and copies.

    Example:

    ```mlir
    %0 = memref.cast %a : memref<4x?xf32, strided<[?, 1], offset: ?>> to memref<4x?xf32>
    ```

    becomes

    ```mlir
    %c1 = arith.constant 1 : index
    %size = memref.dim %a, %c1 : memref<4x?xf32, strided<[?, 1], offset: ?>>
    %0 = memref.alloc(%size) : memref<4x?xf32>
    memref.copy %a, %0 : memref<4x?xf32, strided<[?, 1], offset: ?>> to memref<4x?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numCopied", "num-copied", "Number of casts replaced by copies">];
}

def SprintHostFreeAfterUse : Pass<"sprint-host-free-after-use", "::mlir::ModuleOp"> {
  let summary = "free what a block allocates and uses alone";
  let description = [{
    Upstream's deallocation compares all buffers of a block with one another. Frees those behind their last use of which that is known, and
    says with `bufferization.manual_deallocation` that nothing is left to do.

    Example:

    ```mlir
    %a = memref.alloc() : memref<8xf32>
    call @fill(%a) : (memref<8xf32>) -> ()
    call @other() : () -> ()
    ```

    becomes

    ```mlir
    %a = memref.alloc() {bufferization.manual_deallocation} : memref<8xf32>
    call @fill(%a) : (memref<8xf32>) -> ()
    memref.dealloc %a {bufferization.manual_deallocation} : memref<8xf32>
    call @other() : () -> ()
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numFreed", "num-freed", "Number of buffers freed">];
}

def SprintHostLowerStridedCopies : Pass<"sprint-host-lower-strided-copies", "::mlir::ModuleOp"> {
  let summary = "copy strided memory in loops";
  let description = [{
    Makes a `linalg.generic` of each `memref.copy` whose source or target is no contiguous memory: upstream lowers those to a call of
    MLIR's runner library, and loops need none.

    Example: `memref.copy %a, %b : memref<2x2xf32, strided<[4, 1]>> to memref<2x2xf32>` becomes a generic with two parallel loops whose
    body yields the element that it reads.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of copies lowered">];
}

def SprintHostLowerContractions : Pass<"sprint-host-lower-contractions", "::mlir::ModuleOp"> {
  let summary = "turn contractions into calls of a library";
  let description = [{
    Replaces each contraction (see `sprint-host-fold-into-contractions`) by a call of `sprintContract`, which takes the address of a
    description of the contraction: format, address and strides of each operand, trip counts of the loops, and whether the result, which a
    fill with zeros stands directly in front of, need not be read. `lib/Execution/ContractionKernel.h` has its layout. The fill is erased then.

    Example:

    ```mlir
    linalg.matmul ins(%a, %b : memref<4x5xf32>, memref<5x3xf32>) outs(%c : memref<4x3xf32>)
    ```

    becomes

    ```mlir
    %words = memref.alloca() : memref<20xi64>
    ... // 8 words for the operands, then 4 for each of the 3 loops
    %address = memref.extract_aligned_pointer_as_index %words : memref<20xi64> -> index
    %0 = arith.index_cast %address : index to i64
    call @sprintContract(%0) : (i64) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of contractions turned into calls">];
}

def SprintHostOutlineLoops : Pass<"sprint-host-outline-loops", "::mlir::ModuleOp"> {
  let summary = "put each outermost loop into a function of its own";
  let description = [{
    Passes of LLVM take time that grows faster than a function does, so each outermost `scf.for` becomes a function that is not inlined
    again. It has constants and globals that are all one value in itself, and takes other globals as arguments, so that the loops of all
    layers of a model are the same. Its attribute `distinct_pointers` has the numbers of those pointers among its arguments, in the LLVM dialect, through which memory
    is reached that no other argument reaches; `sprint-host-mark-distinct-pointers` reads it.

    Example:

    ```mlir
    scf.for %i = %c0 to %n step %c1 {
      memref.store %x, %a[%i] : memref<?xf32>
    }
    ```

    becomes

    ```mlir
    call @sprint_loop(%n, %x, %a) : (index, f32, memref<?xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [Statistic<"numOutlined", "num-outlined", "Number of loops outlined">];
}

def SprintHostLowerDynamicExpansions : Pass<"sprint-host-lower-dynamic-expansions", "::mlir::ModuleOp"> {
  let summary = "expand one dimension to several dynamic ones";
  let description = [{
    Upstream's lowering of `memref.expand_shape` derives the one dynamic size of a group, and crashes where there are two. Makes a
    `memref.reinterpret_cast` of the latter, by the sizes that the op has.

    Example:

    ```mlir
    %0 = memref.expand_shape %a [[0, 1]] output_shape [%m, %n] : memref<?xf32> into memref<?x?xf32>
    ```

    becomes

    ```mlir
    %base, %offset, %size, %stride = memref.extract_strided_metadata %a : memref<?xf32> -> memref<f32>, index, index, index
    %0 = memref.reinterpret_cast %base to offset: [0], sizes: [%m, %n], strides: [%n, 1] : memref<f32> to memref<?x?xf32>
    ```

    where the stride of the outer dimension is the product that the sizes tell.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of expansions lowered">];
}

//===----------------------------------------------------------------------===//
// On the way to LLVM
//===----------------------------------------------------------------------===//

def SprintHostLowerAsserts : Pass<"sprint-host-lower-asserts", "::mlir::ModuleOp"> {
  let summary = "call the host where an assert fails";
  let description = [{
    Replaces each `cf.assert`, with which upstream would abort the process, by a call. What runs once passes truth value and message to
    `sprintCheckExecution`, which returns if the value is not 0; thousands of branches would take long to compile. What stands in a loop
    or branch calls `sprintFailExecution` with the message, behind a branch. The message begins with the place in the source.
    A condition that is asserted twice in a block is asserted once.

    Example:

    ```mlir
    cf.assert %0, "division by zero"
    ```

    becomes

    ```mlir
    %1 = arith.extui %0 : i1 to i64
    %2 = llvm.mlir.addressof @sprint_message_0 : !llvm.ptr
    ...
    llvm.call @sprintCheckExecution(%1, %3) : (i64, !llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numLowered", "num-lowered", "Number of asserts lowered">,
    Statistic<"numRepeated", "num-repeated", "Number of asserts that repeat one">,
  ];
}

def SprintHostPackBoundary : Pass<"sprint-host-pack-boundary", "::mlir::ModuleOp"> {
  let summary = "pass the tensors of the entry in memory";
  let description = [{
    Upstream passes each memref as 3 + 2 * rank numbers, and LLVM takes time that grows faster than the number of arguments of a call. Makes
    of the function `entry`, of one block and on row-major memrefs alone, one that takes two pointers to arrays of words of 64 bits: for each
    of its arguments, in order, the address of its elements and its dynamic sizes; for each result the same, which the function writes. An
    argument is read in front of its first use.

    Example:

    ```mlir
    func.func @main(%a: memref<?xf32>, %b: memref<4xf32>) -> memref<4xf32> {
      ...
      return %b : memref<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%inputs: !llvm.ptr, %outputs: !llvm.ptr) {
      ...
      %0 = llvm.getelementptr %inputs[2] : (!llvm.ptr) -> !llvm.ptr, i64
      %1 = llvm.load %0 : !llvm.ptr -> !llvm.ptr
      ... // the descriptor of %b: this address, size 4, stride 1
      %2 = llvm.getelementptr %outputs[0] : (!llvm.ptr) -> !llvm.ptr, i64
      llvm.store %word, %2 : i64, !llvm.ptr // the address of the elements of %b
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"];
  let options = [Option<"entry", "entry", "std::string", "\"main\"", "The function that is called from outside">];
  let statistics = [Statistic<"numPacked", "num-packed", "Number of arguments and results passed in memory">];
}

def SprintHostMergeLoops : Pass<"sprint-host-merge-loops", "::mlir::ModuleOp"> {
  let summary = "compile what several layers do once";
  let description = [{
    Has what calls functions of `sprint-host-outline-loops` that do the same call one of them, and erases the others. Where in the source a
    loop stands makes no difference, but what it says of that where it fails does.

    Example:

    ```mlir
    call @sprint_loop(%a) : (memref<8xf32>) -> ()
    call @sprint_loop_0(%b) : (memref<8xf32>) -> ()
    ```

    becomes

    ```mlir
    call @sprint_loop(%a) : (memref<8xf32>) -> ()
    call @sprint_loop(%b) : (memref<8xf32>) -> ()
    ```
  }];
  let statistics = [Statistic<"numMerged", "num-merged", "Number of functions erased">];
}

def SprintHostKeepRoundings : Pass<"sprint-host-keep-roundings", "::mlir::ModuleOp"> {
  let summary = "make each cast between floats round";
  let description = [{
    Upstream lets the casts around what it computes in a wider type be contracted, and folds then take a cast back and the next one
    away. Removes their flags.

    Example: `arith.truncf %0 fastmath<contract> : f32 to bf16` becomes `arith.truncf %0 : f32 to bf16`.
  }];
  let statistics = [Statistic<"numKept", "num-kept", "Number of casts that lost a flag">];
}

def SprintHostApproximateMath : Pass<"sprint-host-approximate-math", "::mlir::ModuleOp"> {
  let summary = "compute exp, erf and tanh by polynomials";
  let description = [{
    Upstream's polynomials in place of those functions that LLVM could not vectorise as calls of libm: `math.exp`, `math.erf` and
    `math.tanh` of f32. Their relative error is at most 3e-7.

    Example: `math.tanh %x : f32` becomes a quotient of two polynomials of `%x`, whose absolute value is limited.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
  let statistics = [Statistic<"numApproximated", "num-approximated", "Number of functions approximated">];
}

def SprintHostMarkDistinctPointers : Pass<"sprint-host-mark-distinct-pointers", "::mlir::ModuleOp"> {
  let summary = "tell LLVM which buffers are distinct";
  let description = [{
    Marks as `llvm.noalias` what `sprint-host-outline-loops` has found out about the pointers that a function takes.

    Example: `llvm.func @sprint_loop(%arg0: !llvm.ptr, %arg1: !llvm.ptr, ...) attributes {distinct_pointers = array<i64: 1>}` becomes
    `llvm.func @sprint_loop(%arg0: !llvm.ptr, %arg1: !llvm.ptr {llvm.noalias}, ...)`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let statistics = [Statistic<"numMarked", "num-marked", "Number of pointers marked">];
}

def SprintHostCheckLowered : Pass<"sprint-host-check-lowered", "::mlir::ModuleOp"> {
  let summary = "refuse ops that no pass has lowered";
  let description = [{
    Fails at the first op that is not of the LLVM dialect, where the translation to LLVM would give up with several errors. Changes nothing.

    Example: `gpu.thread_id` fails with "expected ops that the host can run, got 'gpu.thread_id'".
  }];
  let statistics = [Statistic<"numChecked", "num-checked", "Number of ops checked">];
}

def SprintHostSplitBlocks : Pass<"sprint-host-split-blocks", "::mlir::ModuleOp"> {
  let summary = "put pieces of long blocks into functions of their own";
  let description = [{
    Passes of LLVM take time that grows faster than a block does. Cuts each block of more than `max-ops` ops, but for constants and
    what is computed of a few of them, into functions of that many, which are not inlined again nor optimised: what takes time at run time is in
    functions of its own. What one has of another, or of what is around the block, is in a frame, which is
    allocated where the function begins and freed where it returns; all that they take is its address. What was on the stack of the
    function is in the frame, too. A block that allocates on the stack what has no constant size, or where it may do so more than once,
    stays.

    Example: with `max-ops=1`,

    ```mlir
    llvm.func @main(%a: i64) -> i64 {
      %0 = llvm.add %a, %a : i64
      %1 = llvm.mul %0, %0 : i64
      llvm.return %1 : i64
    }
    ```

    becomes

    ```mlir
    llvm.func internal @sprint_piece(%frame: !llvm.ptr) attributes {no_inline, optimize_none} {
      %0 = llvm.getelementptr %frame[0] : (!llvm.ptr) -> !llvm.ptr, i8
      %a = llvm.load %0 {alignment = 16 : i64} : !llvm.ptr -> i64
      %1 = llvm.add %a, %a : i64
      %2 = llvm.getelementptr %frame[16] : (!llvm.ptr) -> !llvm.ptr, i8
      llvm.store %1, %2 {alignment = 16 : i64} : i64, !llvm.ptr
      llvm.return
    }
    ...
    llvm.func @main(%a: i64) -> i64 {
      %size = llvm.mlir.constant(32 : i64) : i64
      %frame = llvm.call @malloc(%size) : (i64) -> !llvm.ptr
      ... // stores %a
      llvm.call @sprint_piece(%frame) : (!llvm.ptr) -> ()
      llvm.call @sprint_piece_0(%frame) : (!llvm.ptr) -> ()
      ... // loads %1
      llvm.call @free(%frame) : (!llvm.ptr) -> ()
      llvm.return %1 : i64
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [Option<"maxOps", "max-ops", "unsigned", "256", "Ops of a block that stay together">];
  let statistics = [
    Statistic<"numBlocks", "num-blocks", "Number of blocks split">,
    Statistic<"numPieces", "num-pieces", "Number of functions made of them">,
  ];
}

#endif // SPRINT_EXECUTION_PASSES_TD
