/* kernel/lib/cpio.c - "newc" cpio archives.
 *
 * Each entry is a header of 110 characters (a magic number and 13 fields of 8 hexadecimal
 * digits), the name with its NUL, the contents; name and contents are each filled up to a
 * multiple of 4.
 *
 *     | 070701 | ino mode uid .. filesize .. namesize check | name\0 .. | data .. |
 *
 * The last entry is called TRAILER!!!.  The archive comes from outside: every length is
 * compared with what is left before it is used. */
#include "kernel/lib/cpio.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define MAGIC_LENGTH 6
#define FIELD_LENGTH 8
#define CPIO_ALIGN 4u
#define TRAILER "TRAILER!!!"

enum field {
    FIELD_INO,
    FIELD_MODE,
    FIELD_UID,
    FIELD_GID,
    FIELD_NLINK,
    FIELD_MTIME,
    FIELD_FILESIZE,
    FIELD_DEV_MAJOR,
    FIELD_DEV_MINOR,
    FIELD_RDEV_MAJOR,
    FIELD_RDEV_MINOR,
    FIELD_NAMESIZE,
    FIELD_CHECK,
    FIELD_COUNT
};

#define HEADER_LENGTH (MAGIC_LENGTH + FIELD_COUNT * FIELD_LENGTH)

static bool read_field(const uint8_t *header, enum field field, uint32_t *value)
{
    const uint8_t *digits = header + MAGIC_LENGTH + (size_t)field * FIELD_LENGTH;
    uint32_t number = 0;

    for (unsigned i = 0; i < FIELD_LENGTH; i++) {
        uint8_t c = digits[i];
        uint8_t lower = c | 0x20; /* ASCII: sets a letter to lower case */
        if (c >= '0' && c <= '9')
            number = number << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            number = number << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    *value = number;
    return true;
}

static bool read_fields(const uint8_t *header, uint32_t fields[FIELD_COUNT])
{
    bool good = true;

    for (enum field field = 0; field < FIELD_COUNT; field++)
        good = good && read_field(header, field, &fields[field]);
    return good;
}

/* 070701, or 070702 where the check field is a sum of the contents. */
static bool has_magic(const uint8_t *header)
{
    return memcmp(header, "07070", MAGIC_LENGTH - 1) == 0 &&
           (header[MAGIC_LENGTH - 1] == '1' || header[MAGIC_LENGTH - 1] == '2');
}

/* Move *offset by nbytes and up to a multiple of 4; false if that many bytes are not there.
 * The filling behind the very last entry may be missing. */
static bool advance(size_t *offset, size_t size, size_t nbytes)
{
    if (nbytes > size - *offset)
        return false;
    size_t padding = (CPIO_ALIGN - (*offset + nbytes) % CPIO_ALIGN) % CPIO_ALIGN;
    *offset += nbytes;
    *offset += MIN(padding, size - *offset);
    return true;
}

static const char *without_root(const char *name)
{
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
        name++;
    return name;
}

int cpio_next(const uint8_t *archive, size_t size, size_t *offset, struct cpio_entry *entry)
{
    size_t at = *offset;
    if (at > size || size - at < HEADER_LENGTH)
        return -EINVAL;

    const uint8_t *header = archive + at;
    uint32_t fields[FIELD_COUNT];
    if (!has_magic(header) || !read_fields(header, fields))
        return -EINVAL;

    uint32_t namesize = fields[FIELD_NAMESIZE], filesize = fields[FIELD_FILESIZE];
    const char *name = (const char *)header + HEADER_LENGTH;
    if (namesize == 0 || namesize > size - at - HEADER_LENGTH || name[namesize - 1] != '\0' ||
        !advance(&at, size, HEADER_LENGTH + namesize))
        return -EINVAL;
    if (strcmp(name, TRAILER) == 0)
        return 0;

    const uint8_t *data = archive + at;
    if (!advance(&at, size, filesize))
        return -EINVAL;
    *entry = (struct cpio_entry){
        .name = without_root(name),
        .data = data,
        .nbytes = filesize,
        .mode = fields[FIELD_MODE],
        .uid = fields[FIELD_UID],
        .gid = fields[FIELD_GID],
        .mtime = fields[FIELD_MTIME],
        .inode = fields[FIELD_INO],
        .dev_major = fields[FIELD_DEV_MAJOR],
        .dev_minor = fields[FIELD_DEV_MINOR],
        .nlink = fields[FIELD_NLINK],
        .rdev_major = fields[FIELD_RDEV_MAJOR],
        .rdev_minor = fields[FIELD_RDEV_MINOR],
    };
    *offset = at;
    return 1;
}
