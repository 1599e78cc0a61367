/* mkdir, rmdir, chdir, getcwd. */
#include "tests/abi/abi.h"

static void where(const char *what)
{
    char path[256];

    MUST(getcwd(path, sizeof path));
    say("%s: %s", what,
        strncmp(path, scratch_path, strlen(scratch_path)) ? path : path + strlen(scratch_path));
}

int main(void)
{
    struct stat status;
    char path[256];

    enter_scratch();
    outcome("made", mkdir("one", 0755));
    outcome("made below", mkdir("one/two", 0700));
    outcome("made again", mkdir("one", 0755));
    outcome("made in what is missing", mkdir("missing/x", 0755));
    outcome("made over a file", mkdir("/proc/self/exe", 0755));
    MUST(chdir("one/two"));
    where("there");
    MUST(chdir(".."));
    where("up");
    MUST(chdir("./two/../../one/."));
    where("zigzag");
    MUST(stat("two", &status));
    say("mode %o", status.st_mode);
    outcome("not empty", rmdir("../one"));
    outcome("removed", rmdir("two"));
    outcome("removed again", rmdir("two"));
    outcome("the current one, as .", rmdir("."));
    MUST(chdir("/"));
    where("root");
    MUST(chdir(".."));
    where("above the root");
    outcome("no such directory", chdir("/tmp/no/such"));
    outcome("not a directory", chdir("/proc/self/exe"));
    outcome("bad pointer", chdir(BAD_POINTER));
    outcome("too small", syscall(SYS_getcwd, path, 1));
    MUST(chdir(scratch_path));
    make_file("file", 1);
    outcome("rmdir a file", rmdir("file"));
    MUST(unlink("file"));
    MUST(rmdir("one"));
    leave_scratch();
    return 0;
}
