/* Reading a directory: every name once, in whatever order, with few or many at a time. */
#include "tests/abi/abi.h"
#include <dirent.h>

#define FILES 40

static void list(const char *what, size_t at_once)
{
    char buffer[2048];
    int seen[FILES + 2] = { 0 }, others = 0, fd = MUST(open(".", O_RDONLY | O_DIRECTORY));
    long got;

    while ((got = MUST(syscall(SYS_getdents64, fd, buffer, at_once))) > 0) {
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);
            int number = entry->d_name[0] == 'f' ? atoi(entry->d_name + 1) : -1;
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                seen[FILES + strlen(entry->d_name) - 1]++;
            else if (number >= 0 && number < FILES && entry->d_type == DT_REG && entry->d_ino)
                seen[number]++;
            else
                others++;
        }
    }
    int once = 1;
    for (int i = 0; i < FILES + 2; i++)
        once &= seen[i] == 1;
    say("%s: every name once: %s, others %d", what, once ? "yes" : "no", others);
    close(fd);
}

int main(void)
{
    char name[16], buffer[100];

    enter_scratch();
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        make_file(name, 0);
    }
    list("many at a time", 2048);
    list("few at a time", 64);
    int fd = MUST(open(".", O_RDONLY)), file = MUST(open("f0", O_RDONLY));
    outcome("no room for one", syscall(SYS_getdents64, fd, buffer, 4));
    outcome("bad pointer", syscall(SYS_getdents64, fd, BAD_POINTER, 100));
    outcome("a file", syscall(SYS_getdents64, file, buffer, 100));
    outcome("not open", syscall(SYS_getdents64, NO_SUCH_FD, buffer, 100));
    outcome("read of a directory", read(fd, buffer, 10));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        MUST(unlink(name));
    }
    leave_scratch();
    return 0;
}
