/* mm/memstat.h - the whole of memory in one structure, as /proc/meminfo divides it.
 * Below: every allocator's x_get_stats().  Above: the shell, sysinfo(2), the panic report. */
#pragma once

#include "kernel/log.h"
#include "mm/buddy.h"

/* All in KiB, under the names of proc(5), "/proc/meminfo". */
struct memstat {
    uint32_t mem_total, mem_free, mem_available;
    uint32_t high_total, high_free, low_total, low_free;
    uint32_t buffers, cached;        /* 0: no block devices; pages of the page cache */
    uint32_t anon_pages, file_pages; /* frames: anonymous; clean, of the page cache */
    uint32_t anon_huge_pages;        /* of anon_pages: in 4 MiB pages */
    uint32_t shmem, mapped; /* the only copy of a file's page; file pages in page tables */
    uint32_t slab, slab_reclaimable, slab_unreclaimable;
    uint32_t kmalloc_large;
    uint32_t kernel_stack, page_tables;
    uint32_t committed_as;
    uint32_t vmalloc_total, vmalloc_used, vmalloc_largest;
    uint32_t direct_map_4k, direct_map_4m;
    uint32_t reserved; /* RAM never managed: kernel image, mem_map, modules */
    uint32_t kernel_image, mem_map, modules;
    uint32_t test; /* frames held by test kernels */
};
void memstat_get(struct memstat *stat);

/* What there is, and what holds it, in lines of the log that fit a screen: for reports. */
void memstat_log(enum log_level level);

/* free + every kind of use = managed, exactly, and every x_check(): logs what is wrong. */
bool memstat_check(void);

/* The validators one by one, for the shell's `check`: name and verdict of the index-th; false
 * past the last one. */
bool memstat_check_one(unsigned index, const char **name, bool *verdict);
