/* ls [-l] [PATH...] - names of files, and of what is in directories, one a line, in the order in which the
 * kernel has them; -l: before each its type and permissions, and its size in bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/lib/syscall.h"

struct entry { /* as getdents64(2) gives it */
    uint64_t inode, position;
    uint16_t nbytes;
    uint8_t type;
    char name[];
};

static bool long_lines, titles;

/* This and those below: 0, or 1 after a message; the program's exit status. */
static int complain(const char *name)
{
    perror(name);
    return 1;
}

static int show(int folder, const char *name)
{
    static const char types[] = "?pc?d?b?-?l?s???"; /* by the four bits of S_IFMT */
    char mode[] = "?rwxrwxrwx";
    struct stat file;

    if (fstatat(folder, name, &file, AT_SYMLINK_NOFOLLOW) != 0)
        return complain(name);
    mode[0] = types[(file.st_mode & S_IFMT) / S_IFIFO];
    for (unsigned bit = 0; bit < 9; bit++)
        if (!(file.st_mode >> bit & 1))
            mode[9 - bit] = '-';
    if (long_lines)
        printf("%s %9lld ", mode, file.st_size);
    puts(name);
    return 0;
}

static int show_folder(int folder, const char *path)
{
    static uint64_t buffer[512]; /* entries are aligned to 8 bytes */
    int status = 0;
    long nbytes;

    if (titles)
        printf("%s:\n", path);
    while ((nbytes = syscall(SYS_getdents64, folder, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < nbytes;) {
            const struct entry *entry = (const void *)((char *)buffer + at);
            if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
                status |= show(folder, entry->name);
            at += entry->nbytes;
        }
    return nbytes < 0 ? complain(path) : status;
}

static int list(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY);

    if (folder < 0) /* no directory; of what is not there, show() tells */
        return errno == ENOTDIR || errno == ENOENT ? show(AT_FDCWD, path) : complain(path);
    int status = show_folder(folder, path);
    close(folder);
    return status;
}

int main(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "-l") == 0 ? 2 : 1, status = 0;

    long_lines = first == 2;
    titles = argc - first > 1;
    if (first == argc)
        status = list(".");
    for (int i = first; i < argc; i++)
        status |= list(argv[i]);
    return fflush(stdout) == 0 ? status : complain("ls");
}
