/* choom ADJUST PROGRAM [ARGUMENT...] - run a program that is killed sooner (ADJUST above 0) or later
 * (below 0; -1000: never) than others if memory runs out. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIN "/bin/"

int main(int argc, char **argv)
{
    char path[256];

    if (argc < 3) {
        puts("usage: choom ADJUST PROGRAM [ARGUMENT...]");
        return 2;
    }
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd == -1 || write(fd, argv[1], strlen(argv[1])) == -1) {
        perror("choom: /proc/self/oom_score_adj");
        return 1;
    }
    close(fd);
    snprintf(path, sizeof(path), BIN "%s", argv[2]);
    execv(path, argv + 2);
    perror(path);
    return 1;
}
