; SPDX-License-Identifier: MIT
; a20_methods.asm - a20.inc alone: shuts the gate and opens it by each port, telling
; COM1 one letter a step. "soKoPo": it is shut, the keyboard controller opened it, so did
; port 92h. "n" stands for a method that gave up, "x" for a gate that is not as it should be.

%include "layout.inc"
%include "handoff.inc"

    bits    16
    org     STAGE1

    xor     ax, ax
    mov     ds, ax
    mov     es, ax
    mov     ss, ax
    mov     sp, STACK_TOP

    call    shut
    call    a20_by_keyboard
    mov     al, 'K'
    jnc     .keyboard
    mov     al, 'n'
.keyboard:
    call    put
    call    expect_open
    call    shut
    mov     al, 'P'
    call    put
    call    a20_by_port92
    call    expect_open
    mov     al, 16
    out     0xf4, al
    hlt

; Shuts the gate, and tells whether it is.
shut:
    in      al, 0x92
    and     al, ~3
    out     0x92, al
    call    a20_is_open
    mov     al, 's'
    jc      put
    mov     al, 'x'
    jmp     put

expect_open:
    call    a20_wait
    mov     al, 'o'
    jnc     put
    mov     al, 'x'
put:
    mov     dx, 0x3f8
    out     dx, al
    ret

%include "a20.inc"

    times   510 - ($ - $$) db 0
    dw      0xaa55
