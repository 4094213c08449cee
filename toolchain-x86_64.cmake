# SPDX-License-Identifier: MIT
#
# The metal target: x86-64, ring 0, no operating system underneath. Debian's own gcc
# makes it; there is no cross compiler to build first.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# LTO objects need gcc's wrappers around ar and ranlib: plain ones see no symbols.
find_program(EXO_GCC NAMES x86_64-linux-gnu-gcc gcc REQUIRED)
find_program(EXO_GCC_AR NAMES x86_64-linux-gnu-gcc-ar gcc-ar REQUIRED)
find_program(EXO_GCC_RANLIB NAMES x86_64-linux-gnu-gcc-ranlib gcc-ranlib REQUIRED)
find_program(EXO_NASM NAMES nasm REQUIRED)
set(CMAKE_C_COMPILER ${EXO_GCC})
set(CMAKE_AR ${EXO_GCC_AR} CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB ${EXO_GCC_RANLIB} CACHE FILEPATH "" FORCE)
set(CMAKE_ASM_NASM_COMPILER ${EXO_NASM})
set(CMAKE_ASM_NASM_OBJECT_FORMAT elf64)
set(CMAKE_ASM_NASM_FLAGS_INIT "-g -F dwarf")

# What the machine demands: code that runs at any address and finds its data by its own
# (the loader chooses where), no red zone (an interrupt would write over it), frame pointers
# (backtraces follow them). picolibc is built with these too.
# The stack's canary is one word in sealed memory (core/canary.h): no CPU's block, which anybody
# can write, has to be trusted for it. Control-flow enforcement is off: docs/security.md.
set(EXO_MACHINE_FLAGS -fpie -fvisibility=hidden -mno-red-zone -fno-omit-frame-pointer
    -fno-asynchronous-unwind-tables -fstack-protector-strong -mstack-protector-guard=global
    -fcf-protection=none -ffunction-sections -fdata-sections)

# -fbuiltin takes back the half of -ffreestanding that hurts: mem* of a known small size
# becomes a few moves. The functions listed here stay ordinary calls. gcc leaves builtins
# out of an LTO object's symbol table, so the linker would fetch printf from the C library
# only after LTO, too late to fetch, as LTO code, the stdout that printf needs from us. And
# gcc would make fwrite of a fputs or a fprintf of constant text.
set(EXO_PORT_CALLS abort exit _exit _Exit printf vprintf fprintf puts fputs putchar
    putchar_unlocked scanf vscanf malloc calloc realloc free aligned_alloc posix_memalign strdup
    strndup)
list(TRANSFORM EXO_PORT_CALLS PREPEND -fno-builtin-)

list(JOIN EXO_MACHINE_FLAGS " " machine_flags)
list(JOIN EXO_PORT_CALLS " " port_flags)
# No gaps before functions, loops and the targets of jumps: they were a twentieth of an image,
# which firmware reads sector by sector.
set(unaligned "-fno-align-functions -fno-align-jumps -fno-align-loops -fno-align-labels")
# DWARF 4: in a line table of version 5, whose file 0 is LTO's <artificial>, binutils' addr2line
# (2.40) takes file 1 for that one.
set(CMAKE_C_FLAGS_INIT
    "-O2 ${unaligned} -gdwarf-4 -flto=auto -ffreestanding -fbuiltin ${port_flags} ${machine_flags}")
# A static PIE: what holds an address is listed, a bit a word (DT_RELR), for the loader to add
# how far it moved the image. kernel.ld refuses every other kind of relocation.
set(link_flags -static-pie -nostdlib -nostartfiles -Wl,--gc-sections,--build-id
    -Wl,-z,noexecstack,-z,max-page-size=4096,-z,pack-relative-relocs,-z,norelro)
list(JOIN link_flags " " CMAKE_EXE_LINKER_FLAGS_INIT)

# CMake takes these at a tree's first configure, and never again: a tree that was configured
# with others would go on with them, and its images would be dead. So it takes ours anew. That
# there was a first time, CMAKE_C_FLAGS_DEBUG tells, which is set later in it.
foreach(flags CMAKE_C_FLAGS CMAKE_EXE_LINKER_FLAGS CMAKE_ASM_NASM_FLAGS)
    if(DEFINED CACHE{CMAKE_C_FLAGS_DEBUG} AND
            NOT "$CACHE{EXO_${flags}}" STREQUAL "${${flags}_INIT}")
        set(${flags} "${${flags}_INIT}" CACHE STRING "" FORCE)
    endif()
    set(EXO_${flags} "${${flags}_INIT}" CACHE INTERNAL "what this tree was last configured with")
endforeach()
