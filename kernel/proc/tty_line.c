/* The line discipline: from keys to what a program reads (termios(3)).
 *
 * Input stays as it was typed in the console's queue until somebody wants it.  A program in canonical
 * mode then makes a line of it, with echo and editing: so type-ahead is shown when it is used, goes to
 * whoever reads next (the program's successor, or the kernel's shell), and is read in the mode of the
 * one who reads it.
 *
 *     console queue --tty_line_fill--> line (editing, echo) --tty_line_take--> canonical read
 *                   --tty_raw_take---------------------------------------> raw read, the shell
 *
 * Limits      A tab is shown as one column and a UTF-8 character erased byte by byte. */
#include "kernel/cpu/cpu.h"
#include "kernel/dev/console.h"
#include "kernel/lib/string.h"
#include "kernel/proc/tty_internal.h"

#define LINE_MAX 4096u /* as Linux: N_TTY_BUF_SIZE */
#define CTRL(letter) ((letter)&0x1F)
#define RUBOUT 0x7F
#define CARET_BIT 0x40 /* ^C is C without this bit */

struct tty_settings tty_settings;

static struct {
    uint8_t bytes[LINE_MAX];
    size_t length, position; /* bytes before `position` have been read */
    bool complete;
} line;

void tty_settings_reset(void)
{
    static const struct tty_settings at_boot = {
        .termios = { .iflag = ICRNL,
                     .oflag = OPOST | ONLCR,
                     .cflag = B38400 | CS8 | CREAD | HUPCL,
                     .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
                     .keys = { [VINTR] = CTRL('C'),
                               [VQUIT] = CTRL('\\'),
                               [VERASE] = RUBOUT,
                               [VKILL] = CTRL('U'),
                               [VEOF] = CTRL('D'),
                               [VMIN] = 1,
                               [VSUSP] = CTRL('Z'),
                               [VREPRINT] = CTRL('R'),
                               [VWERASE] = CTRL('W') } },
        .size = { .rows = 25, .columns = 80 },
    };
    struct winsize size = tty_settings.size;

    tty_settings = at_boot;
    if (size.columns)
        tty_settings.size = size; /* the window is still what it was */
}

/* ---- echo ---- */

static bool has_caret(uint8_t byte)
{
    return (byte < ' ' && byte != '\t' && byte != '\n') || byte == RUBOUT;
}

void tty_echo(uint8_t byte)
{
    const char caret[] = { '^', (char)(byte ^ CARET_BIT) };
    char shown = byte == '\t' ? ' ' : (char)byte; /* one column, for erase() */

    if (has_caret(byte) && tty_has(ECHOCTL))
        console_write(caret, sizeof(caret));
    else
        console_write(&shown, 1);
}

static void echo_input(uint8_t byte)
{
    if (tty_has(ECHO) || (byte == '\n' && tty_has(ECHONL) && tty_has(ICANON)))
        tty_echo(byte);
}

/* ---- editing ---- */

static void erase(void)
{
    uint8_t byte = line.bytes[--line.length];
    unsigned columns = !has_caret(byte) ? 1 : tty_has(ECHOCTL) ? 2 : 0;

    while (tty_has(ECHO) && columns-- > 0)
        console_write("\b \b", 3);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void erase_word(void)
{
    while (line.length > line.position && is_blank(line.bytes[line.length - 1]))
        erase();
    while (line.length > line.position && !is_blank(line.bytes[line.length - 1]))
        erase();
}

static void show_again(void)
{
    echo_input(tty_settings.termios.keys[VREPRINT]);
    echo_input('\n');
    for (size_t i = line.position; i < line.length; i++)
        echo_input(line.bytes[i]);
}

/* True if it was an editing key. */
static bool edit(uint8_t byte)
{
    if (tty_is_key(byte, VERASE) || (byte == '\b' && tty_is_key(RUBOUT, VERASE))) {
        if (line.length > line.position)
            erase();
    } else if (tty_is_key(byte, VKILL)) {
        while (line.length > line.position)
            erase();
    } else if (tty_has(IEXTEN) && tty_is_key(byte, VWERASE)) {
        erase_word();
    } else if (tty_has(IEXTEN) && tty_is_key(byte, VREPRINT)) {
        show_again();
    } else {
        return false;
    }
    return true;
}

/* What the settings make of a byte; -1: nothing. */
static int map_input(uint8_t byte)
{
    uint32_t iflag = tty_settings.termios.iflag;

    if (iflag & ISTRIP)
        byte &= 0x7F;
    if (byte == '\r') {
        if (iflag & IGNCR)
            return -1;
        return iflag & ICRNL ? '\n' : '\r';
    }
    return byte == '\n' && (iflag & INLCR) ? '\r' : byte;
}

static void add(uint8_t byte)
{
    bool ends = byte == '\n' || tty_is_key(byte, VEOL) || tty_is_key(byte, VEOL2);

    if (line.length == LINE_MAX - 1 && !ends) { /* one place is kept for the line feed */
        console_write("\a", 1);
        return;
    }
    line.bytes[line.length++] = byte;
    line.complete = ends;
    echo_input(byte);
}

bool tty_line_fill(void)
{
    int byte;

    while (!line.complete && (byte = console_read_byte()) >= 0) {
        byte = map_input((uint8_t)byte);
        if (byte < 0 || edit((uint8_t)byte))
            continue;
        if (tty_is_key((uint8_t)byte, VEOF))
            line.complete = true;
        else
            add((uint8_t)byte);
    }
    return line.complete;
}

/* ---- reading ---- */

size_t tty_line_take(char *dst, size_t size)
{
    size_t nbytes = MIN(size, line.length - line.position);

    memcpy(dst, line.bytes + line.position, nbytes);
    line.position += nbytes;
    if (line.position == line.length)
        tty_line_drop();
    return nbytes;
}

/* First what canonical mode has left. */
size_t tty_raw_take(char *dst, size_t size)
{
    size_t nbytes = tty_line_take(dst, size);
    int byte;

    while (nbytes < size && (byte = console_read_byte()) >= 0) {
        byte = map_input((uint8_t)byte);
        if (byte < 0)
            continue;
        echo_input((uint8_t)byte);
        dst[nbytes++] = (char)byte;
    }
    return nbytes;
}

size_t tty_line_available(void)
{
    return line.complete ? line.length - line.position : 0;
}

size_t tty_raw_available(void)
{
    return line.length - line.position + console_input_count();
}

void tty_line_drop(void)
{
    line.length = line.position = 0;
    line.complete = false;
}

void tty_input_flush(void)
{
    uint32_t irq = irq_save();
    tty_line_drop();
    console_flush_input();
    irq_restore(irq);
}
