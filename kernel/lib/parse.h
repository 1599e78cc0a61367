/* kernel/lib/parse.h - numbers and words out of text: the shell, the kernel command line. */
#pragma once

#include "kernel/lib/types.h"

/* An unsigned number: decimal, 0x hexadecimal or 0 octal; nothing but the number may stand in
 * `s`. 0, or -EINVAL (not a number), or -ERANGE (does not fit); *value is written only on
 * success. */
int parse_u32(const char *s, uint32_t *value);
int parse_u64(const char *s, uint64_t *value);

/* A size in bytes: as above, and with an optional suffix K, M or G (either case, factors of
 * 1024). */
int parse_size(const char *s, uint64_t *nbytes);

/* Split `line` in place into words.  Blanks separate; '...' and "..." group and may stand
 * inside a word; a backslash takes the next character as it is (not inside '...').  Returns the
 * number of words, -E2BIG if there are more than max, -EINVAL if a quote is not closed. */
int parse_words(char *line, char *words[], unsigned max);

/* The value of KEY=VALUE in a command line of such words, copied to `value` (size > 0 bytes,
 * cut if longer).  A word that is just KEY gives "".  The last one wins.  Returns false if
 * there is none. */
bool parse_option(const char *cmdline, const char *key, char *value, size_t size);
