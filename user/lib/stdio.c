/* user/lib/stdio.c - formatted output and simple input (ISO C 7.21).
 * stdout is written out at each newline, when its buffer is full, and by exit(); stderr at the
 * end of each call.  Formatting is kernel/lib/format.c. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/lib/format.h"

struct file {
    int fd;
    bool failed, ended;
    size_t used;  /* bytes that wait in the buffer */
    size_t taken; /* input: how many of them were read already */
    char buffer[BUFSIZ];
};

static struct file standard_input = { .fd = STDIN_FILENO };
static struct file standard_output = { .fd = STDOUT_FILENO };
static struct file standard_error = { .fd = STDERR_FILENO };

FILE *const stdin = &standard_input;
FILE *const stdout = &standard_output;
FILE *const stderr = &standard_error;

/* Write all bytes, however many calls it takes; false on an error. */
static bool write_fully(int fd, const char *bytes, size_t nbytes)
{
    while (nbytes > 0) {
        ssize_t written = write(fd, bytes, nbytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        nbytes -= (size_t)written;
    }
    return true;
}

int fflush(FILE *file)
{
    if (file == NULL)
        return fflush(stdout) | fflush(stderr);
    if (file == stdin)
        return 0; /* what waits there was read, not written */
    if (!write_fully(file->fd, file->buffer, file->used))
        file->failed = true;
    file->used = 0;
    return file->failed ? EOF : 0;
}

static void put_bytes(void *context, const char *bytes, size_t nbytes)
{
    FILE *file = context;

    for (size_t i = 0; i < nbytes; i++) {
        file->buffer[file->used++] = bytes[i];
        if (bytes[i] == '\n' || file->used == BUFSIZ)
            fflush(file);
    }
}

static int end_of_call(FILE *file, int result)
{
    if (file == stderr)
        fflush(file);
    return file->failed ? EOF : result;
}

int vfprintf(FILE *file, const char *fmt, va_list args)
{
    return end_of_call(file, format_to(put_bytes, file, fmt, args));
}

int fprintf(FILE *file, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int result = vfprintf(file, fmt, args);
    va_end(args);
    return result;
}

int vprintf(const char *fmt, va_list args)
{
    return vfprintf(stdout, fmt, args);
}

int printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int result = vfprintf(stdout, fmt, args);
    va_end(args);
    return result;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
    put_bytes(file, data, size * count);
    return end_of_call(file, 0) == EOF || size == 0 ? 0 : count;
}

int fputs(const char *s, FILE *file)
{
    put_bytes(file, s, strlen(s));
    return end_of_call(file, 0);
}

int fputc(int c, FILE *file)
{
    char byte = (char)c;
    put_bytes(file, &byte, 1);
    return end_of_call(file, (unsigned char)byte);
}

int putchar(int c)
{
    return fputc(c, stdout);
}

int puts(const char *s)
{
    put_bytes(stdout, s, strlen(s));
    return fputc('\n', stdout);
}

int fgetc(FILE *file)
{
    if (file->taken == file->used) {
        fflush(stdout); /* a prompt must be seen before the wait */
        ssize_t nbytes = read(file->fd, file->buffer, BUFSIZ);
        file->taken = file->used = 0;
        if (nbytes <= 0) {
            file->ended = nbytes == 0;
            file->failed = nbytes < 0;
            return EOF;
        }
        file->used = (size_t)nbytes;
    }
    return (unsigned char)file->buffer[file->taken++];
}

int getchar(void)
{
    return fgetc(stdin);
}

char *fgets(char *line, int size, FILE *file)
{
    int length = 0, c = 0;

    while (length < size - 1 && c != '\n' && (c = fgetc(file)) != EOF)
        line[length++] = (char)c;
    line[length] = '\0';
    return length > 0 ? line : NULL;
}

int feof(FILE *file)
{
    return file->ended;
}

int ferror(FILE *file)
{
    return file->failed;
}

void perror(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
}
