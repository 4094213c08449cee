; SPDX-License-Identifier: MIT
; task_switch.asm - from one stack to another, and the first step on a new one.
;
; The contract is sched/task_switch.h. MXCSR and the x87 control word are callee-saved in
; the ABI too, but nobody changes them (sched.h), and saving them would double the cost.
bits 64
default rel

section .text align=16

extern task_main

; void task_switch(void **save_sp, void *load_sp)
global task_switch:function
task_switch:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

; The frame that task_start made returns here, with the task in rbx, rbp = 0 (where a
; backtrace ends) and the stack aligned to 16, as it must be before a call.
align 16
global task_entry:function
task_entry:
        mov     rdi, rbx
        call    task_main
        ud2                             ; task_main does not return

section .note.GNU-stack noalloc noexec nowrite progbits
