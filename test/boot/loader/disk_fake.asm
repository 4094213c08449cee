; SPDX-License-Identifier: MIT
; disk_fake.asm - a BIOS with another idea of its disk.
;
; By default it has no EDD: INT 13h AH=41h … 48h are invalid. With -D SECTORS_4096 its sectors
; are eight of the true ones.

%include "chain.inc"

meddle:
    hook_int13
    ret

int13:
    cmp     ah, 0x41
    jae     .ours
.pass:
    jmp     far [cs:old_int13]
.ours:
%ifndef SECTORS_4096
    mov     ah, 1
    stc
    retf    2
%else
    cmp     ah, 0x48
    je      .parameters
    ja      .pass
    cmp     ah, 0x42
    jb      .pass
    pushad                              ; eight times the LBA and the count
    mov     eax, [si + 8]
    mov     edx, [si + 12]
    shld    edx, eax, 3
    shl     eax, 3
    mov     [larger + 8], eax
    mov     [larger + 12], edx
    mov     eax, [si + 4]
    mov     [larger + 4], eax
    mov     ax, [si + 2]
    shl     ax, 3
    mov     [larger + 2], ax
    popad
    push    si
    mov     si, larger
    pushf
    call    far [old_int13]
    pop     si
    retf    2
.parameters:
    pushf
    call    far [old_int13]
    pushf
    push    eax
    mov     word [si + 24], 4096
    mov     eax, [si + 16]
    shr     eax, 3
    mov     [si + 16], eax
    pop     eax
    popf
    retf    2
larger:
    db      16, 0
    dw      0, 0, 0
    dq      0
%endif
