/* user/lib/stdlib.c - ending a program, numbers, sorting (ISO C 7.22, but malloc). */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_HANDLERS_MAX 32

static void (*exit_handlers[EXIT_HANDLERS_MAX])(void);
static unsigned exit_handler_count;

int atexit(void (*handler)(void))
{
    if (exit_handler_count == EXIT_HANDLERS_MAX)
        return -1;
    exit_handlers[exit_handler_count++] = handler;
    return 0;
}

_Noreturn void exit(int status)
{
    while (exit_handler_count > 0)
        exit_handlers[--exit_handler_count]();
    fflush(NULL);
    _exit(status);
}

_Noreturn void abort(void)
{
    kill(getpid(), SIGABRT);
    __builtin_trap(); /* where kill() does not end us */
}

_Noreturn void assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    fflush(NULL);
    abort();
}

char *getenv(const char *name)
{
    size_t length = strlen(name);
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    }
    return NULL;
}

static unsigned digit_value(char c)
{
    if (isdigit(c))
        return (unsigned)(c - '0');
    if (isalpha(c))
        return (unsigned)(tolower(c) - 'a') + 10;
    return UINT_MAX;
}

/* Common to all: magnitude in *value, true if there was a minus.  *overflow: it does not fit; then
 * *value = ULLONG_MAX. */
static bool read_number(const char *s, char **end, unsigned base, unsigned long long *value,
                        bool *overflow)
{
    const char *at = s;
    bool negative = false;

    while (isspace(*at))
        at++;
    if (*at == '-' || *at == '+')
        negative = *at++ == '-';
    bool prefixed = at[0] == '0' && tolower(at[1]) == 'x' && isxdigit(at[2]);
    if ((base == 0 || base == 16) && prefixed) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = *at == '0' ? 8 : 10;
    }
    const char *digits = at;
    *value = 0;
    for (; digit_value(*at) < base; at++) {
        *overflow |= __builtin_mul_overflow(*value, (unsigned long long)base, value);
        *overflow |= __builtin_add_overflow(*value, (unsigned long long)digit_value(*at),
                                            value);
    }
    if (*overflow)
        *value = ULLONG_MAX;
    if (end != NULL)
        *end = (char *)(uintptr_t)(at == digits ? s : at);
    return negative;
}

unsigned long long strtoull(const char *s, char **end, int base)
{
    unsigned long long value;
    bool overflow = false, negative = read_number(s, end, (unsigned)base, &value, &overflow);

    if (overflow) {
        errno = ERANGE;
        return ULLONG_MAX;
    }
    return negative ? 0 - value : value;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    unsigned long long value;
    bool overflow = false, negative = read_number(s, end, (unsigned)base, &value, &overflow);

    if (value > ULONG_MAX) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return negative ? 0 - (unsigned long)value : (unsigned long)value;
}

long strtol(const char *s, char **end, int base)
{
    unsigned long long value;
    bool overflow = false, negative = read_number(s, end, (unsigned)base, &value, &overflow);
    unsigned long limit = negative ? 0 - (unsigned long)LONG_MIN : LONG_MAX;

    if (value > limit) {
        errno = ERANGE;
        value = limit;
    }
    return (long)(negative ? 0 - (unsigned long)value : (unsigned long)value);
}

int atoi(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

int abs(int value)
{
    return value < 0 ? -value : value;
}

/* A linear congruential generator, the upper bits of it (TAOCP vol. 2, 3.3.4, line 15). */
static uint32_t rand_state = 1;

void srand(unsigned seed)
{
    rand_state = seed;
}

int rand(void)
{
    uint32_t high, low;
    rand_state = rand_state * 1664525u + 1013904223u;
    high = rand_state >> 16;
    rand_state = rand_state * 1664525u + 1013904223u;
    low = rand_state >> 16;
    return (int)((high << 16 | low) & RAND_MAX);
}

static void swap_bytes(char *a, char *b, size_t nbytes)
{
    while (nbytes-- > 0) {
        char byte = *a;
        *a++ = *b;
        *b++ = byte;
    }
}

/* Let the element at `root` sink until neither child is larger. */
static void sift_down(char *base, size_t root, size_t count, size_t size,
                      int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        swap_bytes(base + root * size, base + child * size, size);
    }
}

/* Heapsort: n log n in the worst case, without recursion or memory (TAOCP vol. 3, 5.2.3). */
void qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    char *base = array;

    for (size_t root = count / 2; root-- > 0;)
        sift_down(base, root, count, size, compare);
    for (size_t last = count; last-- > 1;) {
        swap_bytes(base, base + last * size, size);
        sift_down(base, 0, last, size, compare);
    }
}
