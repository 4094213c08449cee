; SPDX-License-Identifier: MIT
; pvh.asm - the direct road: a loader that knows ELF puts the kernel's file into memory and
; enters it here, in 32-bit protected mode without paging.
;
; Part of every image. Two such loaders' customs are kept: PVH (QEMU -kernel, Firecracker,
; Cloud Hypervisor; start_info.inc) and Multiboot2 (GRUB; multiboot2.inc).
;
;     read     32-bit   what the loader says, from wherever in memory it lies, into scratch
;     settle   64-bit   scratch to the places of layout.inc; page tables; join
;
; The image lies at KERNEL_PA_FIRST, wherever it is linked and will be mapped, and this section
; is its first: so the distance from the section's start tells where a symbol is in memory.
; That is PA(symbol), within this section; 64-bit code says [rel …].
; In:   p_paddr honoured, bss clear, interrupts off; EBX = the loader's block.
; Out:  docs/handoff.md. Or one line on COM1, and a halt.

%define PA(symbol) ((symbol) - $$ + KERNEL_PA_FIRST)

%include "layout.inc"
%include "handoff.inc"
%include "control.inc"

CPUID_LM        equ 1 << 29             ; leaf 80000001h EDX
CPUID_NX        equ 1 << 20
ELF_EXECUTE     equ 1                   ; p_flags
ELF_WRITE       equ 2
SYMBOLS_BYTES   equ 12                  ; in the table of symbols: its size
NAME_BYTES      equ 64
RSDP_BYTES      equ 36
NAME            equ SEGMENTS            ; no ELF headers are kept on this road
RSDP            equ SEGMENTS + NAME_BYTES

extern core_entry, core_stack_guard
extern core_image_start, core_text_end, core_rodata_end, core_data_end, core_symbols
extern core_relr_start, core_relr_end
global pvh_entry, multiboot2_entry

; Core has not begun to use its stack, and the loader has cleared it.
%define scratch core_stack_guard
SCRATCH_CMDLINE equ MAP_MAX * handoff_range_size    ; behind the map
SCRATCH_NAME    equ SCRATCH_CMDLINE + CMDLINE_BYTES
SCRATCH_RSDP    equ SCRATCH_NAME + NAME_BYTES
SCRATCH_STACK   equ 0x8000

    section .text.direct exec
    bits    32
pvh_entry:
    mov     ebp, PA(start_info_read)
    jmp     direct
multiboot2_entry:
    mov     ebp, PA(multiboot2_read)
direct:
    cli
    cld
    mov     esi, eax
    mov     esp, PA(scratch + SCRATCH_STACK)
    rdtsc
    mov     [PA(facts + handoff.tsc_at_entry)], eax
    mov     [PA(facts + handoff.tsc_at_entry + 4)], edx
    mov     edi, PA(scratch)            ; where the next entry of the map goes
    call    ebp
    call    cpu_check

    ; The first 66 MiB at themselves: the image and low memory. paging.inc does the rest.
    mov     edi, PDPT_LOW
    mov     ecx, (PML4 + PAGE_BYTES - PDPT_LOW) / 4
    xor     eax, eax
    rep     stosd
    mov     dword [PML4], PDPT_LOW + PAGE_PRESENT + PAGE_WRITE
    mov     dword [PDPT_LOW], PD_LOW + PAGE_PRESENT + PAGE_WRITE
    mov     edi, PD_LOW
    mov     eax, PAGE_PRESENT + PAGE_WRITE + PAGE_LARGE
.next:
    stosd
    mov     dword [edi], 0
    add     edi, 4
    add     eax, LARGE_BYTES
    cmp     eax, KERNEL_PA_FIRST + KERNEL_MAX
    jb      .next

    lgdt    [PA(gdt_pointer)]
    mov     eax, cr4
    or      eax, CR4_PAE | CR4_OSFXSR
    mov     cr4, eax
    mov     eax, PML4
    mov     cr3, eax
    mov     ecx, MSR_EFER
    rdmsr
    or      eax, EFER_LME | EFER_NXE
    wrmsr
    mov     eax, cr0
    and     eax, ~(CR0_EM | CR0_TS)
    or      eax, CR0_PG | CR0_WP | CR0_PE
    mov     cr0, eax
    jmp     CODE64:PA(settle)

; Ends the road unless this is an x86-64 processor with no-execute pages.
cpu_check:
    mov     esi, PA(.not_enough)
    mov     eax, 0x80000000
    cpuid
    cmp     eax, 0x80000001
    jb      fail
    mov     eax, 0x80000001
    cpuid
    and     edx, CPUID_LM | CPUID_NX
    cmp     edx, CPUID_LM | CPUID_NX
    jne     fail
    ret
.not_enough:
    db      "this CPU is not 64-bit (x86-64), or has no NX pages", 0

; Adds to the map the range at ESI: base, bytes and type as in handoff_range. ESI moves on
; behind the type.
map_add:
    cmp     edi, PA(scratch + SCRATCH_CMDLINE)
    jae     .full
    inc     dword [PA(facts + handoff.map_count)]
    push    ecx
    mov     ecx, handoff_range.attributes / 4
    rep     movsd
    pop     ecx
    mov     dword [edi], 1              ; neither custom has attributes
    add     edi, 4
    ret
.full:
    mov     esi, PA(.too_long)
    jmp     fail
.too_long:
    db      "the loader's memory map has more than 512 entries", 0

; Copies the string at ESI to EDX: ECX bytes at most, the zero included.
string_copy:
    lodsb
    dec     ecx
    jz      .end
    mov     [edx], al
    inc     edx
    test    al, al
    jnz     string_copy
    ret
.end:
    mov     byte [edx], 0
    ret

%include "start_info.inc"
%include "multiboot2.inc"

; Prints "exocore: " and the string at ESI on COM1, if there is one, and halts.
; Reached from both modes: its bytes mean the same in 32-bit and in 64-bit code. So there is
; no inc, no dec and no address in it.
COM1            equ 0x3f8
fail:
    mov     ebx, esi
    mov     edx, COM1 + 7               ; the scratch register: is anybody there?
    mov     al, 0x5a
    out     dx, al
    in      al, dx
    cmp     al, 0x5a
    jne     .halt
%macro uart_set 2
    mov     dl, (COM1 + %1) & 255
    mov     al, %2
    out     dx, al
%endmacro
    uart_set 3, 0x80                    ; line control: the divisor latch shows
    uart_set 0, 1                       ; divisor 1: 115200 baud
    uart_set 1, 0
    uart_set 3, 0x03                    ; 8 bits, no parity, 1 stop bit
    uart_set 2, 0x07                    ; FIFOs on and cleared
    uart_set 4, 0x03                    ; DTR, RTS
    call    .prefix
    db      "exocore: ", 0
.prefix:
    pop     esi
    call    .print
    mov     esi, ebx
    call    .print
    call    .newline
    db      13, 10, 0
.newline:
    pop     esi
    call    .print
.halt:
    cli
    hlt
    jmp     .halt
.print:
    lodsb
    test    al, al
    jz      .done
    mov     ah, al
    mov     ecx, 100000                 ; the wait ends, whatever the port says
    mov     dl, (COM1 + 5) & 255
.wait:
    in      al, dx
    test    al, 0x20                    ; transmitter holding register empty
    loopz   .wait
    mov     dl, COM1 & 255
    mov     al, ah
    out     dx, al
    jmp     .print
.done:
    ret

; Brings what was read to where it stays, and the kernel to its address.
    bits    64
settle:
    mov     eax, DATA
    mov     ds, eax
    mov     es, eax
    mov     ss, eax
    lea     rsi, [rel facts]
    mov     edi, HANDOFF
    mov     ecx, handoff_size / 8
    rep     movsq
    mov     dword [HANDOFF + handoff.slot], HANDOFF_SLOT_NONE
    lea     rsi, [rel scratch]
    mov     edi, MAP
    mov     [HANDOFF + handoff.map], rdi
    imul    ecx, [HANDOFF + handoff.map_count], handoff_range_size / 8
    rep     movsq
    lea     rsi, [rel scratch + SCRATCH_CMDLINE]
    mov     edi, CMDLINE
    mov     [HANDOFF + handoff.cmdline], rdi
    mov     ecx, CMDLINE_BYTES / 8
    rep     movsq
    mov     edi, NAME                   ; and behind the name the copy of the RSDP
    mov     [HANDOFF + handoff.loader_name], rdi
    mov     ecx, (NAME_BYTES + RSDP_BYTES + 7) / 8
    rep     movsq

    call    kernel_measure
    call    memory_check
    call    slide_choose
    add     [HANDOFF + handoff.kernel_va], rax
    call    kernel_relocate
    call    paging_open_image
    call    kernel_map
    lea     rax, [rel core_entry]
    sub     rax, KERNEL_PA_FIRST
    add     rax, [HANDOFF + handoff.kernel_va]
    mov     [STATE + state.entry], rax
    jmp     join

; The image is as long as the linker made it, but for its last segment: the table of symbols
; was put in later and tells its own size.
kernel_measure:
    mov     qword [HANDOFF + handoff.kernel_va], KERNEL_VA_MIN
    mov     dword [HANDOFF + handoff.kernel_pa], KERNEL_PA_FIRST
    lea     rdx, [rel core_symbols]
    mov     ecx, [rdx + SYMBOLS_BYTES]
    lea     rcx, [rdx + rcx + PAGE_BYTES - 1 - KERNEL_PA_FIRST]
    and     rcx, -PAGE_BYTES
    mov     [HANDOFF + handoff.kernel_bytes], rcx
    cmp     rcx, KERNEL_MAX
    lea     rsi, [rel .too_big]
    ja      fail
    ret
.too_big:
    db      "the kernel is larger than 64 MiB", 0

; The map must say that the kernel lies in memory, and that there is low memory for us.
memory_check:
    mov     eax, PAGE_BYTES
    call    memory_run
    jc      .no_low
    cmp     rax, PAGE_BYTES
    jne     .no_low
    cmp     rdx, LOW_END_MAX
    jb      .no_low
    mov     eax, KERNEL_PA_FIRST
    mov     rbx, [HANDOFF + handoff.kernel_bytes]
    add     rbx, rax
    call    memory_run
    jc      .no_kernel
    cmp     rax, KERNEL_PA_FIRST
    jne     .no_kernel
    cmp     rdx, rbx
    jb      .no_kernel
    ret
.no_low:
    lea     rsi, [rel .no_low_line]
    jmp     fail
.no_kernel:
    lea     rsi, [rel .no_kernel_line]
    jmp     fail
.no_low_line:
    db      "the memory map does not give us memory from 4 to 304 KiB", 0
.no_kernel_line:
    db      "the kernel at 1 MiB does not lie in memory that the map calls usable", 0

; Moves the image, where it lies, by RAX.
kernel_relocate:
    mov     rdx, rax
    mov     r8, KERNEL_PA_FIRST - KERNEL_VA_MIN
    lea     rsi, [rel core_relr_start]
    lea     rcx, [rel core_relr_end]
    sub     rcx, rsi
    call    relr_apply
    lea     rsi, [rel .damaged]
    jc      fail
    ret
.damaged:
    db      "the kernel's relocations are damaged", 0

; Its segments follow each other without a gap.
relr_segment:
    mov     r9, KERNEL_VA_MIN
    mov     r10, [HANDOFF + handoff.kernel_bytes]
    cmp     rax, r9
    ret

; map_segment FIRST, END, FLAGS
%macro map_segment 3
    lea     rax, [rel %1]
    lea     rcx, [rel %2]
    mov     edx, %3
    call    .segment
%endmacro
kernel_map:
    map_segment core_image_start, core_text_end, ELF_EXECUTE
    map_segment core_text_end, core_rodata_end, 0
    map_segment core_rodata_end, core_data_end, ELF_WRITE
    lea     rax, [rel core_symbols]
    mov     ecx, KERNEL_PA_FIRST
    add     rcx, [HANDOFF + handoff.kernel_bytes]
    xor     edx, edx
.segment:
    sub     rcx, rax
    mov     rsi, rax
    sub     rsi, KERNEL_PA_FIRST
    add     rsi, [HANDOFF + handoff.kernel_va]
    jmp     paging_map_segment

%include "memory.inc"
%include "paging.inc"
%include "slide.inc"
%include "relr.inc"
%include "join.inc"
%include "gdt.inc"

    align   8
gdt_pointer:
    dw      GDT_BYTES - 1
    dd      PA(gdt)

; The block while it is read; its pointers are settled last.
    section .bss
    alignb  8
facts:
    resb    handoff_size

; What tells QEMU and its kin where to enter: Xen's PHYS32_ENTRY. Eight bytes, for QEMU
; reads as many.
    section .note.Xen note alloc noexec nowrite align=4
    dd      4, 8, 18
    db      "Xen", 0
    dq      KERNEL_PA_FIRST             ; pvh_entry, the first of all

    section .note.GNU-stack noalloc noexec nowrite progbits
