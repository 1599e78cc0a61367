/* shell/history.h - the lines that were entered, newest first.
 * Pure: no kernel underneath; also compiled for the host tests. */
#pragma once

#include "kernel/lib/types.h"

#define LINE_LENGTH_MAX 255u /* bytes in a line, without its NUL */
#define HISTORY_LINES 32u

struct history {
    char lines[HISTORY_LINES][LINE_LENGTH_MAX + 1]; /* a ring */
    unsigned count;                                 /* lines in use */
    unsigned next;                                  /* where the next line goes */
};

/* Remember `line` (at most LINE_LENGTH_MAX bytes), unless it is blank or equals the newest
 * one.  The oldest line is forgotten when the ring is full. */
void history_add(struct history *history, const char *line);

/* The line entered `age` lines ago, 1 = the newest; NULL if it was never entered or is
 * forgotten. */
const char *history_get(const struct history *history, unsigned age);
