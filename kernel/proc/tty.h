/* kernel/proc/tty.h - the console as a terminal: who gets the keys, and line editing for
 * programs. While a foreground program runs, read(0) gives it whole lines (echo, Backspace,
 * Ctrl-U, Ctrl-D = end of file) and Ctrl-C kills it; otherwise the shell reads raw bytes. */
#pragma once

#include "kernel/lib/types.h"

void tty_init(void);

/* Next byte for the shell; waits.  Ctrl-C arrives as 0x03. */
int tty_read_byte(void);

/* The same, waiting at most nticks; -1 when nothing came. */
int tty_read_byte_ticks(uint64_t nticks);

/* Pause the shell: 0, or -EINTR as soon as Ctrl-C is hit.  Other keys stay in the queue. */
int tty_sleep_ticks(uint64_t nticks);

/* read(2) on the console for the running process: one line, or what of it fits, into kernel
 * memory. Number of bytes, 0 at end of file, -EINTR when the process is being killed, -EIO
 * for a background process. */
int tty_read_line(char *dst, size_t size);

/* write(2) to the console. */
void tty_write(const char *bytes, size_t nbytes);
