; SPDX-License-Identifier: MIT
; other_drive.asm - a boot manager that starts the second disk, and leaves the machine as no BIOS
; should: another CS, no stack to speak of, the direction flag set, nothing in the segments.

HERE            equ 0x600
SECOND          equ 0x81

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
    mov     dl, SECOND
    mov     ah, 0x42
    mov     si, packet
    int     0x13
    jc      $
    mov     ax, 0xffff
    mov     ds, ax
    mov     es, ax
    mov     fs, ax
    mov     gs, ax
    mov     ss, ax
    mov     sp, 0x0100
    mov     eax, 0xdeadbeef
    mov     ebx, eax
    mov     ecx, eax
    mov     esi, eax
    mov     edi, eax
    mov     ebp, eax
    mov     edx, (0xdeadbe << 8) + SECOND
    std
    jmp     0x07c0:0

packet:
    db      16, 0
    dw      1, 0x7c00, 0
    dq      0
    times   510 - ($ - $$) db 0
    dw      0xaa55
