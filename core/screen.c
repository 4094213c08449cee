// SPDX-License-Identifier: MIT
// screen.c - draws text into memory that a screen shows.
#include "core/screen.h"

#include <string.h>

#include "exo/bits.h"

#define COLUMNS_WANTED 80u
#define ROWS_WANTED    36u

#define WHITE_ON_BLUE 0x1f00u // of a text cell
#define PAPER_RED     0x10u
#define PAPER_GREEN   0x20u
#define PAPER_BLUE    0x40u
#define INK           0xf0f0f0u

static volatile uint32_t *line_of(const struct screen *screen, uint32_t y)
{
    return (volatile uint32_t *)((volatile uint8_t *)screen->base + (size_t)y * screen->pitch);
}

static void clear_cells(struct screen *screen, uint32_t row, uint32_t rows)
{
    volatile uint16_t *cells = screen->base;
    for (uint32_t i = row * screen->columns; i < (row + rows) * screen->columns; i++)
        cells[i] = WHITE_ON_BLUE | ' ';
}

static void clear_pixels(struct screen *screen, uint32_t top, uint32_t bottom)
{
    for (uint32_t y = top; y < bottom; y++) {
        volatile uint32_t *line = line_of(screen, y);
        for (uint32_t x = 0; x < screen->width; x++)
            line[x] = screen->paper;
    }
}

void screen_init_pixels(struct screen *screen, volatile void *base, uint32_t width, uint32_t height,
                        uint32_t pitch, bool is_rgb)
{
    uint32_t scale = EXO_MIN(width / (COLUMNS_WANTED * SCREEN_CELL_WIDTH),
                             height / (ROWS_WANTED * SCREEN_CELL_HEIGHT));
    scale = EXO_MAX(scale, 1u);
    *screen = (struct screen){
        .kind = SCREEN_PIXELS,
        .base = base,
        .width = width,
        .height = height,
        .pitch = pitch,
        .ink = INK,
        .paper = is_rgb ? PAPER_RED | PAPER_GREEN << 8 | PAPER_BLUE << 16
                        : PAPER_BLUE | PAPER_GREEN << 8 | PAPER_RED << 16,
        .scale = scale,
        .columns = width / (SCREEN_CELL_WIDTH * scale),
        .rows = height / (SCREEN_CELL_HEIGHT * scale),
    };
    clear_pixels(screen, 0, height);
}

void screen_init_cells(struct screen *screen, volatile void *base, uint32_t columns, uint32_t rows)
{
    *screen = (struct screen){
        .kind = SCREEN_CELLS,
        .base = base,
        .width = columns,
        .height = rows,
        .columns = columns,
        .rows = rows,
    };
    clear_cells(screen, 0, rows);
}

// Glyphs are drawn onto empty paper: only ink is laid.
static void draw_glyph(const struct screen *screen, const uint8_t *glyph)
{
    uint32_t left = screen->column * SCREEN_CELL_WIDTH * screen->scale;
    uint32_t top = screen->row * SCREEN_CELL_HEIGHT * screen->scale;
    for (uint32_t y = 0; y < 8 * screen->scale; y++) {
        volatile uint32_t *line = line_of(screen, top + y) + left;
        for (uint32_t x = 0; x < SCREEN_GLYPH_BYTES * screen->scale; x++) {
            if (glyph[x / screen->scale] >> (y / screen->scale) & 1)
                line[x] = screen->ink;
        }
    }
}

static void draw(const struct screen *screen, char c)
{
    if (screen->kind == SCREEN_CELLS) {
        volatile uint16_t *cells = screen->base;
        cells[screen->row * screen->columns + screen->column] = WHITE_ON_BLUE | (uint8_t)c;
        return;
    }
    draw_glyph(screen, screen_font[c - SCREEN_GLYPH_FIRST]);
}

static void say_full(struct screen *screen)
{
    static const char more[] = "... the rest is on the serial port";
    uint32_t row_height = SCREEN_CELL_HEIGHT * screen->scale;
    screen->is_full = true;
    screen->row = screen->rows - 1;
    if (screen->kind == SCREEN_CELLS)
        clear_cells(screen, screen->row, 1);
    else
        clear_pixels(screen, screen->row * row_height, screen->rows * row_height);
    for (screen->column = 0; more[screen->column] && screen->column < screen->columns;
         screen->column++)
        draw(screen, more[screen->column]);
}

static void new_line(struct screen *screen)
{
    screen->column = 0;
    screen->row++;
}

static void put(struct screen *screen, char c)
{
    if (c != '\n' && screen->column == screen->columns)
        new_line(screen);
    if (screen->row >= screen->rows) {
        say_full(screen);
    } else if (c == '\n') {
        new_line(screen);
    } else {
        draw(screen, c >= ' ' && c <= '~' ? c : '?');
        screen->column++;
    }
}

// In UTF-8 the first byte of a character stands for all of it.
static bool is_drawn(char c)
{
    return ((uint8_t)c & 0xc0) != 0x80 && c != '\r';
}

void screen_write(struct screen *screen, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && !screen->is_full; i++) {
        if (is_drawn(bytes[i]))
            put(screen, bytes[i]);
    }
}
