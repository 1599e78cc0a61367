/* kernel/lib/parse.c - numbers and words out of text. */
#include "kernel/lib/parse.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

/* Value of a digit in a base up to 16; 16 or more if c is none. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* Read the number at *s and move *s behind it. */
static int read_number(const char **s, uint64_t *value)
{
    const char *at = *s;
    unsigned base = 10;
    uint64_t number = 0;
    bool fits = true;

    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    } else if (at[0] == '0') {
        base = 8; /* the 0 itself is a digit, so that "0" is a number */
    }
    const char *digits = at;
    for (; digit_value(*at) < base; at++) {
        fits &= !__builtin_mul_overflow(number, base, &number);
        fits &= !__builtin_add_overflow(number, digit_value(*at), &number);
    }
    if (at == digits)
        return -EINVAL;
    *s = at;
    *value = number;
    return fits ? 0 : -ERANGE;
}

int parse_u64(const char *s, uint64_t *value)
{
    uint64_t number;
    int error = read_number(&s, &number);

    if (error == -EINVAL || *s != '\0')
        return -EINVAL;
    if (error == 0)
        *value = number;
    return error;
}

int parse_u32(const char *s, uint32_t *value)
{
    uint64_t number;
    int error = parse_u64(s, &number);

    if (error != 0)
        return error;
    if (number > UINT32_MAX)
        return -ERANGE;
    *value = (uint32_t)number;
    return 0;
}

/* log2 of a suffix's factor; 0 if c is no suffix. */
static unsigned suffix_shift(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return 0;
    }
}

int parse_size(const char *s, uint64_t *nbytes)
{
    uint64_t number;
    int error = read_number(&s, &number);

    if (error == -EINVAL)
        return -EINVAL;
    unsigned shift = suffix_shift(*s);
    if (shift != 0)
        s++;
    if (*s != '\0')
        return -EINVAL;
    if (error != 0 || number > UINT64_MAX >> shift)
        return -ERANGE;
    *nbytes = number << shift;
    return 0;
}

/* Reading words character by character, with the quotes taken away. */
struct word_reader {
    const char *at;
    char quote; /* the quotation mark that is open, or 0 */
};

#define WORD_END (-1)
#define WORD_UNCLOSED (-2)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Move to the start of the next word; false at the end of the line. */
static bool word_begin(struct word_reader *reader)
{
    while (is_blank(*reader->at))
        reader->at++;
    reader->quote = 0;
    return *reader->at != '\0';
}

/* The word's next character, or WORD_END (and the blank is consumed), or WORD_UNCLOSED. */
static int word_next(struct word_reader *reader)
{
    for (;;) {
        char c = *reader->at;
        if (c == '\0')
            return reader->quote != 0 ? WORD_UNCLOSED : WORD_END;
        reader->at++;
        if (c == '\\' && reader->quote != '\'' && *reader->at != '\0')
            return (unsigned char)*reader->at++;
        if (reader->quote != 0) {
            if (c != reader->quote)
                return (unsigned char)c;
            reader->quote = 0;
        } else if (c == '\'' || c == '"') {
            reader->quote = c;
        } else if (is_blank(c)) {
            return WORD_END;
        } else {
            return (unsigned char)c;
        }
    }
}

int parse_words(char *line, char *words[], unsigned max)
{
    struct word_reader reader = { .at = line };
    char *out =
        line; /* never overtakes reader.at: quotes only shorten, and the blank is consumed */
    unsigned count = 0;

    while (word_begin(&reader)) {
        if (count == max)
            return -E2BIG;
        words[count++] = out;
        int c;
        while ((c = word_next(&reader)) >= 0)
            *out++ = (char)c;
        if (c == WORD_UNCLOSED)
            return -EINVAL;
        *out++ = '\0';
    }
    return (int)count;
}

/* Does the word at `reader` begin with KEY=, or is it just KEY?  Consumes what it compares. */
static bool word_has_key(struct word_reader *reader, const char *key, int *last)
{
    while ((*last = word_next(reader)) >= 0 && *key != '\0' && *last == (unsigned char)*key)
        key++;
    return *key == '\0' && (*last == '=' || *last < 0);
}

bool parse_option(const char *cmdline, const char *key, char *value, size_t size)
{
    struct word_reader reader = { .at = cmdline };
    bool found = false;

    while (word_begin(&reader)) {
        int c;
        if (word_has_key(&reader, key, &c)) {
            size_t length = 0;
            while (c >= 0 && (c = word_next(&reader)) >= 0) {
                if (length < size - 1)
                    value[length++] = (char)c;
            }
            value[length] = '\0';
            found = true;
        }
        while (c >= 0)
            c = word_next(&reader);
    }
    return found;
}
