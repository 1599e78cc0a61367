/* Names with a slash at the end, links that lead nowhere, and what is there already: the errors of
 * calls that make, move and remove names. */
#include "tests/abi/abi.h"

#include <sys/sysmacros.h>

static void dangling(void)
{
    int fd;

    MUST(symlink("target", "link"));
    MUST(symlink("link", "link2"));
    MUST(symlink("missing/target", "lost"));
    MUST(symlink("into/", "slashed"));
    outcome("open without O_CREAT", open("link", O_RDONLY));
    outcome("O_EXCL", open("link", O_CREAT | O_EXCL | O_WRONLY, 0600));
    outcome("O_NOFOLLOW", open("link", O_CREAT | O_NOFOLLOW | O_WRONLY, 0600));
    outcome("into a missing directory", open("lost", O_CREAT | O_WRONLY, 0600));
    outcome("with a slash", open("slashed", O_CREAT | O_WRONLY, 0600));
    fd = open("link2", O_CREAT | O_WRONLY, 0600);
    outcome("made through two links", fd);
    MUST(write(fd, "x", 1));
    MUST(close(fd));
    outcome("the target is there", access("target", F_OK));
    outcome("mkdir at a link", mkdir("lost", 0700));
    outcome("mkdir at a link with a slash", mkdir("lost/", 0700));
    MUST(unlink("target"));
    MUST(unlink("link"));
    MUST(unlink("link2"));
    MUST(unlink("lost"));
    MUST(unlink("slashed"));
}

static void slashes(void)
{
    make_file("file", 1);
    MUST(mkdir("dir", 0700));
    MUST(symlink("dir", "link"));
    outcome("open(O_CREAT) new/", open("new/", O_CREAT | O_WRONLY, 0600));
    outcome("open(O_CREAT) dir/", open("dir/", O_CREAT | O_RDONLY, 0600));
    outcome("open file/", open("file/", O_RDONLY));
    outcome("mkdir file/", mkdir("file/", 0700));
    outcome("mkdir link/", mkdir("link/", 0700));
    outcome("mknod new/", mknod("new/", S_IFREG | 0600, 0));
    outcome("mknod file/", mknod("file/", S_IFREG | 0600, 0));
    outcome("symlink new/", symlink("x", "new/"));
    outcome("symlink file/", symlink("x", "file/"));
    outcome("link new/", link("file", "new/"));
    outcome("link dir over file", link("dir", "file"));
    outcome("link dir", link("dir", "new"));
    outcome("unlink file/", unlink("file/"));
    outcome("unlink dir/", unlink("dir/"));
    outcome("unlink link/", unlink("link/"));
    outcome("unlink new/", unlink("new/"));
    outcome("rmdir file/", rmdir("file/"));
    outcome("rmdir link/", rmdir("link/"));
    outcome("rename file to new/", rename("file", "new/"));
    outcome("rename file/ to new", rename("file/", "new"));
    outcome("rename missing/ to new", rename("missing/", "new"));
    outcome("rename file to dir/", rename("file", "dir/"));
    outcome("rename . to new", rename(".", "new"));
    outcome("rename dir/ to new/", rename("dir/", "new/"));
    outcome("mkdir dir/", mkdir("dir/", 0700));
    outcome("rmdir dir/", rmdir("dir/"));
    outcome("rmdir new", rmdir("new"));
    MUST(unlink("link"));
    MUST(unlink("file"));
}

/* Nothing can be made or moved in /proc. */
static void in_proc(void)
{
    make_file("file", 1);
    outcome("/proc: open(O_CREAT)", open("/proc/none", O_CREAT | O_WRONLY, 0600));
    outcome("/proc: mkdir", mkdir("/proc/none", 0700));
    outcome("/proc: mkdir of what is there", mkdir("/proc/meminfo", 0700));
    outcome("/proc: symlink", symlink("x", "/proc/none"));
    outcome("/proc: link", link("file", "/proc/meminfo"));
    outcome("/proc: unlink", unlink("/proc/none"));
    outcome("/proc: rmdir", rmdir("/proc/none"));
    outcome("/proc: rename over it", rename("file", "/proc/meminfo"));
    outcome("a number with a 0 before it", access("/proc/01", F_OK));
    outcome("a hexadecimal number", access("/proc/0x1", F_OK));
    MUST(unlink("file"));
}

/* Whose directory is gone. */
static void removed_directory(void)
{
    char path[200], entries[1000];
    int fd;

    MUST(mkdir("gone", 0700));
    MUST(chdir("gone"));
    fd = MUST(open(".", O_RDONLY | O_DIRECTORY));
    MUST(rmdir("../gone"));
    outcome("getcwd", syscall(SYS_getcwd, path, sizeof path));
    outcome("getdents", syscall(SYS_getdents64, fd, entries, sizeof entries));
    outcome("open(O_CREAT)", open("x", O_CREAT | O_WRONLY, 0600));
    outcome("stat .", access(".", F_OK));
    MUST(close(fd));
    MUST(chdir(scratch_path));
}

int main(void)
{
    enter_scratch();
    dangling();
    slashes();
    in_proc();
    removed_directory();
    leave_scratch();
}
