/* open and openat: flags, places, errors. */
#include "tests/abi/abi.h"

static void try_open(const char *what, const char *path, int flags)
{
    int fd = open(path, flags, 0644);

    outcome(what, fd);
    if (fd != -1)
        close(fd);
}

int main(void)
{
    char long_path[5000], long_name[300];

    enter_scratch();
    try_open("missing", "file", O_RDONLY);
    try_open("no name", "", O_RDONLY);
    try_open("created", "file", O_WRONLY | O_CREAT | O_EXCL);
    try_open("created again", "file", O_WRONLY | O_CREAT | O_EXCL);
    try_open("without O_EXCL", "file", O_WRONLY | O_CREAT);
    try_open("directory for writing", ".", O_WRONLY);
    try_open("directory, O_CREAT", "/tmp", O_RDONLY | O_CREAT);
    try_open("file as a directory", "file", O_RDONLY | O_DIRECTORY);
    try_open("file with a slash", "file/", O_RDONLY);
    try_open("below a file", "file/x", O_RDONLY);
    try_open("created in what is missing", "missing/x", O_WRONLY | O_CREAT);
    try_open("bad pointer", BAD_POINTER, O_RDONLY);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    try_open("long name", long_name, O_RDONLY);
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    try_open("long path", long_path, O_RDONLY);
    int directory = MUST(open("/tmp", O_RDONLY | O_DIRECTORY));
    int fd = openat(directory, strrchr(scratch_path, '/') + 1, O_RDONLY);
    outcome("openat", fd);
    outcome("openat below it", openat(fd, "file", O_RDONLY));
    outcome("openat, not open", openat(NO_SUCH_FD, "file", O_RDONLY));
    outcome("openat, whole path", openat(NO_SUCH_FD, scratch_path, O_RDONLY));
    int file = MUST(open("file", O_RDONLY));
    outcome("openat, not a directory", openat(file, "x", O_RDONLY));
    outcome("write to what is open for reading", write(file, "x", 1));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
