; SPDX-License-Identifier: MIT
; pvh.asm - the direct road: a loader that knows ELF puts the kernel's file into memory and
; enters it here, in 32-bit protected mode without paging.
;
; Part of every image. Two such loaders' customs are kept: PVH (QEMU -kernel, Firecracker,
; Cloud Hypervisor; start_info.inc) and Multiboot2 (GRUB; multiboot2.inc).
;
;     read     32-bit   what the loader says, from wherever in memory it lies, into scratch
;     settle   64-bit   scratch to the places of pvh_layout.inc; page tables; join
;
; The image lies at KERNEL_PA_FIRST, wherever it is linked and will be mapped, and this section
; is its first: so the distance from the section's start tells where a symbol is in memory.
; That is PA(symbol), within this section; 64-bit code says [rel …].
; In:   p_paddr honoured, bss clear, interrupts off; EBX = the loader's block.
; Out:  docs/handoff.md. Or one line on COM1, and a halt.

%define PA(symbol) ((symbol) - $$ + KERNEL_PA_FIRST)

%include "handoff.inc"
%include "pvh_layout.inc"
%include "control.inc"

CPUID_LM        equ 1 << 29             ; leaf 80000001h EDX
CPUID_NX        equ 1 << 20
ELF_EXECUTE     equ 1                   ; p_flags
ELF_WRITE       equ 2
SYMBOLS_BYTES   equ 12                  ; in the table of symbols: its size

extern core_entry, core_stack_guard
extern core_image_start, core_text_end, core_rodata_end, core_data_end, core_symbols
extern core_relr_start, core_relr_end
global pvh_entry, multiboot2_entry

; Core has not begun to use its stack, and the loader has cleared it. SCRATCH(x) is what will lie
; at x.
%define scratch core_stack_guard
%define SCRATCH(place) PA(scratch + (place) - HANDOFF)
SCRATCH_STACK   equ 0x8000

    section .text.direct exec
    bits    32
pvh_entry:
    mov     ebp, PA(start_info_read)
direct:
    cld
    mov     esi, eax
    mov     esp, PA(scratch + SCRATCH_STACK)
    rdtsc
    mov     [SCRATCH(HANDOFF + handoff.tsc_at_entry)], eax
    mov     [SCRATCH(HANDOFF + handoff.tsc_at_entry + 4)], edx
    call    ebp

    mov     eax, 0x80000000
    cpuid
    cmp     eax, 0x80000001
    sbb     esi, esi                    ; all ones: there is no such leaf
    mov     eax, 0x80000001
    cpuid
    not     edx
    or      edx, esi
    mov     esi, PA(not_enough)
    test    edx, CPUID_LM | CPUID_NX
    jnz     fail

    mov     edi, PD_LOW                 ; the first GiB at itself, for the way
    mov     eax, PAGE_PRESENT + PAGE_WRITE + PAGE_LARGE
.next:
    mov     [edi], eax
    mov     dword [edi + 4], 0
    add     edi, 8
    add     eax, LARGE_BYTES
    test    eax, HUGE_BYTES
    jz      .next
    mov     ecx, (PML4 + PAGE_BYTES - PDPT_LOW) / 4
    xor     eax, eax
    rep     stosd
    mov     dword [PML4], PDPT_LOW + PAGE_PRESENT + PAGE_WRITE
    mov     dword [PDPT_LOW], PD_LOW + PAGE_PRESENT + PAGE_WRITE

    lgdt    [PA(gdt_pointer)]
    mov     eax, CR4_SET                ; and four levels of tables: nothing else
    mov     cr4, eax
    mov     eax, PML4
    mov     cr3, eax
    mov     ecx, MSR_EFER
    rdmsr
    or      eax, EFER_SET
    wrmsr
    mov     eax, cr0
    and     eax, ~CR0_CLEAR
    or      eax, CR0_SET
    mov     cr0, eax
    jmp     CODE64:PA(settle)

multiboot2_entry:
    mov     ebp, PA(multiboot2_read)
    jmp     direct

; Adds to the map the range at ESI, if it is not empty: base, bytes and type as in handoff_range.
; ESI moves on behind the type.
map_add:
    mov     edi, [esi + handoff_range.bytes]
    or      edi, [esi + handoff_range.bytes + 4]
    jz      .empty
    imul    edi, [SCRATCH(HANDOFF + handoff.map_count)], handoff_range_size
    cmp     edi, MAP_MAX * handoff_range_size
    jae     map_is_full
    inc     dword [SCRATCH(HANDOFF + handoff.map_count)]
    add     edi, SCRATCH(MAP)
    push    ecx
    mov     ecx, handoff_range.attributes / 4
    rep     movsd
    pop     ecx
    mov     dword [edi], 1              ; neither custom has attributes
    ret
.empty:
    add     esi, handoff_range.attributes
    ret
map_is_full:
    mov     esi, PA(too_long)
    jmp     fail

not_enough:
    db      "this CPU is not 64-bit (x86-64), or has no NX pages", 0
too_long:
    db      "the loader's memory map has more than 512 entries", 0

; Copies the string at ESI to EDI: ECX bytes at most, the zero included.
string_copy:
    lodsb
    stosb
    test    al, al
    loopnz  string_copy
    mov     byte [edi - 1], 0
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

; Brings what was read to where it stays, and the kernel to its address. CS is ours; the other
; segments are flat as the loader left them, which is all that counts here.
    bits    64
settle:
    lea     rsi, [rel scratch]
    mov     edi, HANDOFF
    imul    ecx, [rsi + handoff.map_count], handoff_range_size / 8
    add     ecx, (MAP - HANDOFF) / 8
    rep     movsq
    mov     dword [HANDOFF + handoff.loader_name], NAME
    mov     dword [HANDOFF + handoff.cmdline], CMDLINE
    mov     dword [HANDOFF + handoff.map], MAP
    mov     dword [HANDOFF + handoff.slot], HANDOFF_SLOT_NONE

    ; The image is as long as the linker made it, but for its last segment: the table of
    ; symbols was put in later and tells its own size.
    lea     rdx, [rel core_symbols]
    mov     ecx, [rdx + SYMBOLS_BYTES]
    lea     rbx, [rdx + rcx + PAGE_BYTES - 1]
    and     rbx, -PAGE_BYTES            ; its end in memory
    lea     rcx, [rbx - KERNEL_PA_FIRST]
    mov     dword [HANDOFF + handoff.kernel_pa], KERNEL_PA_FIRST
    mov     [HANDOFF + handoff.kernel_bytes], rcx
    cmp     rcx, KERNEL_MAX
    lea     rsi, [rel too_big]
    ja      fail

    ; The map must say that it lies in memory, and that there is low memory for us.
    mov     eax, KERNEL_PA_FIRST
    call    memory_is_usable
    lea     rsi, [rel no_kernel]
    jnz     fail
    mov     eax, PAGE_BYTES
    mov     ebx, LOW_END_MAX
    call    memory_is_usable
    lea     rsi, [rel no_low]
    jnz     fail

    mov     qword [HANDOFF + handoff.kernel_va], KERNEL_VA_MIN
    call    slide_choose
    add     [HANDOFF + handoff.kernel_va], rax
    mov     rdx, rax
    mov     r8, KERNEL_PA_FIRST - KERNEL_VA_MIN
    mov     r9, KERNEL_VA_MIN           ; its segments follow each other without a gap: one to us
    mov     r10, [HANDOFF + handoff.kernel_bytes]
    sub     r10, RELR_BYTES - 1
    lea     rsi, [rel core_relr_start]
    lea     rcx, [rel core_relr_end]
    sub     rcx, rsi
    call    relr_apply
    lea     rsi, [rel damaged]
    jc      fail

    call    paging_open_image
    mov     edi, [HANDOFF + handoff.kernel_va]
    shr     edi, 12
    and     edi, 511
    lea     rdi, [PT_IMAGE + rdi * 8]
%macro map_pages 3                      ; from, to, ELF flags
    lea     rax, [rel %1]
    lea     rcx, [rel %2]
    sub     rcx, rax
    mov     edx, %3
    call    paging_map_pages
%endmacro
    map_pages core_image_start, core_text_end, ELF_EXECUTE
    map_pages core_text_end, core_rodata_end, 0
    map_pages core_rodata_end, core_data_end, ELF_WRITE
    lea     rax, [rel core_symbols]
    mov     ecx, KERNEL_PA_FIRST
    add     rcx, [HANDOFF + handoff.kernel_bytes]
    sub     rcx, rax
    xor     edx, edx
    call    paging_map_pages

    lea     rax, [rel core_entry]
    sub     rax, KERNEL_PA_FIRST
    add     rax, [HANDOFF + handoff.kernel_va]
    mov     [STATE + state.entry], rax
%include "join.inc"

relr_segment:                           ; there is no other
    stc
    ret

too_big:
    db      "the kernel is larger than 64 MiB", 0
no_kernel:
    db      "the kernel at 1 MiB does not lie in memory that the map calls usable", 0
no_low:
    db      "the memory map does not give us memory from 4 to 200 KiB", 0
damaged:
    db      "the kernel's relocations are damaged", 0

%include "memory.inc"
%include "paging.inc"
%include "slide.inc"
%include "relr.inc"
%include "gdt.inc"

    align   8
gdt_pointer:
    dw      GDT_BYTES - 1
    dd      PA(gdt)

; What tells QEMU and its kin where to enter: Xen's PHYS32_ENTRY. Eight bytes, for QEMU
; reads as many.
    section .note.Xen note alloc noexec nowrite align=4
    dd      4, 8, 18
    db      "Xen", 0
    dq      KERNEL_PA_FIRST             ; pvh_entry, the first of all

    section .note.GNU-stack noalloc noexec nowrite progbits
