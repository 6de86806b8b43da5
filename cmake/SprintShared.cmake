# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How libraries that others load are linked.

# sprint_export_only(<target> <version script>)
# Nothing but what the version script names is visible from outside.
function(sprint_export_only target script)
  target_link_options(${target} PRIVATE -Wl,--version-script=${script})
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
endfunction()

# sprint_export_c_api(<target>)
# A library whose interface is the C API.
function(sprint_export_c_api target)
  sprint_export_only(${target} ${PROJECT_SOURCE_DIR}/cmake/CAPI.map)
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()
