/* stat, lstat, fstat, fstatat and statx agree with each other. */
#include "tests/abi/abi.h"

static void kind(const char *path)
{
    struct stat status;

    MUST(stat(path, &status));
    say("%s: %s", path,
        S_ISREG(status.st_mode)   ? "file"
        : S_ISDIR(status.st_mode) ? "directory"
        : S_ISCHR(status.st_mode) ? "character device"
                                  : "something else");
}

int main(void)
{
    struct stat by_name, by_fd, at;
    struct statx extended;

    enter_scratch();
    make_file("file", 12345);
    int fd = MUST(open("file", O_RDONLY));
    MUST(stat("file", &by_name));
    MUST(fstat(fd, &by_fd));
    MUST(fstatat(AT_FDCWD, "file", &at, AT_SYMLINK_NOFOLLOW));
    MUST(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &extended));
    say("mode %o, links %ld, size %ld", by_name.st_mode, (long)by_name.st_nlink,
        (long)by_name.st_size);
    judge("same file", by_name.st_ino == by_fd.st_ino && at.st_ino == by_fd.st_ino &&
                           extended.stx_ino == by_fd.st_ino && by_fd.st_dev == at.st_dev);
    judge("same size",
          extended.stx_size == 12345 && by_fd.st_size == 12345 && at.st_size == 12345);
    judge("same mode",
          extended.stx_mode == by_name.st_mode && by_fd.st_mode == by_name.st_mode);
    judge("owner", by_name.st_uid == geteuid());
    judge("block size", by_name.st_blksize >= 512 && by_name.st_blocks * 512 >= 12345);
    judge("time", time(NULL) - by_name.st_mtime < 100 && by_name.st_mtime - time(NULL) < 100);
    kind("file");
    kind(".");
    kind("/dev/null");
    kind("/proc/self/maps");
    MUST(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &extended));
    judge("statx by descriptor", extended.stx_size == 12345);
    outcome("missing", stat("missing", &at));
    outcome("below a file", stat("file/x", &at));
    outcome("no name", stat("", &at));
    outcome("not open", fstat(NO_SUCH_FD, &at));
    outcome("bad name", syscall(SYS_stat64, BAD_POINTER, &at));
    outcome("bad buffer", syscall(SYS_stat64, "file", BAD_POINTER));
    outcome("statx, bad buffer", syscall(SYS_statx, AT_FDCWD, "file", 0, 0, BAD_POINTER));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
