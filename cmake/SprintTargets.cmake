# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How the compiler's libraries and tools are built: against the shared libMLIR,
# without exceptions, as LLVM itself.

# Flags and include paths of everything that includes an MLIR header.
add_library(SprintMLIR INTERFACE)
target_include_directories(SprintMLIR SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_include_directories(SprintMLIR INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
target_compile_options(SprintMLIR INTERFACE -fno-exceptions)
target_link_libraries(SprintMLIR INTERFACE MLIR LLVM)

# sprint_add_library(<name> <source>... [DEPENDS <target>...] [LINK <library>...])
# A library of the compiler. DEPENDS: generated headers that it includes.
function(sprint_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC SprintMLIR ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# sprint_add_tool(<name> <source>... LINK <library>...)
# An executable that ends in bin.
function(sprint_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE SprintMLIR ${ARG_LINK})
endfunction()

# sprint_tablegen(<td file> <output> <mlir-tblgen argument>...)
# One generated file; add_public_tablegen_target closes the set of a folder.
function(sprint_tablegen td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${output} ${ARGN} -I ${PROJECT_SOURCE_DIR}/include EXTRA_INCLUDES ${MLIR_INCLUDE_DIRS})
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()

# sprint_pass_declarations(<mlir-tblgen argument>...)
# Passes.h.inc of Passes.td, with statistics that count in every build of LLVM.
function(sprint_pass_declarations)
  sprint_tablegen(Passes.td Passes.mlir.inc -gen-pass-decls ${ARGN})
  set(input ${CMAKE_CURRENT_BINARY_DIR}/Passes.mlir.inc)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/Passes.h.inc)
  set(script ${PROJECT_SOURCE_DIR}/cmake/PassStatistics.cmake)
  add_custom_command(OUTPUT ${output} DEPENDS ${input} ${script}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output} -P ${script})
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} ${output} PARENT_SCOPE)
endfunction()
