// SPDX-License-Identifier: MIT
// screen_open.c - finds the screen of the machine: what the loader said, else what the VGA is.
#include "core/pt.h"
#include "core/screen.h"
#include "core/state.h"
#include "hal/port.h"

#define SIDE_MAX 16384u // pixels; more is no screen but a mistake

// VGA's text mode (IBM VGA reference; the graphics controller's "miscellaneous" register).
#define TEXT_BUFFER      0xb8000u
#define TEXT_COLUMNS     80u
#define TEXT_ROWS        25u
#define GRAPHICS_INDEX   0x3ce
#define GRAPHICS_DATA    0x3cf
#define MISCELLANEOUS    6
#define IS_GRAPHICS      0x01
#define MEMORY_MAP_MASK  0x0c
#define MEMORY_MAP_B8000 0x0c

enum { FORMAT_NONE, FORMAT_BGRX, FORMAT_RGBX }; // docs/handoff.md

static bool open_frame_buffer(struct screen *screen)
{
    const struct handoff *h = &core_state.handoff;
    bool is_known = h->fb_format == FORMAT_BGRX || h->fb_format == FORMAT_RGBX;
    bool is_sane = h->fb_width >= SCREEN_CELL_WIDTH && h->fb_width <= SIDE_MAX &&
                   h->fb_height >= SCREEN_CELL_HEIGHT && h->fb_height <= SIDE_MAX &&
                   h->fb_pitch >= h->fb_width * 4 && h->fb_pitch % 4 == 0 &&
                   h->fb_pitch <= SIDE_MAX * 4 && h->fb_base % 4 == 0;
    if (h->fb_base == 0 || !is_known || !is_sane)
        return false;
    volatile void *base =
        pt_map_device((struct pa){h->fb_base}, (uint64_t)h->fb_pitch * h->fb_height);
    if (base)
        screen_init_pixels(screen, base, h->fb_width, h->fb_height, h->fb_pitch,
                           h->fb_format == FORMAT_RGBX);
    return base;
}

// Without a VGA the port reads all ones, which is a graphics mode.
static bool is_text_mode(void)
{
    hal_out8(GRAPHICS_INDEX, MISCELLANEOUS);
    uint8_t mode = hal_in8(GRAPHICS_DATA);
    return !(mode & IS_GRAPHICS) && (mode & MEMORY_MAP_MASK) == MEMORY_MAP_B8000;
}

// UEFI leaves no text mode behind, and a machine without VGA may have other things there.
static bool open_text(struct screen *screen)
{
    uint32_t road = core_state.handoff.road;
    if (road == 0 || road == HANDOFF_ROAD_UEFI || !is_text_mode())
        return false;
    volatile void *base = pt_map_device((struct pa){TEXT_BUFFER}, TEXT_COLUMNS * TEXT_ROWS * 2);
    if (base)
        screen_init_cells(screen, base, TEXT_COLUMNS, TEXT_ROWS);
    return base;
}

bool screen_open(struct screen *screen)
{
    return open_frame_buffer(screen) || open_text(screen);
}
