// SPDX-License-Identifier: MIT
// image.h - the borders of the image's segments, as the linker script sets them.
//
//     core_image_start … core_text_end      code           R X
//     core_text_end    … core_rodata_end    constants      R
//     core_rodata_end  … core_data_end      data and bss   R W
//       core_sealed_start … core_sealed_end   of them  R from core_seal on
//     core_symbols     … core_image_limit() symbol table   R
//
// The table of symbols is filled in after linking and makes the image longer than the
// linker knew: core_image_end is the end of an empty one.
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include <stdint.h>

extern const uint8_t core_image_start[], core_text_end[], core_rodata_end[], core_data_end[],
    core_sealed_start[], core_sealed_end[], core_symbols[], core_image_end[];

// The page below core's stack (entry.asm): part of the image, mapped nowhere.
extern const uint8_t core_stack_guard[];

#endif
