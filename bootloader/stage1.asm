; SPDX-License-Identifier: MIT
; stage1.asm - the boot sector: read the stage 2 area, check its name, jump.
;
; In:   DL = BIOS drive; loaded at 0x7c00, with whatever CS:IP the BIOS likes.
; Out:  stage 2 at STAGE2, entered at 0000:STAGE2 with DS = ES = SS = 0, and in the
;       handoff block tsc_at_entry and boot_drive.
; At most 440 bytes: image.py writes the disk signature and the partition table behind.

%include "layout.inc"
%include "handoff.inc"

INVALID_OPCODE  equ 6 * 4               ; its real mode vector

    bits    16
    org     STAGE1

    cli
    xor     ax, ax
    mov     ds, ax
    mov     es, ax
    mov     ss, ax
    mov     sp, STACK_TOP
    cld
    jmp     0:canonical                 ; some BIOSes come in as 07c0:0000
canonical:
    movzx   ebx, dl
    mov     [HANDOFF + handoff.boot_drive], ebx

    ; A CPU too old for a time stamp counter raises #UD here. It must get as far as
    ; stage 2, which tells its owner so.
    push    dword [INVALID_OPCODE]
    mov     dword [INVALID_OPCODE], .no_counter
    rdtsc
    mov     [HANDOFF + handoff.tsc_at_entry], eax
    mov     [HANDOFF + handoff.tsc_at_entry + 4], edx
.no_counter:
    mov     sp, STACK_TOP - 4           ; without the exception's frame, if there was one
    pop     dword [INVALID_OPCODE]
    sti

    mov     dl, bl
    mov     ah, 0x41                    ; EDD installation check
    mov     bx, 0x55aa
    int     0x13
    mov     si, no_edd
    jc      fail
    cmp     bx, 0xaa55
    jne     fail
    test    cl, 1                       ; "extended disk access" calls are there
    jz      fail

    mov     cx, STAGE2_SECTORS
    call    disk_read
    jc      fail_disk

    mov     si, no_stage2
    cmp     dword [STAGE2 + 16], "EXOB"
    jne     fail
    cmp     dword [STAGE2 + 20], "OOT1"
    jne     fail
    jmp     STAGE2

fail_disk:
    mov     si, unreadable
    call    print_failure
    mov     al, [disk_status]
    call    print_hex
    jmp     newline_halt
fail:
    call    print_failure
    jmp     newline_halt

DISK_BUFFER     equ STAGE2
DISK_LBA        equ STAGE2_LBA
%include "disk.inc"
%include "print.inc"

no_edd:
    db      "this BIOS has no EDD (LBA reads)", 0
unreadable:
    db      "cannot read stage 2: BIOS error 0x", 0
no_stage2:
    db      "no stage 2 on this disk", 0

%if $ - $$ > 440
%error "stage 1 runs into the partition table"
%endif
