/* The undefined-behaviour sanitizer (make UBSAN=1): trap and report.
 *
 * Problem   C leaves undefined what happens at a signed overflow, a shift by too much, an index behind
 *           an array ...  The compiler may do what it likes then, and does, silently.
 * Idea      With -fsanitize=undefined the compiler tests the operands before each such operation and
 *           calls one of the functions below, named __ubsan_handle_..._abort, if they are bad.  Each
 *           gets a description that the compiler has left among the data (place and types) and the
 *           operands; it prints them in a sentence, and panics.
 * Values    An operand of up to 32 bits is passed itself, a longer one by its address.
 * Left out  Alignment: i386 has no such rule, and the boot loader's structures keep none.  Values
 *           of bool: gcc 12 forgets about volatile when it checks them, and loops that wait for a
 *           change never end.
 * Reading   LLVM, compiler-rt/lib/ubsan/ubsan_handlers.h; GCC, gcc/ubsan.cc. */
#include "kernel/lib/format.h"
#include "kernel/panic.h"

struct location {
    const char *file;
    uint32_t line, column;
};

enum type_kind { TYPE_INTEGER = 0, TYPE_UNKNOWN = 0xFFFF };

struct type {
    uint16_t kind;
    uint16_t info; /* of an integer: bit 0 signed, above it the logarithm of its bits */
    char name[];   /* with quotes: 'int' */
};

/* The descriptions all begin with the place. */
struct one_type {
    struct location at;
    const struct type *type;
};
struct two_types {
    struct location at;
    const struct type *left, *right;
};
struct mismatch {
    struct location at;
    const struct type *type;
    uint8_t log_alignment;
    uint8_t access; /* index in access_names */
};

typedef uintptr_t operand;

#define VALUE_MAX 24

static int64_t signed_value(const struct type *type, operand value)
{
    unsigned bits = 1u << (type->info >> 1);

    if (bits > 32)
        return *(const int64_t *)value;
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static const char *value_text(const struct type *type, operand value, char text[VALUE_MAX])
{
    unsigned bits = 1u << (type->info >> 1);

    if (type->kind != TYPE_INTEGER)
        snprintf(text, VALUE_MAX, "%#x", (unsigned)value);
    else if (type->info & 1)
        snprintf(text, VALUE_MAX, "%lld", (long long)signed_value(type, value));
    else if (bits > 32)
        snprintf(text, VALUE_MAX, "%llu", *(const unsigned long long *)value);
    else
        snprintf(text, VALUE_MAX, "%u", (unsigned)value);
    return text;
}

#define REPORT(at, fmt, ...) \
    panic("ubsan: %s:%u:%u: " fmt, (at)->file, (at)->line, (at)->column, __VA_ARGS__)

static _Noreturn void report_overflow(const struct one_type *data, const char *sign, operand a,
                                      operand b)
{
    char left[VALUE_MAX], right[VALUE_MAX];

    REPORT(&data->at, "overflow: %s %s %s does not fit into %s",
           value_text(data->type, a, left), sign, value_text(data->type, b, right),
           data->type->name);
}

/* For these calls, too, gcc uses the kernel's convention (-mregparm=3); clang does not. */
#ifdef __clang__
#define CALLED_BY_COMPILER __attribute__((regparm(0)))
#else
#define CALLED_BY_COMPILER
#endif

/* The compiler knows these names; no header has them. */
#define HANDLER(name, ...)                                                        \
    CALLED_BY_COMPILER _Noreturn void __ubsan_handle_##name##_abort(__VA_ARGS__); \
    void __ubsan_handle_##name##_abort(__VA_ARGS__)

HANDLER(add_overflow, const struct one_type *data, operand a, operand b)
{
    report_overflow(data, "+", a, b);
}

HANDLER(sub_overflow, const struct one_type *data, operand a, operand b)
{
    report_overflow(data, "-", a, b);
}

HANDLER(mul_overflow, const struct one_type *data, operand a, operand b)
{
    report_overflow(data, "*", a, b);
}

/* By zero, or the lowest number by -1. */
HANDLER(divrem_overflow, const struct one_type *data, operand a, operand b)
{
    report_overflow(data, "/", a, b);
}

HANDLER(negate_overflow, const struct one_type *data, operand value)
{
    char text[VALUE_MAX];
    REPORT(&data->at, "overflow: -(%s) does not fit into %s",
           value_text(data->type, value, text), data->type->name);
}

HANDLER(shift_out_of_bounds, const struct two_types *data, operand a, operand b)
{
    char left[VALUE_MAX], right[VALUE_MAX];
    REPORT(&data->at, "shift of %s, which is %s, by %s", data->left->name,
           value_text(data->left, a, left), value_text(data->right, b, right));
}

HANDLER(out_of_bounds, const struct two_types *data, operand index)
{
    char text[VALUE_MAX];
    REPORT(&data->at, "index %s is outside of %s", value_text(data->right, index, text),
           data->left->name);
}

HANDLER(type_mismatch_v1, const struct mismatch *data, uintptr_t pointer)
{
    static const char *const access_names[] = {
        "load of",        "store to",       "reference to",      "member of",
        "member call of", "constructor of", "downcast of",       "downcast of",
        "upcast of",      "cast to",        "non-null _Nonnull", "dynamic use of"
    };
    const char *access = data->access < ARRAY_SIZE(access_names) ? access_names[data->access]
                                                                 : "use of";
    REPORT(&data->at, "%s %s at %#x, which is %s", access, data->type->name, (unsigned)pointer,
           pointer == 0 ? "a null pointer" : "not large enough for it");
}

HANDLER(pointer_overflow, const struct location *at, uintptr_t base, uintptr_t result)
{
    REPORT(at, "pointer %#x plus an offset wraps around to %#x", (unsigned)base,
           (unsigned)result);
}

HANDLER(nonnull_arg, const struct location *at)
{
    REPORT(at, "%s", "null pointer for an argument that must not be null");
}

HANDLER(nonnull_return_v1, const void *unused, const struct location *at)
{
    (void)unused;
    REPORT(at, "%s", "null pointer returned where it must not be null");
}

HANDLER(invalid_builtin, const struct location *at)
{
    REPORT(at, "%s", "zero for a function that counts zero bits");
}

/* These two have always ended the program, and so have no other name. */
CALLED_BY_COMPILER _Noreturn void __ubsan_handle_builtin_unreachable(const struct location *at);
void __ubsan_handle_builtin_unreachable(const struct location *at)
{
    REPORT(at, "%s", "a place that cannot be reached was reached");
}

CALLED_BY_COMPILER _Noreturn void __ubsan_handle_missing_return(const struct location *at);
void __ubsan_handle_missing_return(const struct location *at)
{
    REPORT(at, "%s", "the end of a function that returns a value");
}
