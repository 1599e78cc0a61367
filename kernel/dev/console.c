/* One console out of two devices.
 *
 * Output goes to each device that is on.  It must work before interrupts do, inside interrupt
 * handlers and in a panic that interrupted console_write() itself: so it turns interrupts off
 * instead of taking a lock that a panic could find taken.  At 115200 baud a byte takes 87 us;
 * interrupts are therefore let in after every OUTPUT_CHUNK bytes (at most 5.6 ms, half a tick:
 * each may be a line feed, which takes two).
 *
 * Input: interrupt handlers put bytes into a ring, console_read_byte() takes them out. */
#include "kernel/dev/console.h"

#include "kernel/cpu/cpu.h"
#include "kernel/dev/devices.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define OUTPUT_CHUNK 32
#define INPUT_QUEUE 16384 /* a power of two */

static struct {
    bool serial, vga; /* devices that are on */
    /* Positions count on without end; queued = put - taken. */
    uint8_t queue[INPUT_QUEUE];
    unsigned put, taken;
    bool (*filter)(uint8_t byte);
    void (*wakeup)(void);
} console;

void console_init(const char *cmdline)
{
    char value[32] = "";
    bool chosen = parse_option(cmdline, "console", value, sizeof(value));
    bool serial = strstr(value, "serial") != NULL, vga = strstr(value, "vga") != NULL;

    console.vga = vga || !serial;
    console.serial = (serial || !vga) && serial_init();
    vga_init();
    if (chosen && !serial && !vga)
        log_warning("console=%s: expected serial, vga, or both with a comma", value);
}

void console_reset(void)
{
    if (console.vga)
        vga_reset();
}

void console_enable_input(void)
{
    if (console.serial)
        serial_enable_input();
    if (console.vga)
        keyboard_init();
}

/* "\n" is line feed and carriage return to a terminal, and to dev/vga.c. */
static void write_device(void (*write)(const char *, size_t), const char *bytes, size_t nbytes)
{
    size_t start = 0;
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] != '\n')
            continue;
        write(bytes + start, i - start);
        write("\r\n", 2);
        start = i + 1;
    }
    write(bytes + start, nbytes - start);
}

static void write_as_is(void (*write)(const char *, size_t), const char *bytes, size_t nbytes)
{
    write(bytes, nbytes);
}

static void write_chunks(void (*to_device)(void (*)(const char *, size_t), const char *,
                                           size_t),
                         const char *bytes, size_t nbytes)
{
    while (nbytes > 0) {
        size_t chunk = MIN(nbytes, (size_t)OUTPUT_CHUNK);
        uint32_t flags = irq_save();
        if (console.serial)
            to_device(serial_write, bytes, chunk);
        if (console.vga)
            to_device(vga_write, bytes, chunk);
        irq_restore(flags);
        bytes += chunk;
        nbytes -= chunk;
    }
}

void console_write(const char *bytes, size_t nbytes)
{
    write_chunks(write_device, bytes, nbytes);
}

void console_write_raw(const char *bytes, size_t nbytes)
{
    write_chunks(write_as_is, bytes, nbytes);
}

/* Collects the formatter's small pieces, so that a line is written in one go. */
struct line_buffer {
    size_t used;
    char bytes[OUTPUT_CHUNK];
};

static void line_flush(struct line_buffer *line)
{
    console_write(line->bytes, line->used);
    line->used = 0;
}

static void line_append(void *context, const char *bytes, size_t nbytes)
{
    struct line_buffer *line = context;
    for (size_t i = 0; i < nbytes; i++) {
        if (line->used == sizeof(line->bytes))
            line_flush(line);
        line->bytes[line->used++] = bytes[i];
    }
}

int console_vprintf(const char *fmt, va_list args)
{
    struct line_buffer line = { .used = 0 };
    int length = format_to(line_append, &line, fmt, args);
    line_flush(&line);
    return length;
}

int console_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = console_vprintf(fmt, args);
    va_end(args);
    return length;
}

bool console_input_has_room(void)
{
    return console.put - console.taken < INPUT_QUEUE;
}

void console_input(uint8_t byte)
{
    uint32_t flags = irq_save();
    bool swallowed = console.filter != NULL && console.filter(byte);
    bool queued = !swallowed && console_input_has_room();
    if (queued)
        console.queue[console.put++ % INPUT_QUEUE] = byte;
    irq_restore(flags);
    if (queued && console.wakeup != NULL)
        console.wakeup();
}

unsigned console_input_count(void)
{
    return console.put - console.taken;
}

int console_read_byte(void)
{
    int byte = -1;
    uint32_t flags = irq_save();
    if (console.put != console.taken)
        byte = console.queue[console.taken++ % INPUT_QUEUE];
    irq_restore(flags);
    serial_resume_input();
    return byte;
}

void console_set_input_hooks(bool (*filter)(uint8_t byte), void (*wakeup)(void))
{
    console.filter = filter;
    console.wakeup = wakeup;
}

void console_flush_input(void)
{
    uint32_t flags = irq_save();
    console.taken = console.put;
    irq_restore(flags);
    serial_resume_input();
}
