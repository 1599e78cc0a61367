/* shell/watch.c - `watch`: a command's output, live.
 *
 * Problem     Redraw a screen every second without flicker, on a serial line as well.
 * Method      Nothing is cleared.  The command runs with its output sent to a sink that writes
 *             each line over the old one: cursor to the row's start, the text, erase what is
 *             left of the old line; below the last line everything is erased.  What does not
 *             fit into the screen is dropped.
 * End         Any key: exactly one is taken, however many bytes it sends.
 * Reading     ECMA-48: CUP (8.3.21), ED (8.3.39), EL (8.3.41). */
#include "kernel/cpu/timer.h"
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

/* Where the next character goes; both count from 0. */
struct screen {
    unsigned row, column;
};

static void write_string(const char *string)
{
    tty_write(string, strlen(string));
}

static void go_to_row(unsigned row)
{
    char move[16];

    snprintf(move, sizeof(move), "\033[%u;1H", row + 1);
    write_string(move);
}

/* A full row has nothing left to erase, and erasing would take its last character: a VT100's
 * cursor stays on the last column until one more character comes. */
static void end_row(struct screen *screen)
{
    if (screen->row < SCREEN_ROWS && screen->column < SCREEN_COLUMNS)
        write_string(ERASE_TO_END_OF_LINE);
    screen->row++;
    screen->column = 0;
    if (screen->row < SCREEN_ROWS)
        go_to_row(screen->row);
}

static void screen_sink(void *context, const char *bytes, size_t nbytes)
{
    struct screen *screen = context;

    while (nbytes > 0) {
        const char *newline = memchr(bytes, '\n', nbytes);
        size_t length = newline == NULL ? nbytes : (size_t)(newline - bytes);
        size_t room = screen->row < SCREEN_ROWS ? SCREEN_COLUMNS - screen->column : 0;
        size_t shown = MIN(length, room);
        tty_write(bytes, shown);
        screen->column += (unsigned)shown;
        if (newline == NULL)
            return;
        end_row(screen);
        bytes += length + 1;
        nbytes -= length + 1;
    }
}

static void print_header(uint32_t seconds, int argc, char *argv[])
{
    uint64_t up = timer_ticks() / TIMER_HZ;

    shell_printf("Every %us:", seconds);
    for (int i = 0; i < argc; i++)
        shell_printf(" %s", argv[i]);
    shell_printf("   up %llu s   any key ends\n\n", (unsigned long long)up);
}

static int draw_frame(const struct shell_command *command, uint32_t seconds, int argc,
                      char *argv[])
{
    struct screen screen = { 0 };

    go_to_row(0);
    shell_redirect(screen_sink, &screen);
    print_header(seconds, argc, argv);
    int result = shell_call(command, argc, argv);
    shell_redirect(NULL, NULL);
    if (screen.column > 0)
        end_row(&screen);
    if (screen.row < SCREEN_ROWS)
        write_string(ERASE_BELOW);
    return result;
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
    int result;

    write_string(CLEAR_SCREEN);
    do {
        result = draw_frame(command, seconds, argc, argv);
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
