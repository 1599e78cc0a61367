/* O_APPEND: every write goes to the end, wherever the offset is; two writers lose nothing. */
#include "tests/abi/abi.h"

static void write_lines(void)
{
    int fd = MUST(open("file", O_WRONLY | O_APPEND));

    for (int i = 0; i < 100; i++)
        MUST(write(fd, "0123456789", 10));
}

int main(void)
{
    struct stat status;
    char text[32] = "";

    enter_scratch();
    int fd = MUST(open("file", O_RDWR | O_CREAT | O_APPEND, 0644));
    MUST(write(fd, "first", 5));
    MUST(lseek(fd, 0, SEEK_SET));
    MUST(write(fd, "second", 6));
    say("at %ld", (long)lseek(fd, 0, SEEK_CUR));
    MUST(pread(fd, text, 20, 0));
    say("content: %s", text);
    pid_t child = start_child(write_lines);
    write_lines();
    wait_for("child", child);
    MUST(fstat(fd, &status));
    say("size %ld", (long)status.st_size);
    judge("flags", (fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_RDWR));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
