/* fill FILE - write to a new file until there is no room, say why it ended, and remove it. */
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

    if (argc != 2) {
        puts("usage: fill FILE");
        return 2;
    }
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd == -1) {
        perror(argv[1]);
        return 1;
    }
    while ((got = write(fd, block, sizeof(block))) > 0)
        written += (uint32_t)got;
    printf("fill: %u KiB, then: %s\n", (unsigned)(written / KiB), strerror(errno));
    close(fd);
    if (unlink(argv[1]) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
