/* Pipes as files: numbers of their own, their names in /proc, opened again through it; and reads into
 * several pieces, which do not wait for more than there is. */
#include "tests/abi/abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static void numbers(void)
{
    int a[2], b[2];
    struct stat first, second, other;
    char path[40], name[40], expected[40];

    MUST(pipe(a));
    MUST(pipe(b));
    MUST(fstat(a[0], &first));
    MUST(fstat(a[1], &second));
    MUST(fstat(b[0], &other));
    judge("a FIFO", S_ISFIFO(first.st_mode));
    say("mode %o, links %d, size %d", first.st_mode, (int)first.st_nlink, (int)first.st_size);
    judge("both ends are one file",
          first.st_ino == second.st_ino && first.st_dev == second.st_dev);
    judge("two pipes are two files",
          first.st_ino != other.st_ino && first.st_dev == other.st_dev);
    snprintf(path, sizeof path, "/proc/self/fd/%d", a[1]);
    name[MUST(readlink(path, name, sizeof name - 1))] = '\0';
    snprintf(expected, sizeof expected, "pipe:[%lu]", (unsigned long)first.st_ino);
    judge("named after it", strcmp(name, expected) == 0);
    MUST(stat(path, &second));
    judge("stat through the name", first.st_ino == second.st_ino);

    int again = MUST(open(path, O_WRONLY));
    MUST(close(a[1]));
    MUST(write(again, "again", 5));
    MUST(close(again));
    say("read: %d", (int)read(a[0], name, sizeof name));
    say("at the end: %d", (int)read(a[0], name, sizeof name));
    outcome("fsync", fsync(a[0]));
    outcome("lseek", lseek(a[0], 0, SEEK_SET));
    outcome("ftruncate", ftruncate(b[1], 0));
    outcome("link", linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/no", AT_SYMLINK_FOLLOW));
    say("size: %d", fcntl(b[1], F_GETPIPE_SZ));
    MUST(close(a[0]));
    MUST(close(b[0]));
    MUST(close(b[1]));
}

static void pieces(void)
{
    char one[4], two[4];
    struct iovec vector[2] = { { one, sizeof one }, { two, sizeof two } };
    int fds[2], ready;

    MUST(pipe(fds));
    MUST(write(fds[1], "1234", 4));
    say("the first piece is full: %d", (int)readv(fds[0], vector, 2));
    MUST(write(fds[1], "123456", 6));
    say("one and a half: %d", (int)readv(fds[0], vector, 2));
    MUST(write(fds[1], "123456789", 9));
    say("both: %d", (int)readv(fds[0], vector, 2));
    MUST(ioctl(fds[0], FIONREAD, &ready));
    say("left: %d", ready);
    MUST(close(fds[0]));
    MUST(close(fds[1]));
}

/* A whole page goes through, often: the pipe's memory is used again. */
static void pages(void)
{
    static char page[PAGE];
    int fds[2], good = 1;

    MUST(pipe(fds));
    for (int i = 0; i < 100; i++) {
        memset(page, i, sizeof page);
        good &= write(fds[1], page, PAGE) == (ssize_t)PAGE;
        good &= write(fds[1], page, i) == i;
        memset(page, -1, sizeof page);
        good &= read(fds[0], page, PAGE) == (ssize_t)PAGE && page[0] == i &&
                page[PAGE - 1] == i;
        good &= read(fds[0], page, i) == i;
    }
    judge("pages of bytes", good);
    MUST(close(fds[0]));
    MUST(close(fds[1]));
}

int main(void)
{
    numbers();
    pieces();
    pages();
}
