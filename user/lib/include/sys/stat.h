/* sys/stat.h - what is known about a file: Linux' struct stat64. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define S_IFMT 0170000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_IFIFO 0010000
#define S_IFLNK 0120000
#define S_ISREG(mode) (((mode)&S_IFMT) == S_IFREG)
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)

struct stat {
    uint64_t st_dev;
    uint32_t padding1, old_ino;
    mode_t st_mode;
    uint32_t st_nlink, st_uid, st_gid;
    uint64_t st_rdev;
    uint32_t padding2;
    off_t st_size;
    uint32_t st_blksize;
    uint64_t st_blocks; /* of 512 bytes */
    struct timespec st_atim, st_mtim, st_ctim;
    uint64_t st_ino;
};

int fstat(int fd, struct stat *status);
int fstatat(int folder, const char *path, struct stat *status, int flags); /* AT_* of fcntl.h */
int mkdir(const char *path, mode_t mode);
