; SPDX-License-Identifier: MIT
; uefi.asm - the UEFI road: a PE32+ application, from the firmware's call to the kernel's first
; instruction.
;
; In:   RCX = our image's handle, RDX = the system table (UEFI 2.10 §4.1), in long mode with
;       all memory mapped at itself.
; Out:  docs/handoff.md. Or one line that says what is missing, and back to the firmware,
;       which goes on with its next boot option.
;
; No instruction depends on where the image lies; it may be above 4 GiB. What the kernel gets
; to see is in memory of our own below, at RBP (uefi_layout.inc).

%include "uefi_layout.inc"
%include "handoff.inc"
%include "control.inc"
%include "uefi_pe.inc"
%include "uefi_efi.inc"

XMM_SAVED       equ 10                  ; XMM6–XMM15 are the caller's (§2.3.4.2)

    section .text
    bits    64
uefi_entry:
    push    rbx
    push    rbp
    push    rdi
    push    rsi
    push    r12
    push    r13
    push    r14
    push    r15
    sub     rsp, XMM_SAVED * 16 + 8
%assign i 0
%rep XMM_SAVED
%assign n i + 6
    movdqa  [rsp + i * 16], xmm %+ n
%assign i i + 1
%endrep
    mov     [uefi_stack], rsp
    xor     ebp, ebp                    ; no memory yet
    mov     [efi_image_handle], rcx
    mov     [efi_system], rdx
    mov     rax, [rdx + SYSTEM_BOOT]
    mov     [efi_boot], rax
    rdtsc
    shl     rdx, 32
    or      rax, rdx
    mov     rbx, rax

    mov     rax, cr4
    test    eax, CR4_LA57
    lea     rsi, [five_levels]
    jnz     fail
    call    memory_open
    mov     [HANDOFF + handoff.tsc_at_entry], rbx
    call    handoff_open
    call    disk_open
    call    cmdline_take
    call    acpi_take
    call    video_take
    call    chance_take
    call    paging_map_low
    call    slots_load
    mov     rsi, rax
    test    rax, rax
    jnz     fail
    call    memory_leave
    jmp     switch

five_levels:
    db      "this firmware pages memory by five levels (LA57), and we need four", 0

; Fills in the block what this road knows before it asks the firmware anything.
handoff_open:
    mov     dword [HANDOFF + handoff.road], HANDOFF_ROAD_UEFI
    lea     rdi, [NAME]
    mov     [HANDOFF + handoff.loader_name], rdi
    lea     rsi, [.name]
    mov     ecx, .name_end - .name
    rep     movsb
    mov     rcx, [efi_image_handle]
    lea     rdx, [guid_loaded_image]
    call    efi_protocol
    mov     [efi_loaded_image], rax
    lea     rsi, [.no_image]
    jnz     fail
    ret
.name:
    db      "exocore UEFI loader 1", 0
.name_end:
.no_image:
    db      "the firmware does not say where this file came from", 0

; Goes back to the firmware as if we had never been: with its memory and its registers.
uefi_give_up:
    call    memory_close
    mov     rsp, [uefi_stack]
%assign i 0
%rep XMM_SAVED
%assign n i + 6
    movdqa  xmm %+ n, [rsp + i * 16]
%assign i i + 1
%endrep
    add     rsp, XMM_SAVED * 16 + 8
    pop     r15
    pop     r14
    pop     r13
    pop     r12
    pop     rsi
    pop     rdi
    pop     rbp
    pop     rbx
    mov     rax, EFI_LOAD_ERROR
    ret

    section .data
    align   8
uefi_stack:
    dq      0
crc32_table:                            ; of crc32.inc and sha256.inc
    times   256 dd 0
sha256_state:
    times   8 dd 0
sha256_tail:
    times   128 db 0

%include "uefi_trust.inc"
%include "uefi_print.inc"
%include "uefi_memory.inc"
%include "uefi_disk.inc"
%include "uefi_facts.inc"
%include "crc32.inc"
%include "sha256.inc"
%include "gpt.inc"
%include "slot.inc"
%include "paging.inc"
%include "slide.inc"
%include "elf.inc"
%include "relr.inc"
%include "dynamic.inc"
%include "gdt.inc"
%include "uefi_switch.inc"
%include "join.inc"
    pe_end
