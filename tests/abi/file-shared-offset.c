/* A file that processes share has one position, and each read or write moves it on: nobody's bytes are
 * lost.  And calls that must not have acted when they fail. */
#include "tests/abi/abi.h"

#include <sys/resource.h>
#include <sys/select.h>
#include <sys/uio.h>

#define WRITERS 3
#define WRITES 200
#define WRITE_BYTES 40000

static char block[WRITE_BYTES];

static void writers(void)
{
    int fd = MUST(open("file", O_CREAT | O_TRUNC | O_RDWR, 0600));

    for (int i = 0; i < WRITERS; i++)
        if (MUST(fork()) == 0) {
            memset(block, 'a' + i, sizeof block);
            for (int n = 0; n < WRITES / WRITERS; n++)
                MUST(write(fd, block, sizeof block));
            _exit(0);
        }
    for (int i = 0; i < WRITERS; i++)
        wait_for("writer", -1);
    int expected = WRITES / WRITERS * WRITERS;
    judge("all bytes are there", lseek(fd, 0, SEEK_CUR) == (off_t)expected * WRITE_BYTES);
    judge("and no more", lseek(fd, 0, SEEK_END) == (off_t)expected * WRITE_BYTES);
    MUST(lseek(fd, 0, SEEK_SET));
    int whole = 1;
    while (read(fd, block, sizeof block) == WRITE_BYTES)
        for (int i = 1; i < WRITE_BYTES; i++)
            whole &= block[i] == block[0];
    judge("each write in one piece", whole);
    MUST(close(fd));
}

static void no_descriptor_left(void)
{
    struct rlimit limit = { 3, 3 };
    struct stat stat_of_file;

    make_file("file", 100);
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    outcome("open(O_TRUNC)", open("file", O_WRONLY | O_TRUNC));
    outcome("open(O_CREAT)", open("new", O_WRONLY | O_CREAT, 0600));
    outcome("an empty path", open("", O_RDONLY));
    MUST(stat("file", &stat_of_file));
    say("size: %d", (int)stat_of_file.st_size);
    outcome("new", access("new", F_OK));
}

static void times(void)
{
    struct timeval negative = { 0, -1 }, long_ago = { -1, 0 };
    struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };

    outcome("select: -1 us", syscall(SYS__newselect, 0, NULL, NULL, NULL, &negative));
    outcome("select: -1 s", syscall(SYS__newselect, 0, NULL, NULL, NULL, &long_ago));
    outcome("utimensat: nothing, no file", utimensat(AT_FDCWD, "missing", omit, 0));
    outcome("utimensat: NULL", syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
    outcome("utimensat: a descriptor with flags",
            syscall(SYS_utimensat, 1, NULL, NULL, AT_SYMLINK_NOFOLLOW));
    outcome("utime: NULL", syscall(SYS_utime, NULL, NULL));
}

int main(void)
{
    enter_scratch();
    writers();
    times();
    no_descriptor_left();
    MUST(unlink("file"));
    leave_scratch();
}
