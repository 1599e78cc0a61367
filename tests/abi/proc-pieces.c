/* Files of /proc as files: in pieces, from the middle, from several threads; and the tree's "..". */
#include "tests/abi/abi.h"

#include <poll.h>
#include <pthread.h>

#define RANGES 1000

static char whole[1 << 20], pieces[1 << 20];

static size_t read_in_pieces(const char *path, size_t size)
{
    int fd = MUST(open(path, O_RDONLY));
    size_t length = 0;
    ssize_t part;

    while ((part = MUST(read(fd, pieces + length, size))) > 0)
        length += part;
    MUST(close(fd));
    return length;
}

static void positions(void)
{
    int fd = MUST(open("/proc/filesystems", O_RDONLY));
    struct pollfd request = { .fd = fd, .events = POLLIN | POLLOUT };
    size_t length = MUST(read_text("/proc/filesystems", whole, sizeof whole));

    say("pread from the middle: %d", (int)pread(fd, pieces, 5, 3));
    judge("the same bytes", memcmp(pieces, whole + 3, 5) == 0);
    say("lseek: %d", (int)lseek(fd, 2, SEEK_SET));
    say("read: %d", (int)read(fd, pieces, 4));
    judge("the same bytes", memcmp(pieces, whole + 2, 4) == 0);
    say("where: %d", (int)lseek(fd, 0, SEEK_CUR));
    outcome("to the end", lseek(fd, 0, SEEK_END));
    outcome("before the start", lseek(fd, -1, SEEK_SET));
    say("behind the end: %d", (int)pread(fd, pieces, 10, 1 << 20));
    outcome("poll", poll(&request, 1, 0));
    judge("readable", (request.revents & POLLIN) != 0);
    judge("byte by byte", read_in_pieces("/proc/filesystems", 1) == length &&
                              memcmp(whole, pieces, length) == 0);
    MUST(close(fd));
}

/* Ranges that cannot be merged. */
static void many_ranges(void)
{
    char *base = map_pages(RANGES, PROT_READ);

    for (int i = 0; i < RANGES; i += 2)
        MUST(mprotect(base + i * PAGE, PAGE, PROT_READ | PROT_WRITE));
    size_t length = read_in_pieces("/proc/self/maps", 1000);
    int lines = 0, below = 0;
    uintptr_t last = 0;
    for (char *line = pieces; line < pieces + length; line = strchr(line, '\n') + 1) {
        uintptr_t start = strtoul(line, NULL, 16);
        lines++;
        below += start < last;
        last = start;
    }
    judge("a line for each", lines >= RANGES && lines < RANGES + 50);
    judge("in order", below == 0);
    length = read_in_pieces("/proc/self/smaps", sizeof pieces);
    judge("smaps is long", length > RANGES * 300);
    MUST(munmap(base, RANGES * PAGE));
}

static int shared_fd;
static int stop;

static void *reread(void *unused)
{
    char text[64];

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        pread(shared_fd, text, sizeof text, 0);
    return unused;
}

/* While one makes the text anew, another copies from it. */
static void threads(void)
{
    static char text[4096];
    pthread_t thread;
    int good = 1;

    shared_fd = MUST(open("/proc/self/status", O_RDONLY));
    MUST_0(pthread_create(&thread, NULL, reread, NULL));
    for (int i = 0; i < 2000; i++) {
        ssize_t length = pread(shared_fd, text, sizeof text, 5);
        good &= length > 100 && memchr(text, '\0', length) == NULL;
    }
    stop = 1;
    MUST_0(pthread_join(thread, NULL));
    judge("text in all reads", good);
    MUST(close(shared_fd));
}

static void tree(void)
{
    struct stat here, there;
    char path[100];

    MUST(stat("/proc", &here));
    MUST(stat("/proc/self/..", &there));
    judge("/proc/self/.. is /proc", here.st_ino == there.st_ino && here.st_dev == there.st_dev);
    MUST(stat("/proc/self", &here));
    MUST(stat("/proc/self/fd/..", &there));
    judge("fd/.. is the process", here.st_ino == there.st_ino);
    MUST(stat("/proc/self/task/../../self/fd/../..", &there));
    MUST(stat("/proc", &here));
    judge("up and down", here.st_ino == there.st_ino);
    MUST(chdir("/proc/self/../sys/kernel"));
    MUST(syscall(SYS_getcwd, path, sizeof path));
    say("%s", path);
    MUST(chdir("../.."));
    MUST(syscall(SYS_getcwd, path, sizeof path));
    say("%s", path);
    MUST(chdir(".."));
    MUST(syscall(SYS_getcwd, path, sizeof path));
    say("%s", path);
    MUST(stat("/proc/self/maps", &here));
    snprintf(path, sizeof path, "/proc/self/task/%d/maps", getpid());
    MUST(stat(path, &there));
    judge("numbers of their own", here.st_ino != there.st_ino);
    MUST(lstat("/proc/self/exe", &here));
    say("size of a link: %d", (int)here.st_size);
}

int main(void)
{
    positions();
    many_ranges();
    threads();
    tree();
}
