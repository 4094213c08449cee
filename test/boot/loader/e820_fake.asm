; SPDX-License-Identifier: MIT
; e820_fake.asm - a BIOS with another memory map, of entries without attributes.
;
; By default: memory at 1 MiB is too short for any kernel, then comes a hole, then memory
; that is partly reserved, and an empty entry at the end. With -D ENDLESS the map has no
; end, with -D EMPTY neither, and its entries are empty; with -D NONE there is none; with -D MANY
; it has 400 entries: every second one is empty, and the last one is all of memory.

%include "chain.inc"

meddle:
    hook_int15
    ret

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
%elifdef EMPTY
    mov     bx, 4
%elifdef MANY
    call    many
%else
    inc     bx
    cmp     bx, (map_end - map) / 20
    jne     .more
    xor     ebx, ebx
.more:
%endif
    clc
    retf    2

%ifdef MANY
; Entry n < 400 is n & 1 bytes of reserved memory at 4 GiB + n.
many:
    inc     bx
    cmp     bx, 400
    je      .last
    movzx   eax, bx
    mov     [es:di], eax
    mov     dword [es:di + 4], 1
    and     eax, 1
    mov     [es:di + 8], eax
    mov     dword [es:di + 16], 2
    mov     eax, edx
    ret
.last:
    xor     ebx, ebx
    push    si
    push    di
    push    cx
    mov     si, whole
    mov     cx, 10
    rep     movsw
    pop     cx
    pop     di
    pop     si
    ret
whole:
    dq      0, 0x1000000
    dd      1
%endif

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
