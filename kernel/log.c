/* The log: a ring of text.
 *
 * Positions count bytes since boot and never wrap (64 bits); a byte's place in the ring is its
 * position modulo RING_SIZE.  The last RING_SIZE bytes are there, older ones are overwritten:
 *
 *     position   0 ........ head - RING_SIZE ........ head
 *                 overwritten |      kept           | not written yet
 *
 * Interrupts are off while a line is copied; there is no lock, because a panic writes here
 * too. */
#include "kernel/log.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/console.h"

#define RING_SIZE (32 * KiB) /* a power of two, so that positions stay aligned with it */
#define LINE_MAX 256

#define NS_PER_US 1000u
#define US_PER_SECOND 1000000u

static struct {
    char ring[RING_SIZE];
    uint64_t head;
    enum log_level console_level;
} logging = { .console_level = LOG_INFO };

static void ring_put(const char *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        logging.ring[logging.head++ % RING_SIZE] = bytes[i];
}

static uint64_t ring_start(void)
{
    return logging.head > RING_SIZE ? logging.head - RING_SIZE : 0;
}

/* "<6>[    0.001234] text\n" into line[LINE_MAX]; returns its length. */
static size_t format_line(char *line, enum log_level level, const char *fmt, va_list args)
{
    uint64_t us = timer_ns() / NS_PER_US;
    int length = snprintf(line, LINE_MAX, "<%u>[%5u.%06u] ", (unsigned)level,
                          (unsigned)(us / US_PER_SECOND), (unsigned)(us % US_PER_SECOND));
    length += vsnprintf(line + length, LINE_MAX - (size_t)length, fmt, args);
    size_t end = MIN((size_t)length, (size_t)LINE_MAX - 2); /* cut; room for "\n" and NUL */
    line[end++] = '\n';
    return end;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX];
    const size_t prefix = sizeof("<6>") - 1; /* the console does not show the level */
    va_list args;
    va_start(args, fmt);
    uint32_t flags = irq_save();
    size_t length = format_line(line, level, fmt, args);
    ring_put(line, length);
    irq_restore(flags);
    va_end(args);
    if (level <= logging.console_level || level == LOG_EMERG)
        console_write(line + prefix, length - prefix);
}

void log_set_console_level(enum log_level level)
{
    logging.console_level = level;
}

enum log_level log_console_level(void)
{
    return logging.console_level;
}

/* The first position from `position` on that starts a line. */
static uint64_t next_line(uint64_t position)
{
    while (position < logging.head && logging.ring[position % RING_SIZE] != '\n')
        position++;
    return MIN(position + 1, logging.head);
}

size_t log_read(uint64_t *cursor, char *buffer, size_t size)
{
    size_t copied = 0;
    uint32_t flags = irq_save();
    if (*cursor < ring_start())
        *cursor = next_line(ring_start());
    while (copied < size && *cursor < logging.head)
        buffer[copied++] = logging.ring[(*cursor)++ % RING_SIZE];
    irq_restore(flags);
    return copied;
}
