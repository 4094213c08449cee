; SPDX-License-Identifier: MIT
; a20_shut.asm - a boot sector that shuts A20 and then boots the one that was here.
;
; With -D WAY_keyboard it also makes INT 15h AX=2401h answer "not supported", so that the
; keyboard controller must open it; without, INT 15h may.
;
; The true boot sector lies in the last sector of the disk's first 504 KiB.

TRUE_LBA        equ 16 * 63 - 1
HERE            equ 0x600

    bits    16
    org     HERE

    xor     ax, ax
    mov     ds, ax
    mov     es, ax
    mov     ss, ax
    mov     sp, 0x7c00
    cld
    mov     si, 0x7c00
    mov     di, HERE
    mov     cx, 256
    rep     movsw
    jmp     0:moved
moved:
    push    dx
    mov     ah, 0x42
    mov     si, packet
    int     0x13
    jc      $
%ifdef WAY_keyboard
    mov     eax, [0x15 * 4]
    mov     [old_int15], eax
    mov     dword [0x15 * 4], int15
%endif
    in      al, 0x92
    and     al, ~3
    out     0x92, al
    pop     dx
    jmp     0:0x7c00

int15:
    cmp     ax, 0x2401
    je      .refuse
    jmp     far [cs:old_int15]
.refuse:
    mov     ah, 0x86
    stc
    retf    2

old_int15:
    dd      0
packet:
    db      16, 0
    dw      1, 0x7c00, 0
    dq      TRUE_LBA
