/* Descriptors that only name a file (O_PATH): what works on them, and what does not. */
#include "tests/abi/abi.h"

#include <poll.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/uio.h>

int main(void)
{
    char byte = 'x', name[100];
    struct iovec vector = { &byte, 1 };
    struct stat stat;
    struct statfs statfs;

    enter_scratch();
    make_file("file", 10);
    MUST(symlink("file", "link"));
    int fd = MUST(open("file", O_PATH));
    struct pollfd request = { .fd = fd, .events = POLLIN };

    outcome("read", read(fd, &byte, 1));
    outcome("write", write(fd, &byte, 1));
    outcome("pread", pread(fd, &byte, 1, 0));
    outcome("pread at -1", pread(fd, &byte, 1, -1));
    outcome("pread at -1, no descriptor", pread(NO_SUCH_FD, &byte, 1, -1));
    outcome("readv", readv(fd, &vector, 1));
    outcome("lseek", lseek(fd, 0, SEEK_SET));
    outcome("ftruncate", ftruncate(fd, 0));
    outcome("fsync", fsync(fd));
    outcome("fallocate", fallocate(fd, 0, 0, 1));
    outcome("flock", flock(fd, LOCK_EX));
    outcome("fchmod", fchmod(fd, 0600));
    outcome("fchown", fchown(fd, 0, 0));
    outcome("futimens", futimens(fd, NULL));
    outcome("ioctl", syscall(SYS_ioctl, fd, 0x5421, &stat));
    outcome("mmap", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    outcome("poll", poll(&request, 1, 0));
    judge("POLLNVAL", request.revents == POLLNVAL);
    outcome("F_GETFL", fcntl(fd, F_GETFL));
    judge("O_PATH is said", (fcntl(fd, F_GETFL) & O_PATH) != 0);
    outcome("F_SETFL", fcntl(fd, F_SETFL, O_NONBLOCK));
    outcome("F_GETFD", fcntl(fd, F_GETFD));
    outcome("F_SETFD", fcntl(fd, F_SETFD, FD_CLOEXEC));
    outcome("dup", dup(fd));
    outcome("fstat", fstat(fd, &stat));
    say("size %d", (int)stat.st_size);
    outcome("fstatfs", fstatfs(fd, &statfs));
    outcome("fchdir", fchdir(fd));
    outcome("getdents", syscall(SYS_getdents64, fd, name, sizeof name));
    int dir = MUST(open(".", O_PATH | O_DIRECTORY));
    outcome("fchdir to a directory", fchdir(dir));
    outcome("a file below it", openat(dir, "file", O_RDONLY));
    outcome("getdents of a directory", syscall(SYS_getdents64, dir, name, sizeof name));
    int link = MUST(open("link", O_PATH | O_NOFOLLOW));
    say("the link itself: %d", (int)readlinkat(link, "", name, sizeof name));
    outcome("readlinkat of a file", readlinkat(fd, "", name, sizeof name));
    outcome("readlink of nothing", readlink("", name, sizeof name));
    MUST(unlink("link"));
    MUST(unlink("file"));
    leave_scratch();
}
