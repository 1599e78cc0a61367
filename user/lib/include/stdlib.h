/* stdlib.h - ISO C 7.22, without floating point and multibyte characters. */
#pragma once

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7FFFFFFF

/* Memory: user/lib/malloc.c; more in malloc.h. */
void *malloc(size_t nbytes);
void *calloc(size_t count, size_t nbytes);
void *realloc(void *block, size_t nbytes);
void *reallocarray(void *block, size_t count, size_t nbytes);
void *aligned_alloc(size_t alignment, size_t nbytes);
int posix_memalign(void **block, size_t alignment, size_t nbytes);
void free(void *block);

_Noreturn void exit(int status);
_Noreturn void abort(void);
int atexit(void (*handler)(void));
char *getenv(const char *name);

int atoi(const char *s);
long strtol(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base);
int abs(int value);

int rand(void);
void srand(unsigned seed);

void qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *));
