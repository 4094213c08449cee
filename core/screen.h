// SPDX-License-Identifier: MIT
// screen.h - a report's text on a screen that nobody has drawn on so far.
//
// A linear frame buffer of 32-bit pixels, or VGA's text mode. It exists for the moment when a
// machine dies: it is opened then and never closed, and whoever drew there before is overdrawn.
//
//     column 0 …                 glyphs of 5 × 8 in cells of 6 × 10 pixels, enlarged
//     row 0    fault: #PF …      as far as 80 columns and 36 rows still fit
//     …
//
// The screen does not scroll: a report begins with what matters most, and that stays.
// All but screen_open is pure.
#ifndef CORE_SCREEN_H
#define CORE_SCREEN_H

#include "exo/types.h"

#define SCREEN_CELL_WIDTH  6u
#define SCREEN_CELL_HEIGHT 10u
#define SCREEN_GLYPH_FIRST ' '
#define SCREEN_GLYPHS      95u // the printable ones of ASCII
#define SCREEN_GLYPH_BYTES 5u  // columns, from the left; bit 0 is the top row

enum screen_kind { SCREEN_NONE, SCREEN_PIXELS, SCREEN_CELLS };

struct screen {
    enum screen_kind kind;
    volatile void *base;
    uint32_t width, height; // pixels, or cells
    uint32_t pitch;         // bytes from one line of pixels to the next
    uint32_t ink, paper;    // as a pixel holds them
    uint32_t scale;         // pixels of the screen a pixel of a glyph, each way
    uint32_t columns, rows;
    uint32_t column, row; // where the next character goes
    bool is_full;         // the last row says that there is more
};

extern const uint8_t screen_font[SCREEN_GLYPHS][SCREEN_GLYPH_BYTES];

// Finds the machine's screen and clears it. False if it has none that we know how to use.
bool screen_open(struct screen *screen);

// Begins on a frame buffer. `is_rgb`: red is a pixel's lowest byte, else blue is.
void screen_init_pixels(struct screen *screen, volatile void *base, uint32_t width, uint32_t height,
                        uint32_t pitch, bool is_rgb);

// Begins on a text buffer of 16-bit cells, character and colours.
void screen_init_cells(struct screen *screen, volatile void *base, uint32_t columns, uint32_t rows);

// Writes text. Lines are wrapped; what does not fit on the screen is left out, and the last
// row says so. Whatever is not ASCII becomes a question mark.
void screen_write(struct screen *screen, const char *bytes, size_t len);

#endif
