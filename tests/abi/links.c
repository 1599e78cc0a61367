/* readlink of /proc/self/exe and /proc/self/fd; what is no link. */
#include "tests/abi/abi.h"

int main(int argc, char **argv)
{
    char path[256], link[64], other[256] = "";
    int fd;

    (void)argc;
    own_path(path, sizeof path);
    judge("exe is what was run", strcmp(path, argv[0]) == 0);
    say("cut off: %zd", readlink("/proc/self/exe", other, 3));
    judge("its beginning", memcmp(other, path, 3) == 0 && other[3] == '\0');
    fd = MUST(open("/dev/null", O_RDONLY));
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    other[MUST(readlink(link, other, sizeof other - 1))] = '\0';
    say("descriptor: %s", other);
    outcome("not a link", readlink("/dev/null", other, sizeof other));
    outcome("missing", readlink("/tmp/no-such-file", other, sizeof other));
    outcome("no room", readlink("/proc/self/exe", other, 0));
    outcome("bad pointer", readlink("/proc/self/exe", BAD_POINTER, 10));
    return 0;
}
