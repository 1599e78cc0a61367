/* kernel/procfs/text.h - text of unknown length: it grows as it is written, or goes to a sink at once
 * (the kernel's shell, which shows memory and must not change it by looking). */
#pragma once

#include "kernel/lib/format.h"

struct text {
    char *bytes; /* NUL-terminated */
    size_t length, capacity;
    bool failed;      /* no memory, or longer than TEXT_MAX: what came after is missing */
    format_sink sink; /* not NULL: bytes go there, and `bytes` stays empty */
    void *context;
};
#define TEXT_MAX (16u * MiB)

void text_printf(struct text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_append(struct text *text, const char *bytes, size_t nbytes);
void text_pad_to(struct text *text, size_t line_start, unsigned column); /* with blanks */
void text_free(struct text *text);
