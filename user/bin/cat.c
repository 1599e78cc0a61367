/* cat - copy standard input to standard output until end of file (Ctrl-D on a terminal). */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        puts("usage: cat");
        return 2;
    }
    char buffer[512];
    ssize_t nbytes;

    while ((nbytes = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        fwrite(buffer, 1, (size_t)nbytes, stdout);
        fflush(stdout);
    }
    if (nbytes < 0 || ferror(stdout)) {
        perror("cat");
        return 1;
    }
    return 0;
}
