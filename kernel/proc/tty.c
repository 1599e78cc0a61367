/* The terminal.
 *
 * Bytes come from the console's queue.  In the foreground is either a program or the shell:
 *   shell     gets every byte as it comes (its own editor echoes);
 *   program   gets lines: the "canonical mode" of termios(3), with echo, Backspace, Ctrl-U and
 *             Ctrl-D.
 * Ctrl-C is handled in the interrupt, so that it ends a program that reads nothing.
 * Lock      interrupts off (the console's queue is filled by interrupt handlers). */
#include "kernel/proc/tty.h"

#include "kernel/cpu/cpu.h"
#include "kernel/dev/console.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"

#define CTRL(letter) ((letter)&0x1F)
#define BACKSPACE '\b'
#define RUBOUT 0x7F
#define LINE_MAX 4096u /* as Linux: N_TTY_BUF_SIZE */

static struct {
    struct wait_queue readers;
    struct wait_queue sleeper; /* the shell in tty_sleep_ticks(); only Ctrl-C wakes it */
    bool sleeping;
    char line[LINE_MAX]; /* a finished line that was not read to its end */
    size_t length, position;
    uint32_t owner; /* pid whose line this is */
} tty;

/* In interrupt context. */
static bool take_interrupt_key(uint8_t byte)
{
    uint32_t pid = process_foreground();

    if (byte != CTRL('C') || (pid == 0 && !tty.sleeping))
        return false;
    if (pid == 0)
        wait_queue_wake_all(&tty.sleeper);
    else
        process_kill(pid, SIGINT);
    console_flush_input();
    console_write("^C\n", 3);
    return true;
}

static void wake_readers(void)
{
    wait_queue_wake_all(&tty.readers);
}

void tty_init(void)
{
    wait_queue_init(&tty.readers);
    wait_queue_init(&tty.sleeper);
    console_set_input_hooks(take_interrupt_key, wake_readers);
}

int tty_read_byte(void)
{
    uint32_t irq = irq_save();
    int byte;

    while ((byte = console_read_byte()) < 0)
        if (!wait_queue_sleep(&tty.readers))
            break;
    irq_restore(irq);
    return byte;
}

int tty_read_byte_ticks(uint64_t nticks)
{
    uint32_t irq = irq_save();
    int byte = console_read_byte();

    if (byte < 0) {
        wait_queue_sleep_ticks(&tty.readers, nticks);
        byte = console_read_byte();
    }
    irq_restore(irq);
    return byte;
}

int tty_sleep_ticks(uint64_t nticks)
{
    uint32_t irq = irq_save();

    tty.sleeping = true;
    bool interrupted = wait_queue_sleep_ticks(&tty.sleeper, nticks);
    tty.sleeping = false;
    irq_restore(irq);
    return interrupted ? -EINTR : 0;
}

void tty_write(const char *bytes, size_t nbytes)
{
    console_write(bytes, nbytes);
}

static void erase(size_t nbytes)
{
    while (nbytes-- > 0)
        console_write("\b \b", 3);
}

/* One byte of a line being typed; true when the line is complete. */
static bool edit(uint8_t byte)
{
    char c = byte == '\r' ? '\n' : (char)byte;

    switch (c) {
    case '\n':
        tty.line[tty.length++] = c;
        console_write("\n", 1);
        return true;
    case CTRL('D'):
        return true;
    case BACKSPACE:
    case RUBOUT:
        if (tty.length > 0) {
            tty.length--;
            erase(1);
        }
        return false;
    case CTRL('U'):
        erase(tty.length);
        tty.length = 0;
        return false;
    }
    if (tty.length < LINE_MAX - 1 && (byte >= ' ' || c == '\t')) {
        tty.line[tty.length++] = c;
        console_write(c == '\t' ? " " : &c, 1); /* one column each, for erase() */
    } else {
        console_write("\a", 1);
    }
    return false;
}

/* Collect a line; false: the process is being killed. */
static bool fill_line(void)
{
    tty.length = tty.position = 0;
    for (;;) {
        int byte = tty_read_byte();
        if (byte < 0)
            return false;
        if (edit((uint8_t)byte))
            return true;
    }
}

int tty_read_line(char *dst, size_t size)
{
    uint32_t pid = process_current()->pid;

    if (pid != process_foreground())
        return -EIO; /* a background process: the keys are not for it */
    if (tty.owner != pid)
        tty.length = tty.position = 0;
    tty.owner = pid;
    if (tty.position == tty.length && !fill_line())
        return -EINTR;
    size_t nbytes = MIN(size, tty.length - tty.position);
    memcpy(dst, tty.line + tty.position, nbytes);
    tty.position += nbytes;
    return (int)nbytes;
}
