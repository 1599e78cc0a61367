/* kernel/proc/initrd.h - the files that came with the kernel: boot modules that are cpio
 * archives. */
#pragma once

#include "kernel/lib/cpio.h"

/* Look at every boot module; log what was found. */
void initrd_init(void);

/* A file by its path ("bin/hello"), or a program by its name ("hello").  false: there is
 * none. */
bool initrd_find(const char *name, struct cpio_entry *file);

/* The index-th program (regular file below bin/); false past the last. */
bool initrd_program(unsigned index, struct cpio_entry *file);
