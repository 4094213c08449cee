; SPDX-License-Identifier: MIT
; entry.asm - core's first instructions, on core's own stack.
bits 64
default rel

extern core_main, core_state
required __stack_chk_fail       ; code that no linker sees before optimization calls it
global core_entry, core_stack_guard
global __stack_chk_guard:data 8

STACK_BYTES equ 65536
DIRECT_MAP  equ 0xffff800000000000

CR0_MP equ 1 << 1
CR0_EM equ 1 << 2
CR0_TS equ 1 << 3
CR4_OSFXSR     equ 1 << 9
CR4_OSXMMEXCPT equ 1 << 10
MSR_GS_BASE equ 0xc0000101

; From the loader: rdi = physical address of the handoff block, interrupts off, the image
; and the loader's memory mapped (docs/handoff.md).
section .text.entry exec
core_entry:
    cli
    cld
    lea rsp, [stack_top]
    xor ebp, ebp                ; the outermost frame: backtraces end here

    ; SSE on before any C code: the compiler may use it for a plain copy.
    mov rax, cr0
    and rax, ~(CR0_EM | CR0_TS)
    or rax, CR0_MP
    mov cr0, rax
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    fninit
    ldmxcsr [mxcsr_default]

    ; GS at this CPU's block (core/cpu.h), with which core_state begins: C code counts on it.
    lea rax, [core_state]
    mov [rax], rax
    mov rdx, rax
    shr rdx, 32
    mov ecx, MSR_GS_BASE
    wrmsr

    ; No low map any more: it is writable and executable, and null would be in it.
    mov rdx, DIRECT_MAP
    add rdi, rdx
    mov rax, cr3
    and qword [rax + rdx], 0
    mov cr3, rax

    rdtsc                       ; when core began: what came before is the loader's
    shl rdx, 32
    lea rsi, [rdx + rax]
    mov [__stack_chk_guard], rsi ; until canary_init has a better one
    call core_main              ; does not return
    ud2

section .rodata
align 4
mxcsr_default: dd 0x1f80        ; all floating-point exceptions masked, round to nearest

; The page below the stack is taken out of the loader's page tables (pt_own.c): what runs over
; the end faults there instead of writing into data.
section .bss
alignb 4096
core_stack_guard: resb 4096
    resb STACK_BYTES
stack_top:

; The canary of gcc's -fstack-protector.
section .bss.sealed nobits alloc noexec write align=8
__stack_chk_guard: resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
