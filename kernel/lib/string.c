/* kernel/lib/string.c - strings, and the memory functions that read only.
 * memset, memcpy and memmove are in string_i386.S. */
#include "kernel/lib/string.h"

/* A compiler that knows the library replaces a loop that looks like strlen() by a call of
 * strlen().  Inside strlen() that never ends.  clang is told by -ffreestanding, gcc needs this
 * as well. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

int memcmp(const void *a, const void *b, size_t nbytes)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < nbytes; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

void *memchr(const void *block, int byte, size_t nbytes)
{
    const uint8_t *bytes = block;
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] == (uint8_t)byte)
            return (void *)(uintptr_t)&bytes[i];
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *end = s;
    while (*end != '\0')
        end++;
    return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t length = 0;
    while (length < max && s[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        if (a[i] != b[i])
            return (uint8_t)a[i] - (uint8_t)b[i];
        if (a[i] == '\0')
            break;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (*s == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    do {
        if (*s == (char)c)
            last = s;
    } while (*s++ != '\0');
    return (char *)(uintptr_t)last;
}

char *strstr(const char *haystack, const char *needle)
{
    size_t length = strlen(needle);
    for (; strncmp(haystack, needle, length) != 0; haystack++) {
        if (*haystack == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)haystack;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t length = strlen(src);
    if (size == 0)
        return length;
    size_t copied = MIN(length, size - 1);
    memcpy(dst, src, copied);
    dst[copied] = '\0';
    return length;
}
