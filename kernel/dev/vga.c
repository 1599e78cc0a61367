/* VGA text mode, driven by the subset of the ANSI (VT100) control sequences that line editors
 * and full-screen programs use:
 *
 *   CSI n A/B/C/D   cursor up/down/right/left     CSI r ; c H (or f)  cursor to row, column
 *   CSI n J         erase below/above/all         CSI n K             erase right/left/line
 *   CSI n ; ... m   colours                       CSI s / CSI u       save / restore cursor
 *   CSI ? 25 h/l    show / hide the cursor        ESC 7 / ESC 8       save / restore cursor
 *
 * Anything else is parsed to its end and ignored.  The parser is the usual state machine:
 *
 *     GROUND --ESC--> ESCAPE --[--> CSI --final byte 0x40..0x7E--> GROUND
 *                     ESCAPE --]--> STRING --BEL, ESC or line feed--> GROUND
 *
 * A character in the last column leaves the cursor there and the line is wrapped before the
 * next one, so that a line of exactly 80 characters does not scroll (VT100's "last column
 * flag").
 *
 * Reading: ECMA-48, sections 5.4 and 8.3; the VGA's CRT controller registers. */
#include "kernel/cpu/cpu.h"
#include "kernel/dev/devices.h"
#include "kernel/lib/layout.h"
#include "kernel/lib/string.h"

#define VGA_PADDR 0xB8000u
#define COLUMNS 80
#define ROWS 25
#define TAB_WIDTH 8
#define MAX_PARAMETERS 8

/* Attribute byte: background << 4 | foreground; foreground bit 3 = bright. */
#define DEFAULT_FOREGROUND 7
#define DEFAULT_BACKGROUND 0
#define BRIGHT 8

#define CRTC_INDEX 0x3D4
#define CRTC_DATA 0x3D5
#define CRTC_CURSOR_START 0x0A
#define CRTC_CURSOR_END 0x0B
#define CRTC_CURSOR_HIGH 0x0E
#define CRTC_CURSOR_LOW 0x0F
#define CURSOR_FIRST_LINE 14 /* of 16: an underline */
#define CURSOR_LAST_LINE 15
#define CURSOR_OFF 0x20

#define ESC '\x1b'
#define BEL '\a'

enum parser_state { GROUND, ESCAPE, CSI, STRING };

static struct {
    unsigned row, column;
    bool wrap_pending; /* the last column is written; wrap before the next character */
    unsigned saved_row, saved_column;
    uint8_t foreground, background;
    bool bold;
    enum parser_state state;
    bool private;                  /* CSI ? ... */
    unsigned dirty_from, dirty_to; /* cells that the screen does not show yet */
    unsigned parameters[MAX_PARAMETERS], parameter_count;
} vga;

/* What the screen should show.  Video memory is slow, to read above all: it is only written,
 * and only once for each vga_write(). */
static uint16_t cells[ROWS * COLUMNS];

static void mark_dirty(unsigned from, unsigned to)
{
    vga.dirty_from = MIN(vga.dirty_from, from);
    vga.dirty_to = MAX(vga.dirty_to, to);
}

static void show_dirty(void)
{
    uint16_t *screen = (uint16_t *)(KERNEL_BASE + VGA_PADDR);

    if (vga.dirty_from < vga.dirty_to)
        memcpy(screen + vga.dirty_from, cells + vga.dirty_from,
               (vga.dirty_to - vga.dirty_from) * sizeof(*cells));
    vga.dirty_from = ROWS * COLUMNS;
    vga.dirty_to = 0;
}

static void crtc_write(uint8_t reg, uint8_t value)
{
    out8(CRTC_INDEX, reg);
    out8(CRTC_DATA, value);
}

static void update_cursor(void)
{
    unsigned position = vga.row * COLUMNS + vga.column;
    crtc_write(CRTC_CURSOR_HIGH, position >> 8);
    crtc_write(CRTC_CURSOR_LOW, position & 0xFF);
}

static void show_cursor(uint8_t off_bit)
{
    crtc_write(CRTC_CURSOR_START, CURSOR_FIRST_LINE | off_bit);
    crtc_write(CRTC_CURSOR_END, CURSOR_LAST_LINE);
}

static uint16_t make_cell(uint8_t character)
{
    unsigned foreground = vga.foreground | (vga.bold ? BRIGHT : 0);
    return (uint16_t)((vga.background << 12) | (foreground << 8) | character);
}

/* Blank the cells [from, to), counted from the top left. */
static void erase(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        cells[i] = make_cell(' ');
    mark_dirty(from, to);
}

static void line_feed(void)
{
    vga.wrap_pending = false;
    if (vga.row + 1 < ROWS) {
        vga.row++;
        return;
    }
    memmove(cells, cells + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(*cells));
    mark_dirty(0, ROWS * COLUMNS);
    erase((ROWS - 1) * COLUMNS, ROWS * COLUMNS);
}

static void move_to(int row, int column)
{
    vga.row = (unsigned)MAX(0, MIN(row, ROWS - 1));
    vga.column = (unsigned)MAX(0, MIN(column, COLUMNS - 1));
    vga.wrap_pending = false;
}

static void move_by(int rows, int columns)
{
    move_to((int)vga.row + rows, (int)vga.column + columns);
}

static void put_character(uint8_t c)
{
    if (vga.wrap_pending) {
        vga.column = 0;
        line_feed();
    }
    unsigned position = vga.row * COLUMNS + vga.column;
    cells[position] = make_cell(c);
    mark_dirty(position, position + 1);
    if (vga.column + 1 < COLUMNS)
        vga.column++;
    else
        vga.wrap_pending = true;
}

static void save_cursor(void)
{
    vga.saved_row = vga.row;
    vga.saved_column = vga.column;
}

/* Erase in the line (CSI K) or the screen (CSI J) of which [start, end) are the cells:
 * 0 = from the cursor on, 1 = up to and with the cursor, 2 = all. */
static void erase_part(unsigned start, unsigned end, unsigned which)
{
    unsigned cursor = vga.row * COLUMNS + vga.column;
    if (which == 0)
        erase(cursor, end);
    else if (which == 1)
        erase(start, cursor + 1);
    else if (which == 2)
        erase(start, end);
}

/* One parameter of CSI m (ECMA-48, 8.3.117). */
static void set_colour(unsigned code)
{
    /* ANSI numbers colours red 1, green 2, blue 4; VGA blue 1, green 2, red 4. */
    static const uint8_t ansi_to_vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };
    if (code == 0) {
        vga.foreground = DEFAULT_FOREGROUND;
        vga.background = DEFAULT_BACKGROUND;
        vga.bold = false;
    } else if (code == 1) {
        vga.bold = true;
    } else if (code == 22) {
        vga.bold = false;
    } else if (code == 7 || code == 27) {
        uint8_t old = vga.foreground;
        vga.foreground = vga.background;
        vga.background = old & (BRIGHT - 1); /* bit 3 of the background would blink */
    } else if (code >= 30 && code <= 37) {
        vga.foreground = ansi_to_vga[code - 30];
    } else if (code == 39) {
        vga.foreground = DEFAULT_FOREGROUND;
    } else if (code >= 40 && code <= 47) {
        vga.background = ansi_to_vga[code - 40];
    } else if (code == 49) {
        vga.background = DEFAULT_BACKGROUND;
    } else if (code >= 90 && code <= 97) {
        vga.foreground = ansi_to_vga[code - 90] | BRIGHT;
    }
}

/* Parameter `index`; `missing` if it was left out or is 0 where 0 means the default. */
static int parameter(unsigned index, int missing)
{
    return vga.parameters[index] != 0 ? (int)vga.parameters[index] : missing;
}

static void cursor_command(uint8_t final)
{
    int n = parameter(0, 1);
    switch (final) {
    case 'A':
        return move_by(-n, 0);
    case 'B':
        return move_by(n, 0);
    case 'C':
        return move_by(0, n);
    case 'D':
        return move_by(0, -n);
    case 'H':
    case 'f':
        return move_to(parameter(0, 1) - 1, parameter(1, 1) - 1);
    case 's':
        return save_cursor();
    case 'u':
        return move_to((int)vga.saved_row, (int)vga.saved_column);
    }
}

static void csi_command(uint8_t final)
{
    unsigned line = vga.row * COLUMNS;
    if (vga.private) {
        if (vga.parameters[0] == 25 && (final == 'h' || final == 'l'))
            show_cursor(final == 'h' ? 0 : CURSOR_OFF);
        return;
    }
    if (final == 'J')
        erase_part(0, ROWS * COLUMNS, vga.parameters[0]);
    else if (final == 'K')
        erase_part(line, line + COLUMNS, vga.parameters[0]);
    else if (final == 'm')
        for (unsigned i = 0; i < vga.parameter_count; i++)
            set_colour(vga.parameters[i]);
    else
        cursor_command(final);
}

static void start_csi(void)
{
    vga.state = CSI;
    vga.private = false;
    vga.parameter_count = 1;
    memset(vga.parameters, 0, sizeof(vga.parameters));
}

/* Bytes of a control sequence: parameters 0x30..0x3F, intermediates 0x20..0x2F, then the final
 * one. */
static void csi_byte(uint8_t c)
{
    const unsigned limit = 10000; /* no screen is that large; keeps the sum from wrapping */
    unsigned *last = &vga.parameters[vga.parameter_count - 1];
    if (c >= '0' && c <= '9') {
        *last = MIN(*last * 10 + (c - '0'), limit);
    } else if (c == ';') {
        if (vga.parameter_count < MAX_PARAMETERS)
            vga.parameter_count++;
    } else if (c == '?') {
        vga.private = true;
    } else if (c >= '@' && c <= '~') {
        vga.state = GROUND;
        csi_command(c);
    }
}

static void escape_byte(uint8_t c)
{
    if (c == '[')
        return start_csi();
    if (c == ']') {
        vga.state = STRING;
        return;
    }
    if (c >= ' ' && c <= '/') /* intermediate: the final byte is still to come */
        return;
    vga.state = GROUND;
    if (c == '7')
        save_cursor();
    else if (c == '8')
        move_to((int)vga.saved_row, (int)vga.saved_column);
}

/* Control characters act inside sequences too (ECMA-48, 5.1). */
static void control_character(uint8_t c)
{
    switch (c) {
    case ESC:
        vga.state = ESCAPE;
        break;
    case '\r':
        move_to((int)vga.row, 0);
        break;
    case '\n':
        if (vga.state == STRING)
            vga.state = GROUND; /* one that is not closed must not swallow what follows */
        line_feed();
        break;
    case '\b':
        move_by(0, -1);
        break;
    case '\t':
        move_to((int)vga.row, (int)ALIGN_UP(vga.column + 1, TAB_WIDTH));
        break;
    case BEL:
        vga.state = GROUND; /* ends a STRING */
        break;
    }
}

static void put_byte(uint8_t c)
{
    if (c < ' ')
        control_character(c);
    else if (vga.state == ESCAPE)
        escape_byte(c);
    else if (vga.state == CSI)
        csi_byte(c);
    else if (vga.state == GROUND && c != 0x7F)
        put_character(c);
}

void vga_init(void)
{
    memset(&vga, 0, sizeof(vga));
    vga_reset();
    erase(0, ROWS * COLUMNS);
    show_dirty();
    update_cursor();
}

void vga_reset(void)
{
    vga.state = GROUND;
    set_colour(0);
    show_cursor(0);
}

void vga_write(const char *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        put_byte((uint8_t)bytes[i]);
    show_dirty();
    update_cursor();
}
