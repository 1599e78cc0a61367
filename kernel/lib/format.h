/* kernel/lib/format.h - printf formatting: %d %i %u %x %X %o %c %s %p %%, flags - 0 + space #,
 * width and precision (also *), lengths hh h l ll z t j.  No floating point. */
#pragma once

#include <stdarg.h>

#include "kernel/lib/types.h"

/* Receives the output in order, `nbytes` at a time. */
typedef void (*format_sink)(void *context, const char *bytes, size_t nbytes);

/* Format to a sink.  Returns the number of bytes produced. */
int format_to(format_sink sink, void *context, const char *fmt, va_list args);

/* As in ISO C 7.21.6.5: never writes more than size bytes, terminates if size > 0, returns the
 * length that the whole output has. */
int vsnprintf(char *dst, size_t size, const char *fmt, va_list args);
int snprintf(char *dst, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
