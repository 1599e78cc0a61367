/* Names for addresses.
 * Problem     A backtrace is a list of numbers; the reader wants functions.
 * State       .ksyms, read-only, made by tools/symbols.awk from the linked kernel: the start of
 *             each function in ascending order with the place of its name, and behind it all
 *             the names.
 * Invariant   The table stands behind the code, so that linking it in moves no function;
 *             tools/link-kernel checks that.
 * Lookup      Binary search for the last function that starts at or below the address.  The
 *             table has no sizes: the padding between two functions counts as part of the
 *             first.
 * Used by a panic: no locks, no memory, any context. */
#include "kernel/symbols.h"

#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

struct symbol {
    uint32_t address;
    uint32_t name; /* offset in symbols_names */
};

extern const uint32_t symbols_count;
extern const struct symbol symbols_table[];
extern const char symbols_names[];

extern const char kernel_text_end[]; /* boot/kernel.ld */

const char *symbols_lookup(uintptr_t address, uint32_t *offset)
{
    if (symbols_count == 0 || address < symbols_table[0].address ||
        address >= (uintptr_t)kernel_text_end)
        return NULL;

    /* The answer is in [low, high). */
    uint32_t low = 0, high = symbols_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbols_table[middle].address <= address)
            low = middle;
        else
            high = middle;
    }
    *offset = address - symbols_table[low].address;
    return &symbols_names[symbols_table[low].name];
}

/* `inside`: the address or, for a return address, the last byte of the call. */
static const char *format_as(uintptr_t address, uintptr_t inside, char *text, size_t size)
{
    uint32_t offset;
    const char *name = symbols_lookup(inside, &offset);

    if (name != NULL)
        snprintf(text, size, "%s+%#x", name, (unsigned)(offset + (address - inside)));
    else
        snprintf(text, size, "%#x", (unsigned)address);
    return text;
}

const char *symbols_format(uintptr_t address, char *text, size_t size)
{
    return format_as(address, address, text, size);
}

const char *symbols_format_return(uintptr_t address, char *text, size_t size)
{
    return format_as(address, address - 1, text, size);
}

uintptr_t symbols_address(const char *name)
{
    for (uint32_t i = 0; i < symbols_count; i++)
        if (strcmp(&symbols_names[symbols_table[i].name], name) == 0)
            return symbols_table[i].address;
    return 0;
}
