; SPDX-License-Identifier: MIT
; stage2.asm - the BIOS road from the boot sector to the kernel's first instruction.
;
; In:   what stage1.asm promises.
; Out:  docs/handoff.md. Or one line that says what is missing, and a halt.

%include "layout.inc"
%include "handoff.inc"
%include "control.inc"

    bits    16
    org     STAGE2

    jmp     short stage2
    times   16 - ($ - $$) db 0
; image.py fills this in; the offset and the order are its contract.
boot_header:
    db      "EXOBOOT1"
.kernel_lba:
    dq      0
.kernel_bytes:
    dq      0

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
    call    long_open
    mov     bx, paging_map_low
    call    long_call
    call    kernel_read
    mov     bx, join
    call    long_call                   ; does not come back

; Low memory must reach as far as we use it. Its end is the extended BIOS data area.
low_memory_check:
    int     0x12
    mov     si, .too_small
    cmp     ax, LOW_END_MAX >> 10
    jb      fail
    ret
.too_small:
    db      "less than 292 KiB of memory below the BIOS's", 0

; Fills in the block what this road knows, and clears what it does not.
handoff_open:
    mov     di, HANDOFF + handoff.loader_name
    mov     cx, (handoff_size - handoff.loader_name) / 2
    xor     ax, ax
    rep     stosw
    mov     dword [HANDOFF + handoff.road], HANDOFF_ROAD_BIOS
    mov     word [HANDOFF + handoff.loader_name], loader_name
    mov     word [HANDOFF + handoff.cmdline], CMDLINE
    mov     byte [CMDLINE + CMDLINE_BYTES - 1], 0
    mov     word [HANDOFF + handoff.map], MAP
    ret

; Reads the kernel's file, giving each chunk to elf.inc.
kernel_read:
    mov     si, .damaged
    mov     eax, [boot_header.kernel_bytes]
    cmp     dword [boot_header.kernel_bytes + 4], 0
    jne     fail
    add     eax, SECTOR_BYTES - 1
    jc      fail
    shr     eax, 9
    jz      fail
    mov     [.sectors_left], eax
    mov     eax, [boot_header.kernel_lba]
    mov     [disk_packet.lba], eax
    mov     eax, [boot_header.kernel_lba + 4]
    mov     [disk_packet.lba + 4], eax
    mov     bx, elf_first_chunk
.next:
    mov     ecx, CHUNK_SECTORS
    cmp     ecx, [.sectors_left]
    jbe     .full
    mov     ecx, [.sectors_left]
.full:
    push    bx
    push    ecx
    call    disk_read
    pop     ecx
    pop     bx
    jc      .unreadable
    sub     [.sectors_left], ecx
    add     [disk_packet.lba], ecx
    adc     dword [disk_packet.lba + 4], 0
    call    long_call
    mov     si, ax
    test    ax, ax
    jnz     fail
    mov     bx, elf_next_chunk
    cmp     dword [.sectors_left], 0
    jne     .next
    ret
.unreadable:
    mov     eax, [disk_packet.lba]
    mov     [fail_numbers], eax
    mov     si, .disk_error
    jmp     fail
.sectors_left:
    dd      0
.damaged:
    db      "stage 2 does not say where the kernel is", 0
.disk_error:
    db      "cannot read the kernel at sector #: BIOS error 0x$", 0

; Prints the line at SI and halts. In it, # stands for the next of fail_numbers and $
; for the last disk call's status.
fail:
    mov     bp, si
    mov     si, .nothing
    call    print_failure
    mov     si, bp
    mov     di, fail_numbers
.next:
    lodsb
    cmp     al, 0
    je      newline_halt
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
    mov     eax, [di]
    add     di, 4
    call    print_decimal
    jmp     .next
.nothing:
    db      0

; Prints EAX in decimal.
print_decimal:
    mov     ebx, 10
    xor     cx, cx
.divide:
    xor     edx, edx
    div     ebx
    push    dx
    inc     cx
    test    eax, eax
    jnz     .divide
.print:
    pop     ax
    add     al, '0'
    call    print_char
    loop    .print
    ret

    align   4
fail_numbers:
    dd      0, 0
a20_shut:
    db      "cannot open the A20 gate", 0
loader_name:
    db      "exocore BIOS loader 1", 0

DISK_BUFFER     equ CHUNK
DISK_LBA        equ 0
%include "print.inc"
%include "disk.inc"
%include "cpu.inc"
%include "a20.inc"
%include "e820.inc"
%include "gdt.inc"
%include "long_call.inc"
%include "memory.inc"
%include "paging.inc"
%include "elf.inc"
%include "join.inc"

%if $ - $$ > CMDLINE - STAGE2
%error "stage 2 runs into the command line"
%endif
