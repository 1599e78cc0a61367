/* tests/host/malloc_names.h - put in front of every file of the malloc test: Strata's allocator
 * gets names of its own, and asks the test for memory and for help. */
#pragma once

#define malloc strata_malloc
#define calloc strata_calloc
#define realloc strata_realloc
#define reallocarray strata_reallocarray
#define memalign strata_memalign
#define posix_memalign strata_posix_memalign
#define valloc strata_valloc
#define pvalloc strata_pvalloc
#define malloc_trim strata_malloc_trim
#define malloc_stats strata_malloc_stats
#define malloc_walk strata_malloc_walk
#define mallinfo2 strata_mallinfo2
#define aligned_alloc strata_aligned_alloc
#define free strata_free
#define malloc_usable_size strata_malloc_usable_size
#define malloc_get_stats strata_malloc_get_stats
#define malloc_check strata_malloc_check
#define sbrk strata_sbrk
#define mmap strata_mmap
#define munmap strata_munmap
#define mremap strata_mremap
#define mprotect strata_mprotect
#define getenv strata_getenv
#define write strata_write
#define abort strata_abort
