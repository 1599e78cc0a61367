/* cat [FILE...] - copy files, `-` or nothing: standard input until end of file (Ctrl-D on a terminal),
 * to standard output. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 0, or 1 with a message. */
static int copy(int fd, const char *name)
{
    char buffer[512];
    ssize_t nbytes;

    while ((nbytes = read(fd, buffer, sizeof(buffer))) > 0) {
        fwrite(buffer, 1, (size_t)nbytes, stdout);
        fflush(stdout);
    }
    if (nbytes == 0 && !ferror(stdout))
        return 0;
    perror(name);
    return 1;
}

static int copy_file(const char *name)
{
    if (strcmp(name, "-") == 0)
        return copy(STDIN_FILENO, "cat");
    int fd = open(name, O_RDONLY);
    if (fd < 0) {
        perror(name);
        return 1;
    }
    int status = copy(fd, name);
    close(fd);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc == 1 ? copy(STDIN_FILENO, "cat") : 0;

    for (int i = 1; i < argc; i++)
        status |= copy_file(argv[i]);
    return status;
}
