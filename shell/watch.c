/* shell/watch.c - `watch`: a command's output, live.
 *
 * Problem     Redraw a screen every second without flicker, on a serial line as well.
 * Method      Nothing is cleared.  The command runs with its output sent to a sink that writes
 *             each line over the old one: cursor to the row's start, the text, erase what is
 *             left of the old line; below the last line everything is erased.
 * Folding     Output with more lines than the screen, all narrow (meminfo), is folded: the rest
 *             goes to the right half.  What does not fit then is dropped; the header counts it.
 * End         Any key: exactly one is taken, however many bytes it sends.
 * Reading     ECMA-48: CUP (8.3.21), ED (8.3.39), EL (8.3.41). */
#include "kernel/cpu/timer.h"
#include "kernel/dev/console.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/tty.h"
#include "shell/commands.h"
#include "shell/keys.h"
#include "shell/names.h"

#define SCREEN_ROWS 24u
#define SCREEN_COLUMNS 80u
#define ERASE_TO_END_OF_LINE "\033[K"
#define ERASE_BELOW "\033[J"
#define CLEAR_SCREEN "\033[2J"

#define SECONDS_MAX 3600u

/* A terminal sends the bytes of one key at once: what comes later is another key. */
#define KEY_GAP_TICKS (TIMER_HZ / 20)

#define HEADER_ROWS 2u
#define RIGHT_HALF (SCREEN_COLUMNS / 2)

/* Where the next character goes, counted from 0, and what the frame turned out to need. */
struct screen {
    unsigned row, column;  /* column: in this row of this half */
    unsigned left;         /* where rows start: 0, or RIGHT_HALF */
    bool folded;           /* two halves */
    unsigned rows, widest; /* of the whole output, the header not counted in `widest` */
};

/* What one frame finds out for the next one. */
struct layout {
    bool folded;     /* the output needs two halves */
    unsigned hidden; /* rows that do not fit even so */
};

static void write_string(const char *string)
{
    console_write(string, strlen(string));
}

static void go_to_row(const struct screen *screen)
{
    char move[24];

    snprintf(move, sizeof(move), "\033[%u;%uH", screen->row + 1, screen->left + 1);
    write_string(move);
}

/* Columns that a row may fill: in the left of two halves one stays free. */
static unsigned width(const struct screen *screen)
{
    if (screen->row >= SCREEN_ROWS)
        return 0;
    return screen->folded && screen->left == 0 && screen->row >= HEADER_ROWS
               ? RIGHT_HALF - 1
               : SCREEN_COLUMNS - screen->left;
}

/* Take away what is left of the old row: in the left half by blanks, which spare the right one.
 *  A full row has nothing left, and erasing would take its last character: a VT100's cursor
 *  stays on the
 * last column until one more character comes. */
static void erase_rest(const struct screen *screen)
{
    static const char blanks[RIGHT_HALF] = "                                        ";
    unsigned columns = width(screen);

    if (screen->column >= columns)
        return;
    if (columns == RIGHT_HALF - 1)
        console_write(blanks, columns - screen->column);
    else
        write_string(ERASE_TO_END_OF_LINE);
}

static void end_row(struct screen *screen)
{
    erase_rest(screen);
    screen->row++;
    screen->rows++;
    screen->column = 0;
    if (screen->folded && screen->left == 0 && screen->row == SCREEN_ROWS) {
        screen->left = RIGHT_HALF;
        screen->row = HEADER_ROWS;
    }
    if (screen->row < SCREEN_ROWS)
        go_to_row(screen);
}

static void screen_sink(void *context, const char *bytes, size_t nbytes)
{
    struct screen *screen = context;

    while (nbytes > 0) {
        const char *newline = memchr(bytes, '\n', nbytes);
        size_t length = newline == NULL ? nbytes : (size_t)(newline - bytes);
        unsigned columns = width(screen);
        size_t room = columns > screen->column ? columns - screen->column : 0;
        console_write(bytes, MIN(length, room));
        screen->column += (unsigned)length;
        if (screen->rows >= HEADER_ROWS)
            screen->widest = MAX(screen->widest, screen->column);
        if (newline == NULL)
            return;
        end_row(screen);
        bytes += length + 1;
        nbytes -= length + 1;
    }
}

static void print_header(const struct layout *layout, uint32_t seconds, int argc, char *argv[])
{
    uint64_t up = timer_ticks() / TIMER_HZ;

    shell_printf("Every %us:", seconds);
    for (int i = 0; i < argc; i++)
        shell_printf(" %s", argv[i]);
    shell_printf("   up %llu s   any key ends", (unsigned long long)up);
    if (layout->hidden > 0)
        shell_printf("   rows left out: %u", layout->hidden);
    shell_printf("\n\n");
}

/* Erase what an earlier, longer frame left: below, and in the right half. */
static void erase_below(struct screen *screen)
{
    if (screen->column > 0)
        end_row(screen);
    for (; screen->folded && screen->row < SCREEN_ROWS; screen->row++) {
        go_to_row(screen);
        erase_rest(screen);
    }
    if (screen->row < SCREEN_ROWS)
        write_string(ERASE_BELOW);
}

/* Note what does not fit; true if that is news, and the frame has to be drawn anew. */
static bool note_layout(struct layout *layout, const struct screen *screen)
{
    struct layout before = *layout;
    unsigned room = SCREEN_ROWS;

    layout->folded |= screen->rows > room && screen->widest < RIGHT_HALF;
    if (layout->folded)
        room += SCREEN_ROWS - HEADER_ROWS;
    layout->hidden = screen->rows > room ? screen->rows - room : 0;
    return layout->folded != before.folded || (layout->hidden > 0 && before.hidden == 0);
}

static int draw_frame(const struct shell_command *command, uint32_t seconds, int argc,
                      char *argv[], struct layout *layout)
{
    struct screen screen = { .folded = layout->folded };

    go_to_row(&screen);
    shell_redirect(screen_sink, &screen);
    print_header(layout, seconds, argc, argv);
    int result = shell_call(command, argc, argv);
    shell_redirect(NULL, NULL);
    erase_below(&screen);
    return note_layout(layout, &screen) ? draw_frame(command, seconds, argc, argv, layout)
                                        : result;
}

/* Wait for the next frame's time; true if a key was pressed instead. */
static bool key_before(uint64_t deadline)
{
    uint64_t now = timer_ticks();
    int byte = tty_read_byte_ticks(deadline > now ? deadline - now : 1);
    struct keys_decoder decoder = { KEYS_PLAIN, 0 };

    if (byte < 0)
        return false;
    keys_decode(&decoder, (uint8_t)byte);
    while (decoder.state != KEYS_PLAIN) {
        byte = tty_read_byte_ticks(KEY_GAP_TICKS);
        if (byte < 0)
            break;
        keys_decode(&decoder, (uint8_t)byte);
    }
    return true;
}

static int watch(const struct shell_command *command, uint32_t seconds, int argc, char *argv[])
{
    uint64_t next = timer_ticks();
    struct layout layout = { .folded = false };
    int result;

    write_string(CLEAR_SCREEN);
    do {
        result = draw_frame(command, seconds, argc, argv, &layout);
        next = MAX(next + (uint64_t)seconds * TIMER_HZ, timer_ticks());
    } while (!key_before(next));
    write_string("\n");
    return result;
}

int cmd_watch(int argc, char *argv[])
{
    uint32_t seconds = 1;
    int at = 1;

    if (strcmp(argv[at], "-n") == 0) {
        if (argc < 4)
            return shell_usage("watch", "an argument is missing");
        if (shell_parse_number("watch", "SECONDS", argv[2], 1, SECONDS_MAX, &seconds) != 0)
            return -EINVAL;
        at = 3;
    }
    const struct shell_command *command = names_find_command(argv[at]);
    if (command == NULL)
        return shell_usage("watch", "'%s' is not a command%s", argv[at],
                           names_is_program(argv[at]) ? " but a program" : "");
    if ((command->flags & SHELL_NO_WATCH) != 0)
        return shell_usage("watch", "`%s` cannot be watched", command->name);
    return watch(command, seconds, argc - at, argv + at);
}
