; SPDX-License-Identifier: MIT
; call_main.asm - from start.c to the app's main.
;
; C lets an app define main with parameters or without. Called from C, one of the two
; would not match the declaration, which link-time optimization points out; assembly has
; no opinion, and the ABI lets a caller pass too many arguments.
bits 64
section .text

extern main

global start_call_main:function
start_call_main:
    jmp main
