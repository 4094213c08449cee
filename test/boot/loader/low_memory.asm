; SPDX-License-Identifier: MIT
; low_memory.asm - a BIOS whose extended data area begins KIB kibibytes up.

%include "chain.inc"

meddle:
    hook_int12
    ret

int12:
    mov     ax, KIB
    iret
