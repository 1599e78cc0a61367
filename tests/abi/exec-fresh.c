/* exec: memory is new, mappings are gone; pid, parent, directory and files stay. */
#include "tests/abi/abi.h"

#define PLACE ((char *)0x30000000)

static int initialised = 1, zero;

int main(int argc, char **argv)
{
    char path[256], where[256], pid[16];

    if (argc > 1) {
        say("data %d, bss %d", initialised, zero);
        probe("the mapping", LOAD, PLACE);
        judge("same process", atoi(argv[1]) == getpid());
        judge("same directory", strcmp(getcwd(where, sizeof where), "/tmp") == 0);
        judge("same umask", umask(0) == 027);
        judge("files at their place", lseek(30, 0, SEEK_CUR) == 5);
        return 0;
    }
    own_path(path, sizeof path);
    initialised = zero = 77;
    MUST(mmap(PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0));
    MUST(chdir("/tmp"));
    umask(027);
    MUST(dup2(MUST(open(path, O_RDONLY)), 30));
    MUST(lseek(30, 5, SEEK_SET));
    snprintf(pid, sizeof pid, "%d", getpid());
    execl(path, argv[0], pid, NULL);
    return STATUS_BROKEN;
}
