; SPDX-License-Identifier: MIT
; a20_shut.asm - shuts A20 before the loader runs.
;
; With -D WAY_keyboard it also makes INT 15h AX=2401h answer "not supported", so that the
; keyboard controller must open it; without, INT 15h may.

%include "chain.inc"

meddle:
%ifdef WAY_keyboard
    hook_int15
%endif
    in      al, 0x92
    and     al, ~3
    out     0x92, al
    ret

int15:
    cmp     ax, 0x2401
    je      .refuse
    jmp     far [cs:old_int15]
.refuse:
    mov     ah, 0x86
    stc
    retf    2
