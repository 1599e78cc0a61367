/* truncate, ftruncate, O_TRUNC: what is cut off is gone, what is added is zero. */
#include "tests/abi/abi.h"

static void show(const char *what)
{
    struct stat status;

    MUST(stat("file", &status));
    say("%s: %ld bytes", what, (long)status.st_size);
}

int main(void)
{
    char text[16] = "";

    enter_scratch();
    make_file("file", 10000);
    show("made");
    MUST(truncate("file", 5000));
    show("cut");
    MUST(truncate("file", 5010));
    show("extended");
    int fd = MUST(open("file", O_RDONLY));
    MUST(pread(fd, text, 12, 4999));
    judge("old byte, then zeroes",
          text[0] == pattern_byte(4999) && text[1] == 0 && text[10] == 0);
    outcome("opened for reading", ftruncate(fd, 0));
    outcome("negative", truncate("file", -1));
    outcome("missing", truncate("missing", 0));
    outcome("directory", truncate(".", 0));
    MUST(close(MUST(open("file", O_WRONLY | O_TRUNC))));
    show("O_TRUNC");
    say("read at the end: %zd", read(fd, text, 1));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
