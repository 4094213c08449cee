; SPDX-License-Identifier: MIT
; vectors.asm - exception and interrupt stubs; vectors.h has the map of vectors.
bits 64
default rel

extern hal_fault
global hal_fault_stubs, hal_line_stubs, hal_timer_stub, hal_ignore_stub
global hal_lapic_eoi, hal_shootdown

STUB_BYTES  equ 16
LINE_COUNT  equ 64
FAULT_COUNT equ 32
NMI_VECTOR  equ 2

; Where in the CPU's own block (vectors.h: HAL_CPU_…, HAL_NMI_…).
CPU_LINES   equ 16
CPU_NMI     equ 24
CPU_STOPPED equ 40              ; rip, rsp, rbp, and then "it stands still"
NMI_FLUSH   equ 1
NMI_STOP    equ 2

X2APIC_EOI  equ 0x80b
PAGE_BYTES  equ 4096

; Exceptions for which the CPU itself pushes an error code: #DF #TS #NP #SS #GP #PF #AC
; #CP #VC #SX. The others get a zero, so that all frames look alike.
ERROR_CODES equ (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) \
              | (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30)

section .text

; Evenly spaced, so that no table has to say where each one is.
align STUB_BYTES
hal_fault_stubs:
%assign vector 0
%rep FAULT_COUNT
align STUB_BYTES
fault_%+vector:
%if vector = NMI_VECTOR
    jmp nmi
%else
%if (ERROR_CODES >> vector) & 1 = 0
    push 0
%endif
    push vector
    jmp fault
%endif
%assign vector vector + 1
%endrep

; The stack is the exception's own (desc.c), so nothing that broke the running stack
; reaches it. The CPU aligns that stack by 16 and pushes six words with the error code, and the
; stub a seventh. An app's INT n pushes no code: it is given one here, or all would be a word off.
fault:
    test spl, 8
    jnz .whole
    push qword [rsp]
    mov qword [rsp + 8], 0
.whole:
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
; edges (MSI), so nothing has to be silenced here. The word is this CPU's own, and changes
; only here and where interrupts are off: no lock.
align STUB_BYTES
hal_line_stubs:
%assign line 0
%rep LINE_COUNT
align STUB_BYTES
line_%+line:
    bts qword [gs:CPU_LINES], line
    jmp hal_timer_stub
%assign line line + 1
%endrep

; The timer, and a parked CPU's call to work, have done all by waking the CPU.
hal_timer_stub:
    push rax
    mov rax, [hal_lapic_eoi]
    test rax, rax
    jz .x2apic
    mov dword [rax], 0
    pop rax
    iretq
.x2apic:
    push rcx
    push rdx
    mov ecx, X2APIC_EOI
    xor eax, eax
    xor edx, edx
    wrmsr
    pop rdx
    pop rcx
    pop rax
    iretq

; A non-maskable interrupt is another CPU's wish, or, if there is none, the hardware's, and
; then a fault like any other. It may come in the middle of anything, a fault's report too,
; and finds this CPU's block whatever runs. Until IRETQ the CPU takes no second one (SDM vol.
; 3, "Handling Multiple NMIs"), so nothing here may fault: that would end in an early IRETQ.
nmi:
    push rax
    xor eax, eax
    xchg eax, [gs:CPU_NMI]
    test al, NMI_STOP
    jnz .stop
    test al, NMI_FLUSH
    jz .fault
    push rcx
    mov rax, [hal_shootdown]
    mov rcx, [hal_shootdown + 8]
    jrcxz .everything
.next:
    invlpg [rax]
    add rax, PAGE_BYTES
    dec rcx
    jnz .next
    jmp .done
.everything:
    mov rax, cr3
    mov cr3, rax
.done:
    lock dec dword [hal_shootdown + 16]
    pop rcx
    pop rax
    iretq

.fault:
    pop rax
    push 0
    push NMI_VECTOR
    jmp fault

; Leaves word of where it stood, and stands still for good: NMIs stay shut.
.stop:
    mov rax, [rsp + 8]
    mov [gs:CPU_STOPPED], rax
    mov rax, [rsp + 32]
    mov [gs:CPU_STOPPED + 8], rax
    mov [gs:CPU_STOPPED + 16], rbp
    mov dword [gs:CPU_STOPPED + 24], 1
.halted:
    cli
    hlt
    jmp .halted

; Spurious interrupts are not in service: no end-of-interrupt (SDM vol. 3, "Spurious
; Interrupt").
hal_ignore_stub:
    iretq

section .bss
alignb 8
hal_lapic_eoi: resq 1
hal_shootdown: resq 3

section .note.GNU-stack noalloc noexec nowrite progbits
