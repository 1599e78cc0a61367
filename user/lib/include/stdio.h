/* stdio.h - ISO C 7.21: the three standard streams; no files to open, no floating point. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 1024

typedef struct file FILE;

extern FILE *const stdin, *const stdout, *const stderr;

#define STDIO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

int printf(const char *fmt, ...) STDIO_PRINTF(1, 2);
int fprintf(FILE *file, const char *fmt, ...) STDIO_PRINTF(2, 3);
int snprintf(char *dst, size_t size, const char *fmt, ...) STDIO_PRINTF(3, 4);
int vprintf(const char *fmt, va_list args);
int vfprintf(FILE *file, const char *fmt, va_list args);
int vsnprintf(char *dst, size_t size, const char *fmt, va_list args);

int putchar(int c);
int puts(const char *s);
int fputc(int c, FILE *file);
int fputs(const char *s, FILE *file);
size_t fwrite(const void *data, size_t size, size_t count, FILE *file);
int fflush(FILE *file); /* NULL: all */

int getchar(void);
int fgetc(FILE *file);
char *fgets(char *line, int size, FILE *file);
int feof(FILE *file);
int ferror(FILE *file);

void perror(const char *what);
