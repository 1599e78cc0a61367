/* The strings of a new program: one block that grows, the strings one after the other as they
 * will be on the program's stack. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/exec.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"

#define FIRST_SIZE 512u

/* Room for `nbytes` more: 0, -E2BIG, -ENOMEM. */
static int make_room(struct exec_strings *strings, uint32_t nbytes)
{
    uint32_t size = MAX(strings->size, FIRST_SIZE);

    if (nbytes > EXEC_STRINGS_MAX - strings->nbytes)
        return -E2BIG;
    while (size < strings->nbytes + nbytes)
        size *= 2;
    if (size == strings->size)
        return 0;
    char *bytes = kmalloc(size, PAGE_ANY);
    if (!bytes)
        return -ENOMEM;
    if (strings->nbytes)
        memcpy(bytes, strings->bytes, strings->nbytes);
    kfree(strings->bytes);
    strings->bytes = bytes;
    strings->size = size;
    return 0;
}

int exec_strings_add(struct exec_strings *strings, const char *string)
{
    size_t nbytes = strnlen(string, EXEC_STRINGS_MAX) + 1;
    int error = nbytes > EXEC_STRINGS_MAX ? -E2BIG : make_room(strings, (uint32_t)nbytes);

    if (error)
        return error;
    memcpy(strings->bytes + strings->nbytes, string, nbytes);
    strings->nbytes += (uint32_t)nbytes;
    return 0;
}

/* Tried in the room that there is; if it does not fit, in twice as much. */
static int add_from_user(struct exec_strings *strings, uaddr_t string)
{
    for (;;) {
        int error = make_room(strings, 1);
        if (error)
            return error;
        uint32_t room = MIN(strings->size - strings->nbytes, EXEC_STRING_MAX);
        int length = copy_string_from_user(strings->bytes + strings->nbytes, string, room);
        if (length >= 0) {
            strings->nbytes += (uint32_t)length + 1;
            return 0;
        }
        if (length != -ENAMETOOLONG)
            return length;
        if (room == EXEC_STRING_MAX)
            return -E2BIG;
        error = make_room(strings, room + 1);
        if (error)
            return error;
    }
}

int exec_strings_add_user(struct exec_strings *strings, uaddr_t array, unsigned *count)
{
    uaddr_t string;

    for (*count = 0; array; array += (uaddr_t)sizeof(string), (*count)++) {
        if (copy_from_user(&string, array, sizeof(string)) != 0)
            return -EFAULT;
        if (!string)
            break;
        int error = add_from_user(strings, string);
        if (error)
            return error;
    }
    return 0;
}

int exec_strings_replace_first(struct exec_strings *strings, unsigned count,
                               const char *const replacement[])
{
    uint32_t first = strings->argc ? (uint32_t)strlen(strings->bytes) + 1 : 0, nbytes = 0;

    for (unsigned i = 0; i < count; i++)
        nbytes += (uint32_t)strlen(replacement[i]) + 1;
    int error = nbytes > first ? make_room(strings, nbytes - first) : 0;
    if (error)
        return error;
    memmove(strings->bytes + nbytes, strings->bytes + first, strings->nbytes - first);
    strings->nbytes += nbytes - first;
    strings->argc += count - (first ? 1 : 0);
    char *to = strings->bytes;
    for (unsigned i = 0; i < count; i++)
        to += strlcpy(to, replacement[i], nbytes) + 1;
    return 0;
}

void exec_strings_free(struct exec_strings *strings)
{
    kfree(strings->bytes);
    *strings = (struct exec_strings){ .bytes = NULL };
}
