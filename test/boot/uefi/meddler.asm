; SPDX-License-Identifier: MIT
; meddler.asm - an EFI application that starts our loader under a firmware that is difficult.
;
;     -D REFUSALS=n   memory is allocated just before each of the first n ExitBootServices, so
;                     that the firmware refuses them, as its map has changed
;     -D STRIDE=n     the memory map's descriptors lie n bytes apart
;     -D MORE=n       and there are n more of them, each a reserved page of its own

%include "uefi_layout.inc"
%include "uefi_pe.inc"
%include "uefi_efi.inc"
%include "chain.inc"

ALLOCATE_ANY    equ 0
EFI_RESERVED    equ 0
MORE_AT         equ 1 << 40             ; where the reserved pages are
BUFFER_BYTES    equ 64 << 10

    section .text
uefi_entry:
    chain_enter
    mov     ecx, ALLOCATE_ANY
    chain_load
%macro hook 3                           ; offset of the service, ours, where the true one is kept
    mov     rax, [efi_boot]
    lea     rcx, [%2]
    xchg    rcx, [rax + %1]
    mov     [%3], rcx
%endmacro
    hook    EXIT_BOOT_SERVICES, exit_services, true_exit
    hook    GET_MEMORY_MAP, get_map, true_map
    chain_start

exit_services:
    sub     dword [refusals], 1
    jb      .true
    push    rcx
    push    rdx
    mov     ecx, ALLOCATE_ANY
    mov     edx, EFI_LOADER_DATA
    mov     r8d, 1
    lea     r9, [address]
    boot_service ALLOCATE_PAGES
    pop     rdx
    pop     rcx
    jmp     [true_exit]
.true:
    mov     dword [refusals], 0
    jmp     [true_exit]

; The true map, and then its descriptors further apart.
get_map:
    push    rbx
    push    rsi
    push    rdi
    mov     rbx, rcx                    ; their bytes
    mov     rsi, rdx
    mov     rdi, r9                     ; how far apart they are
    mov     r10, [rsp + 24 + 40]
    sub     rsp, 48
    mov     [rsp + 32], r10
    lea     rcx, [buffer_bytes]
    mov     qword [rcx], BUFFER_BYTES
    lea     rdx, [buffer]
    call    [true_map]
    add     rsp, 48
    test    rax, rax
    jnz     .done
    mov     rax, [buffer_bytes]
    xor     edx, edx
    div     qword [rdi]
    mov     r8, rax
    lea     rcx, [rax + MORE]
    imul    rcx, rcx, STRIDE
    mov     r9, [rdi]
    mov     qword [rdi], STRIDE
    xchg    rcx, [rbx]
    cmp     rcx, [rbx]
    mov     rax, EFI_BUFFER_TOO_SMALL
    jb      .done
    mov     rdi, rsi
    lea     rsi, [buffer]
.next:
    push    rsi
    mov     ecx, efi_memory_size
    rep     movsb
    pop     rsi
    add     rsi, r9
    add     rdi, STRIDE - efi_memory_size
    dec     r8
    jnz     .next
    mov     ecx, MORE
    mov     rax, MORE_AT
    jrcxz   .copied
.more:
    mov     dword [rdi + efi_memory.type], EFI_RESERVED
    mov     [rdi + efi_memory.start], rax
    mov     qword [rdi + efi_memory.pages], 1
    mov     qword [rdi + efi_memory.attribute], 0
    add     rax, 2 * PAGE_BYTES
    add     rdi, STRIDE
    loop    .more
.copied:
    xor     eax, eax
.done:
    pop     rdi
    pop     rsi
    pop     rbx
    ret

    section .data
    align   8
true_exit:
    dq      0
true_map:
    dq      0
refusals:
    dd      REFUSALS
    align   8
buffer_bytes:
    dq      0
buffer:
    times   BUFFER_BYTES db 0

    chain_data
    pe_end
