; SPDX-License-Identifier: MIT
; empty.asm - the least that a machine can do: one byte on COM1, and the end. What it takes
; on a machine type is what nobody can be faster than.
;
;   -f elf32            a PVH kernel
;   -f bin -D SECTOR    a boot sector, on a disk of one cylinder
;   -f bin -D UEFI      an EFI application. Firmware prints on COM1 as well, so the byte is one
;                       that it has no use for: BEL

%ifdef UEFI
    %define BYTE 7
%else
    %define BYTE 10
%endif

%ifdef SECTOR
    bits    16
    org     0x7c00
%elifdef UEFI
    %include "uefi_layout.inc"
    %include "uefi_pe.inc"
    bits    64
    section .text
uefi_entry:
%else
    section .note.Xen note alloc noexec nowrite align=4
    dd      4, 4, 18                    ; XEN_ELFNOTE_PHYS32_ENTRY
    db      "Xen", 0
    dd      start
    section .text
    bits    32
    global  start
%endif
start:
    mov     dx, 0x3f8
    mov     al, BYTE
    out     dx, al
    mov     dx, 0xf4
    mov     al, 16
    out     dx, al
.halt:
    hlt
    jmp     .halt
%ifdef SECTOR
    times   510 - ($ - $$) db 0
    dw      0xaa55
    times   16 * 63 * 512 - ($ - $$) db 0
%elifdef UEFI
    section .trust                      ; uefi_pe.inc has a place for it
trust_start:
    dq      0
    pe_end
%endif
