; SPDX-License-Identifier: MIT
; kernel.asm - a kernel that holds the loader to docs/handoff.md.
;
; Built as an ELF64 object and linked by kernel.ld. Each check that fails prints its name
; on COM1 and exits with 1; if all hold it prints "OK", facts for the test, and exits
; with 0. The exit convention is core_exit's: status + 16 to port 0xf4.

%include "handoff.inc"
%include "layout.inc"

; -D PAYLOAD_WORDS=n: that many words of payload.py's pattern, from payload.bin
; -D BSS_BYTES=n
; -D MOVES: it has addresses in it, and relocations for them
; -D UEFI: the block is to come from the UEFI road
%ifndef PAYLOAD_WORDS
%define PAYLOAD_WORDS 0
%endif
%ifndef BSS_BYTES
%define BSS_BYTES 20000
%endif
%ifdef UEFI
ROAD            equ HANDOFF_ROAD_UEFI
%else
ROAD            equ HANDOFF_ROAD_BIOS
%endif
PATTERN_WORDS   equ 65521
PATTERN_STEP    equ 0x9e3779b1

; expect CONDITION, "name": the flags hold the condition, or the test is over.
%macro expect 2
    j%1     %%holds
    lea     rsi, [rel %%name]
    jmp     failed
%%name:
    db      "FAIL: ", %2, 10, 0
%%holds:
%endmacro

    bits    64
    default rel

    section .text
    global  start
start:
    rdtsc                               ; the loader's whole time ends here
    shl     rdx, 32
    or      rax, rdx
    mov     r15, rax
    mov     rbx, rdi
    pushfq
    pop     rax
    test    eax, 1 << 9
    expect  z, "interrupts are off"
    test    eax, 1 << 10
    expect  z, "the direction flag is clear"

    mov     rax, HANDOFF_MAGIC
    cmp     [rbx + handoff.magic], rax
    expect  e, "magic"
    cmp     dword [rbx + handoff.version], HANDOFF_VERSION
    expect  e, "version"
    cmp     dword [rbx + handoff.bytes], handoff_size
    expect  e, "bytes"
    cmp     dword [rbx + handoff.road], ROAD
    expect  e, "road"
%ifdef UEFI
    cmp     dword [rbx + handoff.boot_drive], 0
    expect  e, "boot_drive"
%else
    cmp     dword [rbx + handoff.boot_drive], 0x80
    expect  ae, "boot_drive"
%endif
    mov     rax, [rbx + handoff.tsc_at_entry]
    test    rax, rax
    expect  nz, "tsc_at_entry is set"
    cmp     rax, r15
    expect  b, "tsc_at_entry lies in the past"
    cmp     dword [rbx + handoff.slot], 1
    expect  be, "slot"
    test    qword [rbx + handoff.slot_offset], PAGE_BYTES - 1
    expect  z, "slot_offset"
    cmp     qword [rbx + handoff.slot_offset], STAGE2_OFFSET
    expect  a, "slot_offset"
    mov     rcx, [rbx + handoff.slot_bytes]
    cmp     rcx, [rbx + handoff.kernel_bytes]
    expect  nz, "slot_bytes"
    mov     rax, [rbx + handoff.slot_guid]
    cmp     rax, [rbx + handoff.disk_guid]
    expect  ne, "slot_guid and disk_guid"
    mov     eax, [rbx + handoff.sector_bytes]
    bsf     ecx, eax
    expect  nz, "sector_bytes"
    mov     edx, 1
    shl     edx, cl
    cmp     eax, edx
    expect  e, "sector_bytes"
%ifdef UEFI
    call    check_rsdp
%else
    cmp     qword [rbx + handoff.rsdp], 0
    expect  e, "rsdp"
    cmp     qword [rbx + handoff.fb_base], 0
    expect  e, "fb_base"
    cmp     dword [rbx + handoff.fb_format], 0
    expect  e, "fb_format"
%endif

    cmp     qword [rbx + handoff.seed], 0
    expect  ne, "seed"

    lea     rax, [image_start]
    cmp     [rbx + handoff.kernel_va], rax
    expect  e, "kernel_va"
    lea     rcx, [image_end]
    sub     rcx, rax
    cmp     [rbx + handoff.kernel_bytes], rcx
    expect  e, "kernel_bytes"
    mov     rax, [rbx + handoff.kernel_pa]
    test    eax, PAGE_BYTES - 1
    expect  z, "kernel_pa is page aligned"
    add     rcx, rax
    mov     rdx, [rbx + handoff.low_end]
    cmp     rdx, rax
    jbe     .apart
    cmp     rcx, [rbx + handoff.low_start]
    expect  be, "the loader's memory is not the kernel's"
.apart:
    cmp     rbx, [rbx + handoff.low_start]
    expect  ae, "the block lies above low_start"
    cmp     rbx, rdx
    expect  b, "the block lies below low_end"
    cmp     rsp, rdx
    expect  be, "the stack lies below low_end"

    call    check_map
    call    check_image
%ifdef MOVES
    call    check_addresses
%endif
    call    check_pages
    call    check_sse

    lea     rsi, [ok]
    call    print
    mov     rsi, [rbx + handoff.loader_name]
    call    print
    lea     rsi, [cmdline]
    call    print
    mov     rsi, [rbx + handoff.cmdline]
    call    print
    lea     rsi, [slot]
    mov     eax, [rbx + handoff.slot]
    call    print_value
    lea     rsi, [kernel_pa]
    mov     rax, [rbx + handoff.kernel_pa]
    call    print_value
    lea     rsi, [kernel_va]
    mov     rax, [rbx + handoff.kernel_va]
    call    print_value
    lea     rsi, [low_end]
    mov     rax, [rbx + handoff.low_end]
    call    print_value
%ifdef UEFI
    lea     rsi, [fb_base]
    mov     rax, [rbx + handoff.fb_base]
    call    print_value
    lea     rsi, [fb_size]
    mov     rax, [rbx + handoff.fb_width]       ; and the height above it
    call    print_value
    lea     rsi, [fb_lines]
    mov     rax, [rbx + handoff.fb_pitch]       ; and the format above it
    call    print_value
%endif
    lea     rsi, [ticks]
    mov     rax, r15
    sub     rax, [rbx + handoff.tsc_at_entry]
    call    print_value
    mov     al, 16
    jmp     exit

%ifdef UEFI
; The ACPI root pointer is one (ACPI 6.5 §5.2.5.3), and its first 20 bytes add up to 0.
check_rsdp:
    mov     rsi, [rbx + handoff.rsdp]
    mov     rax, "RSD PTR "
    cmp     [rsi], rax
    expect  e, "rsdp"
    xor     eax, eax
    mov     ecx, 20
.next:
    add     al, [rsi]
    inc     rsi
    dec     ecx
    jnz     .next
    test    al, al
    expect  z, "rsdp's checksum"
    ret
%endif

; The image and the loader's low memory must lie in usable entries only.
check_map:
    mov     ecx, [rbx + handoff.map_count]
    test    ecx, ecx
    expect  nz, "the map has entries"
    mov     rsi, [rbx + handoff.map]
    mov     r8, [rbx + handoff.kernel_pa]
    mov     r9, r8
    add     r9, [rbx + handoff.kernel_bytes]
    xor     r11d, r11d
.next:
    mov     rax, [rsi + handoff_range.base]
    mov     rdx, [rsi + handoff_range.bytes]
    add     rdx, rax
    cmp     rax, r9
    jae     .apart
    cmp     rdx, r8
    jbe     .apart
    cmp     dword [rsi + handoff_range.type], HANDOFF_RANGE_USABLE
    expect  e, "the kernel overlaps no reserved memory"
    cmp     rdx, r9
    jb      .apart
    cmp     rax, r8
    ja      .apart
    inc     r11d
.apart:
    test    dword [rsi + handoff_range.attributes], 1
    expect  nz, "attributes"
    add     rsi, handoff_range_size
    dec     ecx
    jnz     .next
    test    r11d, r11d
    expect  nz, "the kernel lies in one usable entry"
    ret

; Every byte of the file came to its place, and bss is clear.
check_image:
    mov     rax, 0x1122334455667788
    cmp     [constant], rax
    expect  e, ".rodata"
    cmp     [variable], rax
    expect  e, ".data"
    inc     qword [variable]
    lea     rdi, [bss_start]
    lea     rcx, [image_end]            ; to the end of the last page
    sub     rcx, rdi
    xor     eax, eax
    repe    scasb
    expect  e, ".bss is clear to the end of its page"
%if PAYLOAD_WORDS
    lea     rsi, [payload]
    mov     ecx, PAYLOAD_WORDS
.again:
    xor     eax, eax
    mov     edx, PATTERN_WORDS
.next:
    cmp     [rsi], eax
    expect  e, "payload"
    add     eax, PATTERN_STEP
    add     rsi, 4
    dec     ecx
    jz      .done
    dec     edx
    jnz     .next
    jmp     .again
.done:
%endif
    ret

%ifdef MOVES
; Every address in the image moved with it, in constants and in data.
check_addresses:
    lea     rax, [start]
    cmp     [constant_address], rax
    expect  e, "an address in .rodata"
    lea     rsi, [addresses]
    lea     rax, [variable]
    mov     ecx, ADDRESSES
.next:
    cmp     [rsi], rax
    expect  e, "an address in .data"
    add     rsi, 8
    dec     ecx
    jnz     .next
    ret
%endif

; The tables, walked by hand through the identity map.
check_pages:
    lea     rdi, [start]
    call    leaf
    and     rax, [flags]
    cmp     rax, [flags_rx]
    expect  e, ".text is mapped read-execute"
    lea     rdi, [constant]
    call    leaf
    and     rax, [flags]
    cmp     rax, [flags_r]
    expect  e, ".rodata is mapped read-only"
    lea     rdi, [variable]
    call    leaf
    and     rax, [flags]
    cmp     rax, [flags_rw]
    expect  e, ".data is mapped read-write"
    lea     rdi, [bss_end - 1]
    call    leaf
    and     rax, [flags]
    cmp     rax, [flags_rw]
    expect  e, ".bss is mapped read-write"
    lea     rdi, [image_end]
    call    leaf
    test    al, 1
    expect  z, "nothing is mapped behind the image"

    lea     rdi, [constant]
    call    leaf
    mov     rcx, 0x000ffffffffff000
    and     rax, rcx
    lea     rdx, [constant]
    lea     rcx, [image_start]
    sub     rdx, rcx
    add     rdx, [rbx + handoff.kernel_pa]
    and     rdx, -PAGE_BYTES
    cmp     rax, rdx
    expect  e, "the image is mapped where kernel_pa says"

    mov     rax, [rbx + handoff.kernel_pa]
    lea     rcx, [image_start]
    mov     rcx, [rcx]
    cmp     [rax], rcx
    expect  e, "the low map shows the image"
    call    check_direct_map

    mov     rax, cr0
    test    eax, 1 << 16
    expect  nz, "CR0.WP"
    mov     ecx, 0xc0000080
    rdmsr
    test    eax, 1 << 11
    expect  nz, "EFER.NXE"
    ret

; The direct map shows the loader's memory and nothing else, and core's tables are its end.
check_direct_map:
    mov     rax, cr3
    cmp     rax, [rbx + handoff.tables]
    expect  e, "tables"
    mov     rcx, [rax + 256 * 8]
    mov     rdx, [address]
    not     rdx
    and     rcx, rdx
    mov     rdx, 1 << 52 | 3            ; to core, a table in use
    cmp     rcx, rdx
    expect  e, "the entry of a table"

    mov     r8, [rbx + handoff.low_start]
    mov     ecx, PAGE_BYTES
    test    r8, r8
    cmovz   r8, rcx
    mov     r9, r8
    and     r9, -(2 << 20)
    lea     r10, [r9 + (2 << 20)]
    cmp     [rbx + handoff.low_end], r10
    expect  be, "the loader's memory lies in one 2 MiB"
.next:
    mov     rdi, HANDOFF_DIRECT_MAP
    add     rdi, r9
    call    leaf
    mov     rdx, [flags_rw]
    or      rdx, r9
    cmp     r9, r8
    jb      .hidden
    cmp     r9, [rbx + handoff.low_end]
    jb      .shown
.hidden:
    xor     edx, edx
.shown:
    cmp     rax, rdx
    expect  e, "the direct map shows exactly the loader's memory"
    add     r9, PAGE_BYTES
    cmp     r9, r10
    jb      .next
    ret

; Returns the 4 KiB entry that maps RDI, or 0.
leaf:
    mov     rax, cr3
    mov     cl, 39
.level:
    and     rax, [address]
    mov     rsi, rdi
    shr     rsi, cl
    and     esi, 511
    mov     rax, [rax + rsi * 8]
    test    al, 1
    jz      .absent
    sub     cl, 9
    cmp     cl, 3
    jne     .level
    ret
.absent:
    xor     eax, eax
    ret

; SSE works: CR4.OSFXSR, CR4.OSXMMEXCPT, and no EM or TS.
check_sse:
    movups  xmm0, [constant]
    movups  [bss_start], xmm0
    mov     rax, [constant]
    cmp     [bss_start], rax
    expect  e, "SSE moves bytes"
    mov     rax, cr4
    and     eax, 3 << 9
    cmp     eax, 3 << 9
    expect  e, "CR4.OSFXSR and OSXMMEXCPT"
    ret

failed:
    call    print
    mov     al, 17
exit:
    mov     dx, 0xf4
    out     dx, al
.halt:
    hlt
    jmp     .halt

; Prints the string at RSI.
print:
    lodsb
    test    al, al
    jz      .done
    call    put
    jmp     print
.done:
    ret

; Prints the string at RSI and RAX in hexadecimal.
print_value:
    push    rax
    call    print
    pop     rdi
    mov     ecx, 16
.digit:
    rol     rdi, 4
    mov     eax, edi
    and     eax, 15
    lea     rdx, [digits]
    mov     al, [rdx + rax]
    call    put
    dec     ecx
    jnz     .digit
    mov     al, 10
put:
    push    rax
    mov     dx, 0x3fd
.wait:
    in      al, dx
    test    al, 0x20
    jz      .wait
    pop     rax
    mov     dx, 0x3f8
    out     dx, al
    ret

    section .rodata align=16
constant:   dq  0x1122334455667788, 0
flags:      dq  1 << 63 | 3             ; no-execute, write, present
flags_rx:   dq  1
flags_r:    dq  1 << 63 | 1
flags_rw:   dq  1 << 63 | 3
address:    dq  0x000ffffffffff000
digits:     db  "0123456789abcdef"
ok:         db  "OK ", 0
cmdline:    db  10, "cmdline=", 0
slot:       db  10, "slot=", 0
kernel_pa:  db  "kernel_pa=", 0
kernel_va:  db  "kernel_va=", 0
low_end:    db  "low_end=", 0
fb_base:    db  "fb_base=", 0
fb_size:    db  "fb_size=", 0
fb_lines:   db  "fb_lines=", 0
ticks:      db  "ticks=", 0
%if PAYLOAD_WORDS
    align   4
payload:
    incbin  "payload.bin", 0, PAYLOAD_WORDS * 4
%endif

    section .data align=16
variable:   dq  0x1122334455667788

%ifdef MOVES
ADDRESSES       equ 200                 ; several bitmaps of them
addresses:  times ADDRESSES dq variable

    section .data.rel.ro progbits alloc noexec write align=8
constant_address:
            dq  start
%endif

    section .bss align=16
    global  bss_end
bss_start:  resb BSS_BYTES
bss_end:

    extern  image_start, image_end
