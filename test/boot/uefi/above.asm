; SPDX-License-Identifier: MIT
; above.asm - an EFI application that starts our loader where firmware may put it but OVMF
; does not: above 4 GiB, across the end of 512 GiB's first part at 5 GiB.

%include "uefi_layout.inc"
%include "uefi_pe.inc"
%include "uefi_efi.inc"
%include "chain.inc"

ABOVE           equ 5 << 30
ALLOCATE_ADDRESS equ 2

    section .text
uefi_entry:
    chain_enter
    mov     rax, ABOVE
    mov     [address], rax
    mov     ecx, ALLOCATE_ADDRESS
    chain_load
    chain_start

    chain_data
    pe_end
