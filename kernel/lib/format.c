/* kernel/lib/format.c - printf formatting.
 *
 * Problem     One formatter for the log, the console, the shell, buffers and the programs.
 * Words       A conversion is % flags width .precision length letter: "%-08.3llx".
 *             A sink takes the output; format_to() hands it over piece by piece and keeps
 *             nothing.
 * Method      A conversion is parsed into struct spec.  Every field is then
 *                 [blanks] [sign or 0x] [zeros] body [blanks]
 *             and only the body and the number of zeros differ from letter to letter.
 * Choices     As glibc: a NULL string is "(null)", a NULL %p is "(nil)".  An unknown conversion
 *             is printed as it stands.
 * Reading     ISO C 7.21.6.1. */
#include "kernel/lib/format.h"

#include "kernel/lib/string.h"

enum length { LENGTH_CHAR, LENGTH_SHORT, LENGTH_INT, LENGTH_LONG, LENGTH_LONG_LONG };

struct spec {
    bool left, zero, plus, space, alternate; /* the flags - 0 + space # */
    int width;
    int precision; /* -1: none given */
    enum length length;
    char letter;
};

/* Where the output goes, and how much there was. */
struct output {
    format_sink sink;
    void *context;
    int nbytes;
};

#define DIGITS_MAX 22 /* 64 bits in octal */
#define NO_PRECISION (-1)

static void emit(struct output *out, const char *bytes, size_t nbytes)
{
    if (nbytes > 0)
        out->sink(out->context, bytes, nbytes);
    out->nbytes += (int)nbytes;
}

static void emit_repeated(struct output *out, char c, int count)
{
    static const char blanks[] = "                ", zeros[] = "0000000000000000";
    const char *run = c == '0' ? zeros : blanks;
    const int run_length = (int)sizeof(blanks) - 1;

    for (; count > 0; count -= run_length)
        emit(out, run, (size_t)MIN(count, run_length));
}

/* [blanks] prefix [zeros] body [blanks]. */
static void emit_field(struct output *out, const struct spec *spec, const char *prefix,
                       int zeros, const char *body, size_t body_length)
{
    int prefix_length = (int)strlen(prefix);
    int padding = spec->width - prefix_length - zeros - (int)body_length;

    if (!spec->left)
        emit_repeated(out, ' ', padding);
    emit(out, prefix, (size_t)prefix_length);
    emit_repeated(out, '0', zeros);
    emit(out, body, body_length);
    if (spec->left)
        emit_repeated(out, ' ', padding);
}

/* Write value's digits so that they end just before `end`; returns where they start.  0 has
 * none. */
static char *digits_before(char *end, uint64_t value, unsigned base, char letter)
{
    const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";

    while (value > UINT32_MAX) { /* 64-bit division is slow: only as long as it must be */
        *--end = digits[value % base];
        value /= base;
    }
    for (uint32_t rest = (uint32_t)value; rest != 0; rest /= base)
        *--end = digits[rest % base];
    return end;
}

static void format_number(struct output *out, const struct spec *spec, uint64_t value,
                          const char *sign)
{
    char buffer[DIGITS_MAX];
    char *end = buffer + sizeof(buffer);
    unsigned base = 10;
    const char *prefix = sign;

    if (spec->letter == 'o') {
        base = 8;
    } else if (spec->letter == 'x' || spec->letter == 'X') {
        base = 16;
        if (spec->alternate && value != 0)
            prefix = spec->letter == 'x' ? "0x" : "0X";
    }
    const char *start = digits_before(end, value, base, spec->letter);
    int length = (int)(end - start);
    int digits_wanted = spec->precision == NO_PRECISION ? 1 : spec->precision;
    if (spec->zero && !spec->left && spec->precision == NO_PRECISION)
        digits_wanted = MAX(digits_wanted, spec->width - (int)strlen(prefix));
    if (base == 8 && spec->alternate)
        digits_wanted = MAX(digits_wanted, length + 1); /* a leading 0 */
    emit_field(out, spec, prefix, MAX(digits_wanted - length, 0), start, (size_t)length);
}

static void format_signed(struct output *out, const struct spec *spec, int64_t value)
{
    if (value < 0)
        format_number(out, spec, 0 - (uint64_t)value, "-");
    else
        format_number(out, spec, (uint64_t)value, spec->plus ? "+" : spec->space ? " " : "");
}

static void format_string(struct output *out, const struct spec *spec, const char *s)
{
    if (s == NULL)
        s = spec->precision == NO_PRECISION || spec->precision >= 6 ? "(null)" : "";
    size_t length = spec->precision == NO_PRECISION ? strlen(s)
                                                    : strnlen(s, (size_t)spec->precision);
    emit_field(out, spec, "", 0, s, length);
}

static void format_pointer(struct output *out, struct spec *spec, const void *pointer)
{
    if (pointer == NULL) {
        emit_field(out, spec, "", 0, "(nil)", 5);
        return;
    }
    spec->letter = 'x';
    spec->alternate = true;
    format_number(out, spec, (uintptr_t)pointer, "");
}

static int parse_decimal(const char **fmt)
{
    int number = 0;
    while (**fmt >= '0' && **fmt <= '9')
        number = number * 10 + (*(*fmt)++ - '0');
    return number;
}

static void parse_flags(const char **fmt, struct spec *spec)
{
    for (;; (*fmt)++) {
        switch (**fmt) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        default:
            return;
        }
    }
}

static enum length parse_length(const char **fmt)
{
    switch (*(*fmt)++) {
    case 'h':
        if (**fmt != 'h')
            return LENGTH_SHORT;
        (*fmt)++;
        return LENGTH_CHAR;
    case 'l':
        if (**fmt != 'l')
            return LENGTH_LONG;
        (*fmt)++;
        return LENGTH_LONG_LONG;
    case 'j':
        return LENGTH_LONG_LONG;
    case 'z':
    case 't':
        return LENGTH_LONG; /* size_t and ptrdiff_t are as wide as long */
    default:
        (*fmt)--;
        return LENGTH_INT;
    }
}

/* va_list may be an array type, which cannot be passed on by address: hence the structure. */
struct arguments {
    va_list list;
};

/* Parse what follows the %; *fmt ends up behind the letter. */
static void parse_spec(const char **fmt, struct spec *spec, struct arguments *args)
{
    *spec = (struct spec){ .precision = NO_PRECISION };
    parse_flags(fmt, spec);
    if (**fmt == '*') {
        (*fmt)++;
        spec->width = va_arg(args->list, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
    } else {
        spec->width = parse_decimal(fmt);
    }
    if (**fmt == '.') {
        (*fmt)++;
        if (**fmt == '*') {
            (*fmt)++;
            int precision = va_arg(args->list, int);
            spec->precision = MAX(precision, NO_PRECISION);
        } else {
            spec->precision = parse_decimal(fmt);
        }
    }
    spec->length = parse_length(fmt);
    spec->letter = **fmt;
    if (spec->letter != '\0')
        (*fmt)++;
}

static int64_t signed_argument(enum length length, struct arguments *args)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(args->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(args->list, int);
    case LENGTH_LONG:
        return va_arg(args->list, long);
    case LENGTH_LONG_LONG:
        return va_arg(args->list, long long);
    default:
        return va_arg(args->list, int);
    }
}

static uint64_t unsigned_argument(enum length length, struct arguments *args)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(args->list, unsigned);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(args->list, unsigned);
    case LENGTH_LONG:
        return va_arg(args->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(args->list, unsigned long long);
    default:
        return va_arg(args->list, unsigned);
    }
}

/* Returns false if the letter is none that we know. */
static bool format_argument(struct output *out, struct spec *spec, struct arguments *args)
{
    char c;

    switch (spec->letter) {
    case 'd':
    case 'i':
        format_signed(out, spec, signed_argument(spec->length, args));
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        format_number(out, spec, unsigned_argument(spec->length, args), "");
        return true;
    case 'c':
        c = (char)va_arg(args->list, int);
        emit_field(out, spec, "", 0, &c, 1);
        return true;
    case 's':
        format_string(out, spec, va_arg(args->list, const char *));
        return true;
    case 'p':
        format_pointer(out, spec, va_arg(args->list, const void *));
        return true;
    case '%':
        emit(out, "%", 1);
        return true;
    default:
        return false;
    }
}

int format_to(format_sink sink, void *context, const char *fmt, va_list args)
{
    struct output out = { .sink = sink, .context = context };
    struct arguments arguments;
    struct spec spec;

    va_copy(arguments.list, args);
    while (*fmt != '\0') {
        const char *start = fmt;
        if (*fmt++ != '%') {
            while (*fmt != '\0' && *fmt != '%')
                fmt++;
            emit(&out, start, (size_t)(fmt - start));
            continue;
        }
        parse_spec(&fmt, &spec, &arguments);
        if (!format_argument(&out, &spec, &arguments))
            emit(&out, start, (size_t)(fmt - start));
    }
    va_end(arguments.list);
    return out.nbytes;
}

struct buffer {
    char *dst;
    size_t room; /* without the terminator */
};

static void buffer_sink(void *context, const char *bytes, size_t nbytes)
{
    struct buffer *buffer = context;
    size_t copied = MIN(nbytes, buffer->room);

    memcpy(buffer->dst, bytes, copied);
    buffer->dst += copied;
    buffer->room -= copied;
}

static void null_sink(void *context, const char *bytes, size_t nbytes)
{
    (void)context;
    (void)bytes;
    (void)nbytes;
}

int vsnprintf(char *dst, size_t size, const char *fmt, va_list args)
{
    if (size == 0)
        return format_to(null_sink, NULL, fmt, args);

    struct buffer buffer = { .dst = dst, .room = size - 1 };
    int length = format_to(buffer_sink, &buffer, fmt, args);
    *buffer.dst = '\0';
    return length;
}

int snprintf(char *dst, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(dst, size, fmt, args);
    va_end(args);
    return length;
}
