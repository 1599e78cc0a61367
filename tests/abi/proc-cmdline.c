/* /proc/self/cmdline holds the arguments, each with its NUL; and what /proc/self leads to. */
#include "tests/abi/abi.h"

int main(int argc, char **argv)
{
    static char text[4096];
    char path[256], link[64], again[64];
    ssize_t length;

    if (argc == 1) {
        own_path(path, sizeof path);
        execl(path, argv[0], "two words", "", "end", NULL);
        return STATUS_BROKEN;
    }
    length = MUST(read_text("/proc/self/cmdline", text, sizeof text));
    judge("begins with argv[0]", strcmp(text, argv[0]) == 0);
    for (char *word = text + strlen(text) + 1; word < text + length; word += strlen(word) + 1)
        say("<%s>", word);
    link[MUST(readlink("/proc/self", link, sizeof link - 1))] = '\0';
    judge("self is our pid", atoi(link) == getpid());
    snprintf(again, sizeof again, "/proc/%d/cmdline", getpid());
    judge("the same by pid", read_text(again, text, sizeof text) == length);
    outcome("no such process", open("/proc/999999999/cmdline", O_RDONLY));
    outcome("no such file", open("/proc/self/no-such-file", O_RDONLY));
    outcome("writing", open("/proc/self/maps", O_WRONLY | O_CREAT | O_EXCL, 0644));
    return 0;
}
