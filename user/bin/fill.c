/* fill [-f] FILE - write to a new file (-f: or one that is there) until there is no room, say why it
 * ended, and remove it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/lib/types.h"

#define BLOCK (64 * KiB)

int main(int argc, char **argv)
{
    static char block[BLOCK];
    uint32_t written = 0;
    ssize_t got;

    bool old = argc == 3 && strcmp(argv[1], "-f") == 0;
    const char *name = argv[argc - 1];

    if (argc != 2 && !old) {
        puts("usage: fill [-f] FILE");
        return 2;
    }
    int fd = open(name, O_WRONLY | O_CREAT | (old ? 0 : O_EXCL), 0600);
    if (fd == -1) {
        perror(name);
        return 1;
    }
    while ((got = write(fd, block, sizeof(block))) > 0)
        written += (uint32_t)got;
    printf("fill: %u KiB, then: %s\n", (unsigned)(written / KiB), strerror(errno));
    close(fd);
    if (unlink(name) != 0) {
        perror(name);
        return 1;
    }
    return 0;
}
