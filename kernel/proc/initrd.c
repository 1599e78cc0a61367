/* The initrd: boot modules that are cpio archives, read where the loader put them. */
#include "kernel/proc/initrd.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/memmap.h"
#include "mm/page.h"

#define MODE_TYPE 0170000u
#define MODE_REGULAR 0100000u
#define PROGRAMS "bin/"

/* An archive must be in the direct map to be read. */
static const uint8_t *archive_of(const struct memmap_module *module, size_t *size)
{
    uint64_t reach = MIN(memmap_end(), (uint64_t)LOWMEM_MAX_BYTES);

    *size = module->end - module->start;
    return module->end <= reach ? paddr_to_virt(module->start) : NULL;
}

/* Visit every file of every archive until `visit` returns true. */
static bool for_each_file(bool (*visit)(const struct cpio_entry *file, void *context),
                          void *context)
{
    for (unsigned i = 0; i < memmap_module_count(); i++) {
        size_t size, offset = 0;
        const uint8_t *archive = archive_of(memmap_module(i), &size);
        struct cpio_entry file;

        while (archive && cpio_next(archive, size, &offset, &file) == 1)
            if (visit(&file, context))
                return true;
    }
    return false;
}

static bool is_program(const struct cpio_entry *file)
{
    return (file->mode & MODE_TYPE) == MODE_REGULAR &&
           !strncmp(file->name, PROGRAMS, strlen(PROGRAMS));
}

struct search {
    const char *name;
    unsigned index;
    struct cpio_entry *found;
};

static bool has_name(const struct cpio_entry *file, void *context)
{
    struct search *search = context;
    bool matches = !strcmp(file->name, search->name) ||
                   (is_program(file) && !strcmp(file->name + strlen(PROGRAMS), search->name));

    if (matches && (file->mode & MODE_TYPE) == MODE_REGULAR) {
        *search->found = *file;
        return true;
    }
    return false;
}

bool initrd_find(const char *name, struct cpio_entry *file)
{
    struct search search = { .name = *name == '/' ? name + 1 : name, .found = file };
    return for_each_file(has_name, &search);
}

static bool has_index(const struct cpio_entry *file, void *context)
{
    struct search *search = context;

    if (!is_program(file) || search->index-- != 0)
        return false;
    *search->found = *file;
    return true;
}

bool initrd_program(unsigned index, struct cpio_entry *file)
{
    struct search search = { .index = index, .found = file };
    return for_each_file(has_index, &search);
}

static void describe_module(const struct memmap_module *module)
{
    struct cpio_entry file;
    size_t size, offset = 0;
    unsigned files = 0;
    int more = -EINVAL;
    const uint8_t *archive = archive_of(module, &size);

    if (!archive) {
        log_err("initrd: module \"%s\" lies above low memory, ignored", module->name);
        return;
    }
    while ((more = cpio_next(archive, size, &offset, &file)) == 1)
        files++;
    if (more < 0)
        log_err("initrd: module \"%s\" is no cpio archive, or damaged at byte %u", module->name,
                (unsigned)offset);
    log_info("initrd: %u files in %u KiB", files, (unsigned)(size / KiB));
}

void initrd_init(void)
{
    for (unsigned i = 0; i < memmap_module_count(); i++)
        describe_module(memmap_module(i));
    if (memmap_module_count() == 0)
        log_warning("initrd: no boot module: there are no programs to run");
}
