/* kernel/dev/console.h - the console: COM1 and VGA text + PS/2 keyboard, as one byte stream
 * each way.  Output may contain the ANSI sequences of a VT100 (cursor, erase, colours): the
 * serial line passes them on, dev/vga.c interprets them.  Special keys arrive as the sequences
 * a terminal sends (ESC [ A ...), so that nobody above needs to know which device a key came
 * from. */
#pragma once

#include "kernel/lib/format.h"

/* Which devices; from the kernel parameter console=serial, console=vga or both (the default):
 * console=serial,vga. */
void console_init(const char *cmdline);

/* Let the devices that are on deliver input.  After irq_init(). */
void console_enable_input(void);

/* Write bytes; "\n" becomes "\r\n" on the serial line.  Any context. */
void console_write(const char *bytes, size_t nbytes);

/* The same, but "\n" only moves down. */
void console_write_raw(const char *bytes, size_t nbytes);
int console_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
int console_vprintf(const char *fmt, va_list args);

/* Make the screen readable again, whatever colours or half a sequence a program has left. */
void console_reset(void);

/* Interrupt handlers of the devices put each byte that came in here.  It goes to the filter
 * first (true = swallowed: Ctrl-C), then into a queue.  When the queue is full the serial
 * driver stops reading its FIFO, so that piped input is never lost. */
void console_input(uint8_t byte);
bool console_input_has_room(void);

/* Bytes that have come in and were not read yet. */
unsigned console_input_count(void);

/* Next byte, or -1 if none has come in.  Never waits. */
int console_read_byte(void);

/* filter: sees every byte in interrupt context.  wakeup: called after a byte was queued. */
void console_set_input_hooks(bool (*filter)(uint8_t byte), void (*wakeup)(void));

/* Drop what was typed and not read yet (Ctrl-C does). */
void console_flush_input(void);
