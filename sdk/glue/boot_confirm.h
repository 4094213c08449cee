// SPDX-License-Identifier: MIT
// boot_confirm.h - "this version works": one call for an app that is updated by slots.
//
// An updated slot is tried three times; whoever does not call this is replaced by the other
// slot then. Call it when the app does what it is for, not at the start of main.
#ifndef SDK_GLUE_BOOT_CONFIRM_H
#define SDK_GLUE_BOOT_CONFIRM_H

// Finds the disk that the loader booted from, by its GUID, and has core mark the slot.
//
// Errors: -EXO_ENOENT   the kernel came from no slot: there is nothing to confirm.
//         -EXO_ENOTSUP  no driver of ours reaches that disk (docs/boot.md lists them).
//         or as core_boot_confirm (core/boot.h); a disk that fails is passed over, and its
//         error is the answer only if no other is the one.
int exo_boot_confirm(void);

#endif
