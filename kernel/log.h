/* kernel/log.h - levelled log: to the console and into a ring buffer that `dmesg` shows. */
#pragma once

#include "kernel/lib/format.h"

/* Levels and their numbers as in syslog(3). */
enum log_level {
    LOG_EMERG,
    LOG_ALERT,
    LOG_CRIT,
    LOG_ERR,
    LOG_WARNING,
    LOG_NOTICE,
    LOG_INFO,
    LOG_DEBUG
};

/* Log one line, without a newline at its end: log_write(LOG_INFO, "buddy: %u frames", n).  Any
 * context.  It is kept in the ring always, and shown on the console if level <= the
 * console's. */
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_err(...) log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Highest level that goes to the console (default LOG_INFO; kernel parameter loglevel=0..8 as
 * on Linux: messages with a level below that number are shown). */
void log_set_console_level(enum log_level level);
enum log_level log_console_level(void);

/* Copy the ring's text, oldest line first ("<level>[seconds.micros] text\n" per line), from
 * position *cursor on; returns the number of bytes copied and moves *cursor; 0 at the end.
 * Start with 0; if the ring has overwritten what the cursor points to, it goes on with the
 * oldest complete line. */
size_t log_read(uint64_t *cursor, char *buffer, size_t size);
