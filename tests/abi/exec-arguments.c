/* exec hands over arguments and environment: empty ones, strange ones, none. */
#include "tests/abi/abi.h"

extern char **environ;

static void show(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        say("argument %d: <%s>", i, argv[i]);
    for (char **each = environ; *each; each++)
        say("environment: <%s>", *each);
    judge("argv ends with NULL", argv[argc] == NULL);
    judge("environment follows", (char **)environ == argv + argc + 1);
}

int main(int argc, char **argv)
{
    char path[256];
    char *words[] = { argv[0], "", "two words", "=", "\303\244", "last", NULL };
    char *environment[] = { "EMPTY=", "NO_EQUALS", "A=1", "A=2", NULL };
    char *nothing[] = { argv[0], "alone", NULL }, *no_environment[] = { NULL };

    if (argc > 1) {
        show(argc, argv);
        if (argc > 2)
            execve("/proc/self/exe", nothing, no_environment);
        return 0;
    }
    own_path(path, sizeof path);
    execve(path, words, environment);
    return STATUS_BROKEN;
}
