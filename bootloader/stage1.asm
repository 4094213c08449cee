; SPDX-License-Identifier: MIT
; stage1.asm - the boot sector: read stage 2, check its name, jump.
;
; In:   DL = BIOS drive; loaded at 0x7c00, with whatever CS:IP the BIOS likes.
; Out:  stage 2 at STAGE2, entered at 0000:STAGE2 with DS = ES = SS = 0, and in the
;       handoff block tsc_at_entry and boot_drive.
; At most 440 bytes: image.py writes the disk signature and the partition table behind.
;
; The same sector starts a hard disk, a USB stick, a floppy and, by El Torito, a CD: it asks
; how long a sector is. Without EDD it reads by cylinder, head and sector.

%include "layout.inc"
%include "handoff.inc"

INVALID_OPCODE  equ 6 * 4               ; its real mode vector
EDD_PARAMETERS  equ 0x600               ; free memory for the answer to INT 13h AH=48h
TRIES           equ 3

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

    mov     ah, 0x41                    ; EDD installation check
    mov     bx, 0x55aa
    call    bios_disk
    jc      by_cylinder
    cmp     bx, 0xaa55
    jne     by_cylinder
    shr     cl, 1                       ; "extended disk access" calls are there
    jnc     by_cylinder

    mov     si, EDD_PARAMETERS
    mov     word [si], 26
    mov     word [si + 24], SECTOR_BYTES
    mov     ah, 0x48
    call    bios_disk
    mov     eax, STAGE2_OFFSET
    cdq
    movzx   ecx, word [si + 24]
    jcxz    by_cylinder
    div     ecx
    mov     [packet.lba], eax
    lea     di, [eax + eax * 2]         ; STAGE2_BYTES is 3/16 of STAGE2_OFFSET
    shr     di, 4
    mov     si, packet
    mov     bp, TRIES
.try:
    mov     [packet.sectors], di        ; every time: the BIOS leaves its own count here
    mov     ah, 0x42
    call    bios_disk
    jnc     loaded
    call    again
    jmp     .try

by_cylinder:
    mov     ah, 0x08                    ; geometry
    call    bios_disk
    push    ds
    pop     es                          ; a floppy's answer is in ES:DI too
    jc      fail
    and     cx, 63
    mov     di, cx                      ; sectors on a track
    mov     bl, dh
    mov     [heads], bl
    inc     word [heads]
    mov     si, STAGE2_OFFSET / SECTOR_BYTES
.sector:
    mov     bp, TRIES
.try:
    xor     dx, dx
    mov     ax, si
    div     di
    mov     cx, dx
    inc     cx                          ; sectors count from 1
    xor     dx, dx
    div     word [heads]
    mov     ch, al                      ; below 192, so no high bits
    mov     dh, dl
    mov     bx, si
    shl     bx, 9                       ; 128 << 9 is 0 in 16 bits …
    add     bh, STAGE2 >> 8             ; … so the first sector goes to STAGE2
    mov     ax, 0x0201
    call    bios_disk
    jnc     .read
    call    again
    jmp     .try
.read:
    inc     si
    cmp     si, (STAGE2_OFFSET + STAGE2_BYTES) / SECTOR_BYTES
    jne     .sector

loaded:
    cmp     dword [STAGE2 + 16], "EXOB"
    jne     fail
    cmp     dword [STAGE2 + 20], "OOT3"
    jne     fail
    jmp     STAGE2

; After a failed try: resets the drive, or gives up.
again:
    dec     bp
    jz      fail
    mov     ah, 0
bios_disk:
    mov     dl, [HANDOFF + handoff.boot_drive]
    int     0x13
    mov     [status], ah
    ret

fail:
    mov     si, no_stage2
    call    print_failure
    mov     al, [status]
    call    print_hex
    jmp     newline_halt

%include "print.inc"

no_stage2:
    db      "no stage 2: BIOS status 0x", 0
status:
    db      0
heads:
    dw      0                           ; the highest number of a head, plus 1
packet:
    db      16, 0
.sectors:
    dw      0
    dw      0, STAGE2 >> 4
.lba:
    dq      0

%if $ - $$ > 440
%assign size $ - $$
%error "stage 1 runs into the partition table" size
%endif
