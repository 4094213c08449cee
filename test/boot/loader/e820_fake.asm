; SPDX-License-Identifier: MIT
; e820_fake.asm - a BIOS with another memory map, of entries without attributes.
;
; By default: memory at 1 MiB is too short for any kernel, then comes a hole, then memory
; that is partly reserved, and an empty entry at the end. With -D ENDLESS the map has no
; end; with -D NONE there is none.

%include "chain.inc"

meddle  equ     hook_int15

int15:
    cmp     eax, 0xe820
    je      .map
    jmp     far [cs:old_int15]
.map:
%ifdef NONE
    mov     ah, 0x86
    stc
    retf    2
%endif
    pusha
    mov     si, bx
    imul    si, si, 20
    add     si, map
    mov     cx, 10
    rep     movsw
    popa
    mov     eax, edx                    ; "SMAP"
    mov     ecx, 20
%ifdef ENDLESS
    mov     bx, 1
%else
    inc     bx
    cmp     bx, (map_end - map) / 20
    jne     .more
    xor     ebx, ebx
.more:
%endif
    clc
    retf    2

map:
    dq      0x400000, 0xc00000
    dd      1
    dq      0x400000, 0x123456
    dd      2
    dq      0x100000, 0x2000
    dd      1
    dq      0, 0x9f000
    dd      1
    dq      0x110000, 0
    dd      1
map_end:
