/* kernel/proc/tty.h - the console as a terminal (termios(3)): who gets the keys, line editing, signals
 * from keys.
 * While a foreground process group is set, its programs read it as a terminal: canonical or raw as
 * TCSETS says, echo, erase, kill, end of file, ISIG keys (Ctrl-C, Ctrl-\, Ctrl-Z); otherwise the
 * kernel's shell reads raw bytes. */
#pragma once

#include "kernel/fs/file.h"
#include "kernel/proc/termios.h"

void tty_init(void);

/* ---- the kernel's shell ---- */

/* Next byte for the shell; waits.  Ctrl-C arrives as 0x03. */
int tty_read_byte(void);

/* The same, waiting at most nticks; -1 when nothing came. */
int tty_read_byte_ticks(uint64_t nticks);

/* Pause the shell: 0, or -EINTR as soon as Ctrl-C is hit.  Other keys stay in the queue. */
int tty_sleep_ticks(uint64_t nticks);

/* The terminal goes back to the shell: settings as at boot; the rest of a line that a program has begun
 * to read is dropped, later lines go to the shell.  Its reading functions do this themselves. */
void tty_reset(void);

/* A job that has the terminal stops: its settings are put aside, and tty_reset().  It goes on, and has
 * them again (`used` false: there are none, and it finds the shell's). */
struct tty_aside {
    bool used;
    struct termios termios;
};
void tty_put_aside(struct tty_aside *aside);
void tty_take_back(struct tty_aside *aside);

/* ---- programs ---- */

/* What /dev/console and /dev/tty give: read, write, poll, ioctl (TCGETS, TCSETS/W/F, TIOCGWINSZ,
 * TIOCSWINSZ, TIOCGPGRP, TIOCSPGRP, TIOCSCTTY, TIOCNOTTY, TIOCGSID, FIONREAD, TCFLSH, TCSBRK,
 * TCXONC).  A background group that reads gets SIGTTIN (or -EIO when it ignores that or is an
 * orphan). */
extern const struct file_ops tty_file_ops;
