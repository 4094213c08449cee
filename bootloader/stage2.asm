; SPDX-License-Identifier: MIT
; stage2.asm - the BIOS road from the boot sector to the kernel's first instruction.
;
; In:   what stage1.asm promises.
; Out:  docs/handoff.md. Or one line that says what is missing, and a halt.

%include "layout.inc"
%include "handoff.inc"
%include "control.inc"

%ifdef MAP_FILE
[map symbols MAP_FILE]                  ; for `exocore bench boot`
%endif

    bits    16
    org     STAGE2

    jmp     short stage2
    times   16 - ($ - $$) db 0
    db      "EXOBOOT3"                  ; by which stage 1 and image.py know it

stage2:
    xor     ax, ax
    mov     es, ax
    call    cpu_check
    call    low_memory_check
    call    a20_open
    mov     si, a20_shut
    jc      fail
    call    handoff_open
    call    e820_read
    call    disk_open
    call    long_open
    mov     bx, boot
    jmp     long_enter

; Low memory must reach as far as we use it. Its end is the extended BIOS data area.
low_memory_check:
    int     0x12
    mov     si, .too_small
    cmp     ax, LOW_END_MAX >> 10
    jb      fail
    ret
.too_small:
    db      "less than 304 KiB of memory below the BIOS's", 0

; Fills in the block what this road knows, and clears what it does not.
handoff_open:
    mov     di, HANDOFF + handoff.loader_name
    mov     cx, (handoff_size - handoff.loader_name) / 2
    xor     ax, ax
    rep     stosw
    mov     di, STATE
    mov     cl, state_size / 2
    rep     stosw
    mov     dword [HANDOFF + handoff.road], HANDOFF_ROAD_BIOS
    mov     word [HANDOFF + handoff.loader_name], loader_name
    mov     word [HANDOFF + handoff.cmdline], CMDLINE
    mov     byte [CMDLINE + CMDLINE_BYTES - 1], 0
    mov     word [HANDOFF + handoff.map], MAP
    ret

; Prints the line at SI and halts.
fail:
    push    si
    mov     si, nothing
    call    print_failure
    pop     si
    call    print_message
    jmp     newline_halt

; Prints the line at SI behind the letter of its slot.
say:
    push    si
    mov     si, slot_prefix
    call    print_failure
    pop     si
    call    print_message
    mov     si, newline
    jmp     print_string

; Prints the string at SI. In it, # stands for the next of state.numbers and $ for the last
; disk call's status.
print_message:
    mov     di, STATE + state.numbers
.next:
    lodsb
    cmp     al, 0
    je      .done
    cmp     al, '#'
    je      .number
    cmp     al, '$'
    je      .status
    call    print_char
    jmp     .next
.status:
    mov     al, [disk_status]
    call    print_hex
    jmp     .next
.number:
    call    print_decimal
    add     di, 8
    jmp     .next
.done:
    ret

; Prints the 64-bit number at DI in decimal. It is 0 afterwards.
print_decimal:
    mov     ebx, 10
    xor     cx, cx
.divide:
    xor     edx, edx
    mov     eax, [di + 4]
    div     ebx
    mov     [di + 4], eax
    mov     eax, [di]
    div     ebx
    mov     [di], eax
    push    dx
    inc     cx
    or      eax, [di + 4]
    jnz     .divide
.print:
    pop     ax
    add     al, '0'
    call    print_char
    loop    .print
    ret

    bits    64
boot:
    call    paging_map_low
    call    slots_load
    test    eax, eax
    jz      join
    mov     esi, eax
    mov     ebx, fail
    jmp     real_call

; Says of slot AL what the message at ESI says.
slot_say:
    mov     [slot_prefix.letter], al
    push    rbx
    mov     ebx, say
    call    real_call
    pop     rbx
    ret

; Any kernel may run: the BIOS asks for no signatures either.
kernel_trust:
    xor     eax, eax
    ret

slot_prefix:
    db      "slot "
.letter:
    db      "A: "
nothing:
    db      0
a20_shut:
    db      "cannot open the A20 gate", 0
loader_name:
    db      "exocore BIOS loader 3", 0

%include "print.inc"
%include "cpu.inc"
%include "a20.inc"
%include "e820.inc"
%include "disk.inc"
%include "gdt.inc"
%include "mode.inc"
%include "memory.inc"
%include "place.inc"
%include "paging.inc"
%include "slide.inc"
%include "elf.inc"
%include "relr.inc"
%include "dynamic.inc"
%include "crc32.inc"
%include "sha256.inc"
%include "gpt.inc"
%include "slot.inc"
%include "join.inc"

%if $ - $$ > CMDLINE_AT
%error "stage 2 runs into the command line"
%endif
