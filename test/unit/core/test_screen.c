// SPDX-License-Identifier: MIT
// test_screen.c - text on a frame buffer, read back as a person would: by the shapes.
#include "core/screen.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/check_main.h"

static struct screen screen;
static uint32_t *pixels;

static void open_pixels(uint32_t width, uint32_t height, uint32_t pitch, bool is_rgb)
{
    free(pixels);
    pixels = malloc((size_t)pitch * height); // to the byte: ASan watches its end
    memset(pixels, 0xaa, (size_t)pitch * height);
    screen_init_pixels(&screen, pixels, width, height, pitch, is_rgb);
}

static void write_text(const char *text)
{
    screen_write(&screen, text, strlen(text));
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
    return pixels[y * (screen.pitch / 4) + x];
}

// Is the whole cell what the glyph says, in each of its enlarged pixels?
static bool looks_like(uint32_t column, uint32_t row, uint32_t glyph)
{
    for (uint32_t y = 0; y < SCREEN_CELL_HEIGHT * screen.scale; y++) {
        for (uint32_t x = 0; x < SCREEN_CELL_WIDTH * screen.scale; x++) {
            uint32_t gx = x / screen.scale, gy = y / screen.scale;
            bool inked = gx < SCREEN_GLYPH_BYTES && gy < 8 && screen_font[glyph][gx] >> gy & 1;
            uint32_t seen = pixel(column * SCREEN_CELL_WIDTH * screen.scale + x,
                                  row * SCREEN_CELL_HEIGHT * screen.scale + y);
            if (seen != (inked ? screen.ink : screen.paper))
                return false;
        }
    }
    return true;
}

static char read_cell(uint32_t column, uint32_t row)
{
    for (uint32_t i = 0; i < SCREEN_GLYPHS; i++) {
        if (looks_like(column, row, i))
            return (char)(SCREEN_GLYPH_FIRST + i);
    }
    return '\0';
}

static void expect_row(uint32_t row, const char *text)
{
    for (uint32_t i = 0; i < screen.columns; i++) {
        char expected = i < strlen(text) ? text[i] : ' ';
        ck_assert_msg(read_cell(i, row) == expected, "row %u of '%s', column %u", row, text, i);
    }
}

START_TEST(every_glyph_is_another_shape)
{
    for (uint32_t a = 0; a < SCREEN_GLYPHS; a++)
        for (uint32_t b = 0; b < a; b++)
            ck_assert_mem_ne(screen_font[a], screen_font[b], SCREEN_GLYPH_BYTES);
}
END_TEST

START_TEST(text_can_be_read_at_any_size)
{
    static const uint32_t sizes[][3] = {{640, 480, 1},  {800, 600, 1},   {1024, 768, 2},
                                        {1280, 800, 2}, {1920, 1080, 3}, {60, 20, 1}};
    for (size_t i = 0; i < 6; i++) {
        open_pixels(sizes[i][0], sizes[i][1], sizes[i][0] * 4 + 64, i & 1);
        ck_assert_uint_eq(screen.scale, sizes[i][2]);
        write_text("pt: 0xf\nyes");
        expect_row(0, "pt: 0xf");
        expect_row(1, "yes");
    }
}
END_TEST

START_TEST(every_printable_character_is_drawn)
{
    char all[SCREEN_GLYPHS + 1] = "";
    for (uint32_t i = 0; i < SCREEN_GLYPHS; i++)
        all[i] = (char)(SCREEN_GLYPH_FIRST + i);
    open_pixels(640, 480, 2560, false);
    write_text(all);
    expect_row(0, all);
}
END_TEST

START_TEST(long_lines_are_wrapped_and_strange_characters_marked)
{
    open_pixels(60, 50, 240, false); // 10 × 5
    write_text("0123456789abc\nx\ty…z\r\n1234567890\nend");
    expect_row(0, "0123456789");
    expect_row(1, "abc");
    expect_row(2, "x?y?z");
    expect_row(3, "1234567890"); // its newline is the row's own
    expect_row(4, "end");
}
END_TEST

START_TEST(what_does_not_fit_is_said_to_be_elsewhere)
{
    open_pixels(300, 30, 1200, false); // 50 × 3
    write_text("one\ntwo\nthree\n");
    expect_row(2, "three"); // full, and nothing is missing yet
    write_text("four\nfive\nsix\n");
    expect_row(0, "one");
    expect_row(1, "two");
    expect_row(2, "... the rest is on the serial port");
}
END_TEST

START_TEST(the_colours_keep_their_order)
{
    open_pixels(60, 20, 240, false);
    uint32_t bgr = screen.paper;
    open_pixels(60, 20, 240, true);
    ck_assert_uint_eq(screen.paper & 0xff, bgr >> 16);
    ck_assert_uint_eq(screen.paper >> 16, bgr & 0xff);
    ck_assert_uint_ne(screen.paper, bgr);
}
END_TEST

START_TEST(text_cells_hold_the_same)
{
    uint16_t *cells = malloc(2 * 80 * 25);
    screen_init_cells(&screen, cells, 80, 25);
    write_text("fault: é\n");
    for (int i = 0; i < 30; i++)
        write_text("more\n");
    const char *first = "fault: ?", *last = "... the rest";
    for (uint32_t i = 0; i < 80; i++)
        ck_assert_uint_eq((uint8_t)cells[i], i < strlen(first) ? first[i] : ' ');
    for (uint32_t i = 0; i < strlen(last); i++)
        ck_assert_uint_eq((uint8_t)cells[24 * 80 + i], last[i]);
    free(cells);
}
END_TEST

CHECK_MAIN("core.screen", every_glyph_is_another_shape, text_can_be_read_at_any_size,
           every_printable_character_is_drawn, long_lines_are_wrapped_and_strange_characters_marked,
           what_does_not_fit_is_said_to_be_elsewhere, the_colours_keep_their_order,
           text_cells_hold_the_same)
