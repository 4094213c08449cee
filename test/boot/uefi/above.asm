; SPDX-License-Identifier: MIT
; above.asm - an EFI application that starts our loader where firmware may put it but OVMF
; does not: above 4 GiB, across the end of 512 GiB's first part at 5 GiB.
;
; The loader's file is its image in memory, and none of it depends on where it lies.

%include "uefi_layout.inc"
%include "uefi_pe.inc"
%include "uefi_efi.inc"

ABOVE           equ 5 << 30
ALLOCATE_ADDRESS equ 2
EFI_LOADER_CODE equ 1

    section .text
uefi_entry:
    push    rbx
    push    rsi
    push    rdi
    mov     rbx, rcx
    mov     [efi_system], rdx
    mov     rax, [rdx + SYSTEM_BOOT]
    mov     [efi_boot], rax
    mov     ecx, ALLOCATE_ADDRESS
    mov     edx, EFI_LOADER_CODE
    mov     r8d, (loader_end - loader + PAGE_BYTES - 1) >> 12
    mov     rax, ABOVE
    lea     r9, [address]
    mov     [r9], rax
    boot_service ALLOCATE_PAGES
    jnz     .done
    mov     rdi, [address]
    lea     rsi, [loader]
    mov     ecx, loader_end - loader
    rep     movsb
    mov     rax, [address]
    mov     ecx, [rax + 0x3c]           ; the PE header, and in it the entry point
    mov     ecx, [rax + rcx + 24 + 16]
    add     rax, rcx
    mov     rcx, rbx
    mov     rdx, [efi_system]
    sub     rsp, 32
    call    rax
    add     rsp, 32
.done:
    pop     rdi
    pop     rsi
    pop     rbx
    ret

    section .data
    align   8
address:
    dq      0
loader:
    incbin  "BOOTX64.EFI"
loader_end:

    section .trust                      ; uefi_pe.inc has a place for it
trust_start:
    dq      0
    pe_end
