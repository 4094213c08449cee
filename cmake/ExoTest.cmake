# SPDX-License-Identifier: MIT
#
# exo_unit(name SOURCES file… [USES layer…] [LABEL label])
#
# A host test program on Check. SOURCES are the test's file and whatever it tests that
# is no PURE layer. Named unit.<name> in ctest, labelled `unit` and LABEL.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)

file(GLOB support_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/support/*.c)
# Objects, not an archive: the layers call back into it (exo_assert_failed), and come later.
add_library(exo_test_support OBJECT ${support_sources})
target_link_libraries(exo_test_support PUBLIC exo_flags PkgConfig::CHECK
    exo_mm exo_sched exo_netstack exo_dev_ring)

function(exo_unit name)
    cmake_parse_arguments(T "" "LABEL" "SOURCES;USES" ${ARGN})
    add_executable(unit_${name} ${T_SOURCES})
    target_link_libraries(unit_${name} PRIVATE exo_test_support)
    foreach(layer ${T_USES})
        target_link_libraries(unit_${name} PRIVATE exo_${layer})
    endforeach()
    add_test(NAME unit.${name} COMMAND unit_${name})
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;${T_LABEL}" TIMEOUT 300)
endfunction()
