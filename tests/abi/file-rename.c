/* rename: over another file, into a directory, of what is open; errors. */
#include "tests/abi/abi.h"

static void make(const char *path, const char *text)
{
    int fd = MUST(open(path, O_WRONLY | O_CREAT, 0644));

    MUST(write(fd, text, strlen(text)));
    MUST(close(fd));
}

static void show(const char *path)
{
    char text[16] = "";

    if (read_text(path, text, sizeof text) == -1)
        say("  %s: %s", path, strerrorname_np(errno));
    else
        say("  %s: %s", path, text);
}

int main(void)
{
    char text[16] = "";

    enter_scratch();
    make("a", "A");
    make("b", "B");
    int fd = MUST(open("b", O_RDONLY));
    outcome("over another", rename("a", "b"));
    show("a");
    show("b");
    MUST(read(fd, text, 1));
    say("the old b is still open: %s", text);
    MUST(mkdir("dir", 0755));
    outcome("into a directory", rename("b", "dir/c"));
    show("dir/c");
    outcome("a directory", rename("dir", "other"));
    show("other/c");
    outcome("missing", rename("missing", "x"));
    outcome("onto itself", rename("other/c", "other/c"));
    make("file", "F");
    outcome("file over a directory", rename("file", "other"));
    outcome("directory over a file", rename("other", "file"));
    outcome("directory into itself", rename("other", "other/below"));
    outcome("into what is missing", rename("file", "missing/file"));
    outcome("below a file", rename("other", "file/x"));
    outcome("bad pointer", rename(BAD_POINTER, "x"));
    show("file");
    MUST(unlink("other/c"));
    MUST(rmdir("other"));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
