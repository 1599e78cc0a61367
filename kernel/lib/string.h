/* kernel/lib/string.h - memory blocks and strings, as in ISO C 7.24 unless said otherwise. */
#pragma once

#include "kernel/lib/types.h"

/* In the build with KASAN=1 (mm/kasan.h) these three look first whether the memory may be used, except
 * in the few files that have to touch what nobody else may. */
#ifdef KASAN
void *unchecked_memset(void *dst, int byte, size_t nbytes);
void *unchecked_memcpy(void *restrict dst, const void *restrict src, size_t nbytes);
void *unchecked_memmove(void *dst, const void *src, size_t nbytes);
#endif
#ifdef KASAN_UNCHECKED
#define memset unchecked_memset
#define memcpy unchecked_memcpy
#define memmove unchecked_memmove
#endif

void *memset(void *dst, int byte, size_t nbytes);
void *memcpy(void *restrict dst, const void *restrict src, size_t nbytes);
void *memmove(void *dst, const void *src, size_t nbytes);
int memcmp(const void *a, const void *b, size_t nbytes);
void *memchr(const void *block, int byte, size_t nbytes);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);

/* Copy as much of `src` as fits into size bytes of `dst` and terminate it (size > 0).
 * Returns strlen(src): a result >= size means that it was cut. */
size_t strlcpy(char *dst, const char *src, size_t size);
