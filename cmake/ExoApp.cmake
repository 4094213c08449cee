# SPDX-License-Identifier: MIT
#
# exo_app(name SOURCES file… [USES layer…] [PORTS HOST:GUEST[/udp]…] [CMDLINE text]
#         [PRINTF integer])
# exo_test_image(…)   the same for an image that only tests boot
#
# An app is one ELF file with all that it links, and a disk image that boots it:
#
#   <name>.elf    with debug information, for gdb
#   <name>.img    loaders for BIOS and UEFI, and two slots: the stripped ELF in A
#   <name>.json   what `exocore run` needs to know: image, ports, sizes
#
# It links hal, core and sdk, and the layers that it USES with those they see; nothing
# else is on the linker's command line. USES mm gives it malloc, USES netstack sched dev
# gives it sockets. PORTS are forwarded by `exocore run`, HOST on this machine to GUEST.
# PRINTF integer links the small printf and scanf, without floating point (9 KB less).
#
# EXO_APPS, a list, restricts a tree to some apps; empty means all, and the test images.
set(EXO_APPS "" CACHE STRING "apps to build; empty: all of them, and the test images")

# The loaders: raw binaries, assembled once per tree. exo_loader(option of pack, source, binary).
file(GLOB boot_sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/bootloader/*.asm ${PROJECT_SOURCE_DIR}/bootloader/*.inc)
macro(exo_loader option source binary)
    add_custom_command(
        OUTPUT ${PROJECT_BINARY_DIR}/${binary}
        COMMAND ${CMAKE_ASM_NASM_COMPILER} -f bin -Werror -I ${PROJECT_SOURCE_DIR}/bootloader/
            -o ${PROJECT_BINARY_DIR}/${binary} ${PROJECT_SOURCE_DIR}/bootloader/${source}
        DEPENDS ${boot_sources}
        VERBATIM)
    list(APPEND EXO_LOADERS ${PROJECT_BINARY_DIR}/${binary})
    list(APPEND EXO_LOADER_ARGS ${option} ${PROJECT_BINARY_DIR}/${binary})
endmacro()
exo_loader(--stage1 stage1.asm stage1.bin)
exo_loader(--stage2 stage2.asm stage2.bin)
exo_loader(--efi uefi.asm BOOTX64.EFI)
add_custom_target(bootloader DEPENDS ${EXO_LOADERS})

# The direct road's entry is linked into every image (kernel.ld says where).
add_library(exo_direct OBJECT ${PROJECT_SOURCE_DIR}/bootloader/pvh.asm)
target_include_directories(exo_direct PRIVATE ${PROJECT_SOURCE_DIR}/bootloader)
set_source_files_properties(${PROJECT_SOURCE_DIR}/bootloader/pvh.asm PROPERTIES
    OBJECT_DEPENDS "${boot_sources}")

set(EXO_TOOLS ${PROJECT_SOURCE_DIR}/sdk/bin)
file(GLOB EXO_TOOL_SOURCES CONFIGURE_DEPENDS ${EXO_TOOLS}/exocore_cli/*.py)

# Runs a module of exocore_cli: exo_tool(variable module argument…) sets a command.
macro(exo_tool variable module)
    set(${variable} ${CMAKE_COMMAND} -E env PYTHONPATH=${EXO_TOOLS} PYTHONDONTWRITEBYTECODE=1
        ${Python3_EXECUTABLE} -m exocore_cli.${module} ${ARGN})
endmacro()

function(exo_app name)
    if(EXO_APPS AND NOT name IN_LIST EXO_APPS)
        return()
    endif()
    exo_image(${name} ${ARGN})
endfunction()

function(exo_test_image name)
    if(NOT EXO_APPS)
        exo_image(${name} ${ARGN})
    endif()
endfunction()

function(exo_image name)
    cmake_parse_arguments(A "" "CMDLINE;PRINTF" "SOURCES;USES;PORTS" ${ARGN})
    if(A_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "exo_app(${name}): unknown argument ${A_UNPARSED_ARGUMENTS}")
    endif()
    exo_image_check(${name} "${A_SOURCES}" "${A_PORTS}")
    add_executable(${name} ${A_SOURCES} $<TARGET_OBJECTS:exo_direct>)
    set_target_properties(${name} PROPERTIES
        SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    exo_image_link(${name} ${A_USES})
    if(A_PRINTF STREQUAL "integer")
        target_link_options(${name} PRIVATE
            -Wl,--defsym=vfprintf=__l_vfprintf -Wl,--defsym=vfscanf=__l_vfscanf)
    elseif(A_PRINTF)
        message(FATAL_ERROR "exo_app(${name}): PRINTF is 'integer' or left out")
    endif()
    exo_image_pack(${name} "${A_CMDLINE}" ${A_PORTS})
endfunction()

# A misspelt word lands among the sources, so that both mistakes show there.
function(exo_image_check name sources ports)
    foreach(source ${sources})
        get_filename_component(path ${source} ABSOLUTE)
        get_property(made SOURCE ${source} PROPERTY GENERATED)
        if(NOT EXISTS ${path} AND NOT made AND NOT source MATCHES "^[$]<")
            message(FATAL_ERROR "exo_app(${name}): there is no source file ${source} (the words "
                "are SOURCES, USES, PORTS, CMDLINE and PRINTF)")
        endif()
    endforeach()
    foreach(port ${ports})
        if(NOT port MATCHES "^[0-9]+:[0-9]+(/(tcp|udp))?$")
            message(FATAL_ERROR "exo_app(${name}): PORTS ${port}: write it as HOST:GUEST or "
                "HOST:GUEST/udp")
        endif()
    endforeach()
endfunction()

# The link: one group, because core calls up into sdk (exo_start) and sdk down into core.
set(CMAKE_LINK_GROUP_USING_RESCAN "LINKER:--start-group" "LINKER:--end-group")
set(CMAKE_LINK_GROUP_USING_RESCAN_SUPPORTED TRUE)
function(exo_image_link name)
    set(layers "")
    foreach(layer sdk ${ARGN} core hal)
        if(NOT TARGET exo_${layer})
            message(FATAL_ERROR "exo_app(${name}): USES ${layer}: no such layer (there are "
                "mm, sched, netstack and dev)")
        endif()
        list(APPEND layers exo_${layer})
    endforeach()
    list(REMOVE_DUPLICATES layers)
    list(JOIN layers "," group)
    set(script ${PROJECT_SOURCE_DIR}/sdk/start/kernel.ld)
    target_link_libraries(${name} PRIVATE exo_flags "$<LINK_GROUP:RESCAN,${group},exo_libc>")
    target_link_options(${name} PRIVATE -T ${script})
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${script})
endfunction()

# After the link: symbols into the ELF, then image and manifest.
function(exo_image_pack name cmdline)
    exo_tool(fill symbols $<TARGET_FILE:${name}>)
    add_custom_command(TARGET ${name} POST_BUILD COMMAND ${fill} VERBATIM)

    set(stem ${PROJECT_BINARY_DIR}/${name})
    set(ports ${ARGN})
    list(TRANSFORM ports PREPEND --port=)
    exo_tool(pack pack --name ${name} --elf $<TARGET_FILE:${name}> ${EXO_LOADER_ARGS}
        --image ${stem}.img --manifest ${stem}.json "--cmdline=${cmdline}" ${ports})
    add_custom_command(
        OUTPUT ${stem}.img ${stem}.json
        COMMAND ${pack}
        DEPENDS ${name} bootloader ${EXO_LOADERS} ${EXO_TOOL_SOURCES}
        VERBATIM)
    add_custom_target(${name}_image ALL DEPENDS ${stem}.img ${stem}.json)
endfunction()

# exo_image_test(NAME name APP image COMMAND argument… [TIMEOUT seconds] [LABELS label…])
#
# A test that boots an image, in the trees that build it. $<…:image> and ${…}/image.img work
# in COMMAND as in add_test. QEMU tests take turns: they are timed by the guest's patience.
function(exo_image_test)
    cmake_parse_arguments(T "" "NAME;APP;TIMEOUT" "COMMAND;LABELS" ${ARGN})
    if(NOT TARGET ${T_APP})
        return()
    endif()
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 300)
    endif()
    add_test(NAME ${T_NAME} COMMAND ${T_COMMAND})
    set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${T_TIMEOUT} RESOURCE_LOCK qemu
        LABELS "boot;${T_LABELS}" ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

# exo_boot_test(NAME name APP image [DIRECT] [argument of test/support/boot_test.py…])
#
# DIRECT gives the ELF file to QEMU instead of the disk image.
function(exo_boot_test)
    cmake_parse_arguments(T "DIRECT" "NAME;APP" "" ${ARGN})
    set(file ${PROJECT_BINARY_DIR}/${T_APP}.img)
    if(T_DIRECT)
        set(file ${PROJECT_BINARY_DIR}/${T_APP}.elf --firmware direct)
    endif()
    exo_image_test(NAME ${T_NAME} APP ${T_APP}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/test/support/boot_test.py
            ${file} ${T_UNPARSED_ARGUMENTS})
endfunction()
