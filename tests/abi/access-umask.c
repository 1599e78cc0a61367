/* access; modes of new files under a umask. */
#include "tests/abi/abi.h"

static void make(const char *path, int mode, int mask)
{
    struct stat status;

    umask(mask);
    MUST(close(MUST(open(path, O_WRONLY | O_CREAT, mode))));
    MUST(stat(path, &status));
    say("mode %o under umask %o: %o", mode, mask, status.st_mode & 07777);
}

int main(void)
{
    enter_scratch();
    make("a", 0666, 022);
    make("b", 0777, 027);
    make("c", 0600, 0);
    umask(077);
    say("umask was %o", umask(0));
    outcome("exists", access("a", F_OK));
    outcome("readable, writable", access("a", R_OK | W_OK));
    outcome("not executable", access("a", X_OK));
    outcome("executable", access("b", X_OK));
    outcome("directory", access(".", R_OK | W_OK | X_OK));
    outcome("missing", access("missing", F_OK));
    outcome("below a file", access("a/x", F_OK));
    outcome("unknown mode", access("a", 8));
    outcome("bad pointer", access(BAD_POINTER, F_OK));
    outcome("faccessat", faccessat(AT_FDCWD, "b", R_OK, 0));
    MUST(unlink("a") | unlink("b") | unlink("c"));
    leave_scratch();
    return 0;
}
