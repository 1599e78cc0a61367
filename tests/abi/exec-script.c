/* A file that begins with #! is run by the program it names, with one argument at most. */
#include "tests/abi/abi.h"

static void run(const char *line, const char *program)
{
    char path[256], text[600];

    own_path(path, sizeof path);
    snprintf(text, sizeof text, line, path);
    int fd = MUST(open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755));
    MUST(write(fd, text, strlen(text)));
    MUST(close(fd));
    pid_t child = MUST(fork());
    if (child == 0) {
        execl(program, "hidden", "one", "two", NULL);
        outcome("exec", -1);
        _exit(STATUS_BROKEN);
    }
    wait_for(program, child);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            say("argument %d: <%s>", i, argv[i]);
        return argc;
    }
    enter_scratch();
    run("#!%s\nrest of the file\n", "./script");
    run("#!  %s  an argument  \n", "./script");
    run("#!%s -x", "script");
    MUST(unlink("script"));
    leave_scratch();
    return 0;
}
