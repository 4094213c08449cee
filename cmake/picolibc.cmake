# SPDX-License-Identifier: MIT
#
# exo_libc: picolibc as a target. Built at configure time by exocore_cli/picolibc.py into
# build/deps (or EXOCORE_CACHE), shared by every preset; a second configure finds it there.
# Replaces the host's headers: no metal source sees /usr/include.
set(exo_cache "$ENV{EXOCORE_CACHE}")
if(NOT exo_cache)
    set(exo_cache ${PROJECT_SOURCE_DIR}/build/deps)
endif()
execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/sdk/bin/exocore_cli/picolibc.py
        --cache ${exo_cache} --cc ${CMAKE_C_COMPILER} --ar ${CMAKE_AR} -- ${EXO_MACHINE_FLAGS}
    OUTPUT_VARIABLE picolibc_dir OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE picolibc_failed)
if(picolibc_failed)
    message(FATAL_ERROR "no C library: see the line above")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/sdk/bin/exocore_cli/picolibc.py)
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE gcc_include OUTPUT_STRIP_TRAILING_WHITESPACE)

# ./exocore configures again when this file is gone, as after a cleared cache.
file(WRITE ${PROJECT_BINARY_DIR}/libc.txt ${picolibc_dir}/lib/libc.a)

add_library(exo_libc STATIC IMPORTED GLOBAL)
set_target_properties(exo_libc PROPERTIES
    IMPORTED_LOCATION ${picolibc_dir}/lib/libc.a
    INTERFACE_LINK_LIBRARIES gcc)
target_compile_options(exo_libc INTERFACE $<$<COMPILE_LANGUAGE:C>:-nostdinc
    -isystem${picolibc_dir}/include -isystem${gcc_include}>)
