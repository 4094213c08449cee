; SPDX-License-Identifier: MIT
; vectors.asm - exception and interrupt stubs; vectors.h has the map of vectors.
bits 64
default rel

extern hal_fault
global hal_fault_stubs, hal_line_stubs, hal_timer_stub, hal_ignore_stub
global hal_lines_pending, hal_lapic_eoi

LINE_COUNT  equ 64
FAULT_COUNT equ 32

; Exceptions for which the CPU itself pushes an error code: #DF #TS #NP #SS #GP #PF #AC
; #CP #VC #SX. The others get a zero, so that all frames look alike.
ERROR_CODES equ (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) \
              | (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30)

section .text

%assign vector 0
%rep FAULT_COUNT
fault_%+vector:
%if (ERROR_CODES >> vector) & 1 = 0
    push 0
%endif
    push vector
    jmp fault
%assign vector vector + 1
%endrep

; The stack is the exception's own (desc.c), so nothing that broke the running stack
; reaches it.
fault:
    cld
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    xor ebp, ebp                ; a backtrace from here on ends here
    and rsp, -16
    call hal_fault              ; does not return
    ud2

; An interrupt line: note that it fired, let the LAPIC go on, return. All interrupts are
; edges (MSI), so nothing has to be silenced here.
%assign line 0
%rep LINE_COUNT
line_%+line:
    bts qword [hal_lines_pending], line
    jmp hal_timer_stub
%assign line line + 1
%endrep

; The timer has done its work by waking the CPU.
hal_timer_stub:
    push rax
    mov rax, [hal_lapic_eoi]
    mov dword [rax], 0
    pop rax
    iretq

; Spurious interrupts are not in service: no end-of-interrupt (SDM vol. 3, "Spurious
; Interrupt").
hal_ignore_stub:
    iretq

; Where the stubs are, each from its entry: so the tables hold no addresses, which a loader
; that moves the image would have to change.
section .rodata
align 4
hal_fault_stubs:
%assign vector 0
%rep FAULT_COUNT
    dd fault_%+vector - $
%assign vector vector + 1
%endrep

hal_line_stubs:
%assign line 0
%rep LINE_COUNT
    dd line_%+line - $
%assign line line + 1
%endrep

section .bss
alignb 8
hal_lines_pending: resq 1
hal_lapic_eoi:     resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
