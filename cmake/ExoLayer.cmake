# SPDX-License-Identifier: MIT
#
# exo_layer(name SEES layer… [PURE] [DIR folder])
#
# A layer is a folder and a library target exo_<name>. SEES are its arrows: link
# dependencies, and the only layers whose headers it may include (test/tidy/layers.py
# holds every #include against the table). A PURE layer is built in host trees too, and
# test/tidy/purity.py proves by nm that it keeps no state and calls nothing outside.
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
    set(EXO_METAL ON)
else()
    set(EXO_METAL OFF)
endif()

add_library(exo_flags INTERFACE)
target_include_directories(exo_flags INTERFACE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/sdk/include)
target_compile_options(exo_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wpointer-arith
    -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wconversion -Wno-sign-conversion
    -Wimplicit-fallthrough -fno-strict-aliasing -fno-common -g>)
if(NOT EXO_METAL)
    target_compile_options(exo_flags INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-O1 -fno-omit-frame-pointer -fsanitize=address,undefined
        -fno-sanitize-recover=all>)
    target_link_options(exo_flags INTERFACE -fsanitize=address,undefined)
endif()

set_property(GLOBAL PROPERTY EXO_LAYERS "")

function(exo_layer name)
    cmake_parse_arguments(L "PURE" "DIR" "SEES" ${ARGN})
    if(NOT L_DIR)
        set(L_DIR ${name})
    endif()
    list(JOIN L_SEES "," sees)
    set_property(GLOBAL APPEND PROPERTY EXO_LAYERS "${name}|${L_DIR}|${sees}|${L_PURE}")
    if(NOT EXO_METAL AND NOT L_PURE)
        return()
    endif()

    file(GLOB_RECURSE sources CONFIGURE_DEPENDS
        ${PROJECT_SOURCE_DIR}/${L_DIR}/*.c ${PROJECT_SOURCE_DIR}/${L_DIR}/*.asm)
    if(name STREQUAL "dev")
        list(FILTER sources EXCLUDE REGEX "/dev/ring/")
    endif()
    if(NOT sources)
        add_library(exo_${name} INTERFACE)
        target_link_libraries(exo_${name} INTERFACE exo_flags)
        return()
    endif()
    add_library(exo_${name} STATIC ${sources})
    target_link_libraries(exo_${name} PUBLIC exo_flags)
    foreach(seen ${L_SEES})
        target_link_libraries(exo_${name} PUBLIC exo_${seen})
    endforeach()
endfunction()
