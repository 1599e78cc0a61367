/* kernel/proc/tty_internal.h - what tty.c, tty_line.c and tty_ioctl.c share.
 * Lock: interrupts off (keys come in interrupts). */
#pragma once

#include "kernel/proc/termios.h"
#include "kernel/proc/tty.h"

struct tty_settings {
    struct termios termios;
    struct winsize size;
};
extern struct tty_settings tty_settings;
void tty_settings_reset(void);

static inline bool tty_has(uint32_t lflag)
{
    return (tty_settings.termios.lflag & lflag) != 0;
}

/* Is `byte` this key? */
static inline bool tty_is_key(uint8_t byte, enum termios_key key)
{
    return byte != 0 && byte == tty_settings.termios.keys[key];
}

/* ---- input (tty_line.c) ---- */

/* Canonical mode: edit the line with the bytes that have come in, until it is complete; is it?
 * Interrupts off. */
bool tty_line_fill(void);

/* Take bytes of the complete line (canonical mode), or whatever has come in (raw mode).  Interrupts
 * off. */
size_t tty_line_take(char *dst, size_t size);
size_t tty_raw_take(char *dst, size_t size);

/* How many could be taken now.  Interrupts off. */
size_t tty_line_available(void);
size_t tty_raw_available(void);

/* Drop the line, and (flush) all input. */
void tty_line_drop(void);
void tty_input_flush(void);

/* Show a byte of input: "^C" for a control character. */
void tty_echo(uint8_t byte);

/* ---- job control (tty.c) ---- */

/* May the running process read, or change settings?  0; else a signal has been sent to its group:
 * -ERESTARTSYS; or nobody could continue it, or it wants no signal: -EIO. */
int tty_may_read(void);
int tty_may_change(void);

int32_t tty_ioctl(struct file *file, uint32_t request, uaddr_t argument);
