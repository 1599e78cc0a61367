/* Growing text: see text.h.
 *
 * Its memory doubles when it is full.  A short one is a kmalloc block; a long one (smaps of a program
 * with a thousand ranges) would need a run of many free frames, and is vmalloc'ed. */
#include "kernel/procfs/text.h"

#include "kernel/lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"

#define FIRST_CAPACITY 512u
#define KMALLOC_CAPACITY (4 * PAGE_SIZE) /* the largest block of kmalloc's */

static char *bytes_alloc(size_t capacity)
{
    if (capacity <= KMALLOC_CAPACITY)
        return kmalloc(capacity, PAGE_ANY);
    return vmalloc((unsigned)(capacity / PAGE_SIZE), PAGE_VMALLOC);
}

static void bytes_free(char *bytes, size_t capacity)
{
    if (capacity <= KMALLOC_CAPACITY)
        kfree(bytes);
    else
        vfree(bytes);
}

static bool make_room(struct text *text, size_t nbytes)
{
    size_t capacity = MAX(text->capacity, FIRST_CAPACITY);

    while (capacity < text->length + nbytes + 1)
        capacity *= 2;
    if (capacity == text->capacity)
        return true;
    char *bytes = capacity <= TEXT_MAX ? bytes_alloc(capacity) : NULL;
    if (!bytes)
        return false;
    memcpy(bytes, text->bytes, text->length);
    bytes_free(text->bytes, text->capacity);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_append(struct text *text, const char *bytes, size_t nbytes)
{
    if (text->sink) {
        text->sink(text->context, bytes, nbytes);
        text->length += nbytes;
        return;
    }
    if (text->failed || !make_room(text, nbytes)) {
        text->failed = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, nbytes);
    text->length += nbytes;
    text->bytes[text->length] = '\0';
}

static void append(void *context, const char *bytes, size_t nbytes)
{
    text_append(context, bytes, nbytes);
}

void text_printf(struct text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_to(append, text, fmt, args);
    va_end(args);
}

void text_pad_to(struct text *text, size_t line_start, unsigned column)
{
    while (!text->failed && text->length - line_start < column)
        text_append(text, " ", 1);
}

void text_free(struct text *text)
{
    bytes_free(text->bytes, text->capacity);
    *text = (struct text){ 0 };
}
