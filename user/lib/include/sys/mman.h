/* sys/mman.h - mappings: parts of the address space and what lies behind them (POSIX, Linux). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_GROWSDOWN 0x0100
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_STACK 0x20000 /* a hint without effect */
#define MAP_FIXED_NOREPLACE 0x100000
#define MAP_FAILED ((void *)-1)

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2

#define MADV_NORMAL 0
#define MADV_WILLNEED 3
#define MADV_DONTNEED 4
#define MADV_HUGEPAGE 14
#define MADV_NOHUGEPAGE 15

#define MS_ASYNC 1
#define MS_INVALIDATE 2
#define MS_SYNC 4

/* offset: a multiple of the page size. */
void *mmap(void *start, size_t nbytes, int protection, int flags, int fd, off_t offset);
int munmap(void *start, size_t nbytes);
int mprotect(void *start, size_t nbytes, int protection);
int madvise(void *start, size_t nbytes, int advice);
int msync(void *start, size_t nbytes, int flags);

/* The fifth argument, the new place, counts with MREMAP_FIXED only. */
void *mremap(void *start, size_t old_nbytes, size_t nbytes, int flags, ...);

/* Which pages of a range are resident: bit 0 of resident[i] is for page i. */
int mincore(void *start, size_t nbytes, unsigned char *resident);
