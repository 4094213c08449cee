# SPDX-License-Identifier: MIT
#
# exo_layer(name SEES layer… [MAY layer…] [PURE] [DIR folder])
#
# A layer is a folder and a library target exo_<name>. SEES are its arrows: link
# dependencies, and the only layers whose headers it may include (test/tidy/layers.py
# holds every #include against the table). MAY are arrows of glue: files that include
# those layers, of which an app links one only together with the layer, by its USES.
# A PURE layer is built in host trees too, and test/tidy/purity.py proves by nm that it
# keeps no state and calls nothing outside.
add_library(exo_flags INTERFACE)
target_include_directories(exo_flags INTERFACE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/sdk/include)
target_compile_options(exo_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wpointer-arith
    -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wconversion -Wno-sign-conversion
    -Wimplicit-fallthrough -fno-strict-aliasing -fno-common -g>
    # An assertion's text names its file as the repository does, wherever that lies.
    $<$<COMPILE_LANGUAGE:C>:-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=>)
if(EXO_METAL)
    # The library's headers; the library itself is linked once, last, by exo_image.
    target_compile_options(exo_flags INTERFACE
        $<TARGET_PROPERTY:exo_libc,INTERFACE_COMPILE_OPTIONS>)
else()
    target_compile_options(exo_flags INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-O1 -fno-omit-frame-pointer -fsanitize=address,undefined
        -fno-sanitize-recover=all>)
    target_link_options(exo_flags INTERFACE -fsanitize=address,undefined)
endif()

set_property(GLOBAL PROPERTY EXO_LAYERS "")

function(exo_layer name)
    cmake_parse_arguments(L "PURE" "DIR" "SEES;MAY" ${ARGN})
    if(NOT L_DIR)
        set(L_DIR ${name})
    endif()
    list(JOIN L_SEES "," sees)
    set(may_include ${L_SEES} ${L_MAY})
    list(JOIN may_include "," may_include)
    set_property(GLOBAL APPEND PROPERTY EXO_LAYERS "${name}|${L_DIR}|${may_include}|${L_PURE}")
    if(NOT EXO_METAL AND NOT L_PURE)
        return()
    endif()

    file(GLOB_RECURSE sources CONFIGURE_DEPENDS
        ${PROJECT_SOURCE_DIR}/${L_DIR}/*.c ${PROJECT_SOURCE_DIR}/${L_DIR}/*.asm)
    if(name STREQUAL "dev")
        list(FILTER sources EXCLUDE REGEX "/dev/ring/")
    endif()
    if(EXO_METAL)
        set(only_if_used EXCLUDE_FROM_ALL)
    endif()
    add_library(exo_${name} STATIC ${only_if_used} ${sources})
    target_link_libraries(exo_${name} PUBLIC exo_flags)
    foreach(seen ${L_SEES})
        target_link_libraries(exo_${name} PUBLIC exo_${seen})
    endforeach()
endfunction()

# Writes the table where the tidy tests read it, once all layers are known: layers.txt, one
# line a layer: name|folder|layers it may include, by commas|TRUE or FALSE (PURE)
function(exo_layers_write)
    get_property(layers GLOBAL PROPERTY EXO_LAYERS)
    list(JOIN layers "\n" text)
    file(WRITE ${PROJECT_BINARY_DIR}/layers.txt "${text}\n")
endfunction()
