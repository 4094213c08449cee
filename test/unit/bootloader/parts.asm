; SPDX-License-Identifier: MIT
; parts.asm - the loader's 64-bit parts as functions that C can call.
;
; What layout.inc puts at fixed addresses lies in this program's .bss instead, below 4 GiB
; because the program is linked without PIE.

%include "limits.inc"
%include "handoff.inc"
%include "state.inc"

LOW_END_MAX     equ 0x4c000

%macro variables 0
%endmacro
%macro code 0
%endmacro

; exported NAME, FUNCTION: calls it as the System V ABI expects a function to behave.
%macro exported 2
    global  %1
%1:
    push    rbx
    cld
    call    %2
    pop     rbx
    ret
%endmacro

    bits    64
    ; As in the loader, code and the variables beside it share memory.
    section .parts progbits alloc exec write align=16
exported parts_first_chunk, elf_first_chunk
exported parts_next_chunk, elf_next_chunk
exported parts_relocate, elf_relocate

; uint64_t parts_place(uint64_t bytes, uint64_t *longest): 0 if there is no place.
    global  parts_place
parts_place:
    push    rbx
    push    rsi
    mov     rbx, rdi
    call    memory_place
    pop     rsi
    pop     rbx
    jnc     .found
    mov     [rsi], r11
    xor     eax, eax
.found:
    ret

; void parts_sha256(const void *bytes, uint64_t count, uint8_t out[32], int fast): with SHA-NI or
; without, whatever this machine would choose.
    global  parts_sha256
parts_sha256:
    push    rbx
    push    r12
    push    r13
    push    rdx
    mov     r12, rdi
    mov     r13, rsi
    push    rcx
    call    sha256_open
    pop     rcx
    and     [sha256_fast], cl
    mov     rsi, r12
    mov     rcx, r13
    shr     rcx, 6
    call    sha256_blocks
    mov     rsi, r13
    and     rsi, -64
    add     rsi, r12
    mov     ecx, r13d
    and     ecx, 63
    mov     rax, r13
    call    sha256_close
    pop     rdi
    lea     rsi, [sha256_state]
    mov     ecx, 4
    rep     movsq
    movzx   eax, byte [sha256_fast]
    pop     r13
    pop     r12
    pop     rbx
    ret

; uint32_t parts_crc32(const void *bytes, uint64_t count)
    global  parts_crc32
parts_crc32:
    push    rdi
    push    rsi
    call    crc32_open
    pop     rcx
    pop     rsi
    jmp     crc32

%include "memory.inc"
%include "place.inc"
%include "paging.inc"
%include "crc32.inc"
%include "sha256.inc"
%include "slide.inc"
%include "elf.inc"
%include "relr.inc"
%include "dynamic.inc"

    section .bss align=0x40000          ; up to the tables' end in one 2 MiB
    global  parts_handoff, parts_chunk, parts_pml4, parts_pdpt_direct, parts_pd_direct
    global  parts_pt_direct, parts_pd_image, parts_pt_image, parts_state
parts_handoff:
HANDOFF:        resb PAGE_BYTES
PDPT_LOW:       resb PAGE_BYTES
PD_LOW:         resb PD_LOW_COUNT * PAGE_BYTES
parts_pml4:
PML4:           resb PAGE_BYTES
parts_pdpt_direct:
PDPT_DIRECT:    resb PAGE_BYTES
parts_pd_direct:
PD_DIRECT:      resb PAGE_BYTES
parts_pt_direct:
PT_DIRECT:      resb PAGE_BYTES
PDPT_IMAGE:     resb PAGE_BYTES
parts_pd_image:
PD_IMAGE:       resb PAGE_BYTES
parts_pt_image:
PT_IMAGE:       resb PT_IMAGE_MAX * PAGE_BYTES
parts_chunk:
CHUNK:          resb CHUNK_BYTES
SEGMENTS:       resb SEGMENTS_MAX * elf_segment_size
parts_state:
STATE:          resb state_size
crc32_table:    resd 256
sha256_state:   resd 8
sha256_tail:    resb 128

    section .note.GNU-stack noalloc noexec nowrite progbits
