; SPDX-License-Identifier: MIT
; ap_start.asm - a second CPU's first instructions; ap_start.h draws where they lie.
bits 64
default rel

global hal_ap_code, hal_ap_code_end, hal_ap_long, hal_ap_enter

; struct hal_ap_facts, behind the copied code
FACTS           equ 0xc00
FACT_TICKET     equ FACTS
FACT_TABLES     equ FACTS + 4
FACT_FAR        equ FACTS + 8
FACT_GDT_LIMIT  equ FACTS + 18  ; the upper half of its word, so that the base follows
FACT_EFER       equ FACTS + 24
FACT_CR0        equ FACTS + 32
FACT_CR3        equ FACTS + 40
FACT_CR4        equ FACTS + 48
FACT_PAT        equ FACTS + 56
FACT_XCR0       equ FACTS + 64
FACT_ENTER      equ FACTS + 72
FACT_GS_BASE    equ FACTS + 80
FACT_STACK      equ FACTS + 88
FACT_MAIN       equ FACTS + 96

MSR_PAT     equ 0x277
MSR_EFER    equ 0xc0000080
MSR_GS_BASE equ 0xc0000101
CR4_PAE     equ 1 << 5
DATA        equ 0x10

section .rodata
bits 16
align 16
hal_ap_code:                    ; at offset 0 of a frame, CS = frame / 16
    cli
    cld
    mov ax, cs
    mov ds, ax

    ; Who comes when nobody is waited for any more must not go on.
    xor eax, eax
    xchg eax, [FACT_TICKET]
    test eax, eax
    jz .late

    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, [FACT_TABLES]
    mov cr3, eax
    mov ecx, MSR_EFER
    mov eax, [FACT_EFER]
    mov edx, [FACT_EFER + 4]
    wrmsr
    o32 lgdt [FACT_GDT_LIMIT]
    mov eax, [FACT_CR0]
    mov cr0, eax                ; from real to long mode in one step
    jmp far dword [FACT_FAR]
.late:
    hlt
    jmp .late

bits 64
hal_ap_long:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    lea rbx, [hal_ap_code]
    jmp [rbx + FACT_ENTER]
hal_ap_code_end:

; In the image, with RBX at the frame: everything that lies there is fetched before CPU 0's
; page tables, which do not show it.
section .text
hal_ap_enter:
    mov r8, [rbx + FACT_CR3]
    mov r9, [rbx + FACT_CR4]
    mov r10, [rbx + FACT_PAT]
    mov r11, [rbx + FACT_XCR0]
    mov r12, [rbx + FACT_GS_BASE]
    mov r13, [rbx + FACT_MAIN]
    mov rsp, [rbx + FACT_STACK]
    mov cr3, r8
    mov cr4, r9

    mov ecx, MSR_PAT
    mov rax, r10
    mov rdx, r10
    shr rdx, 32
    wrmsr
    mov ecx, MSR_GS_BASE
    mov rax, r12
    mov rdx, r12
    shr rdx, 32
    wrmsr
    test r11, r11
    jz .no_xcr0
    xor ecx, ecx
    mov rax, r11
    mov rdx, r11
    shr rdx, 32
    xsetbv
.no_xcr0:
    fninit
    ldmxcsr [mxcsr_default]

    xor ebp, ebp                ; the outermost frame: backtraces end here
    mov rdi, r12
    call r13                    ; does not return
    ud2

section .rodata
align 4
mxcsr_default: dd 0x1f80        ; as in core/entry.asm: all exceptions masked, round to nearest

section .note.GNU-stack noalloc noexec nowrite progbits
