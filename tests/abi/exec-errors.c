/* What cannot be executed, and that the caller goes on unharmed. */
#include "tests/abi/abi.h"

static char *words[] = { "name", NULL };

static void try_exec(const char *what, const char *path)
{
    execv(path, words);
    outcome(what, -1);
}

static void make(const char *path, const char *text, int mode)
{
    int fd = MUST(open(path, O_WRONLY | O_CREAT, mode));

    MUST(write(fd, text, strlen(text)));
    MUST(close(fd));
}

int main(void)
{
    char long_name[300];

    enter_scratch();
    make("plain", "text\n", 0644);
    make("garbage", "neither a program nor a script\n", 0755);
    make("empty", "", 0755);
    make("truncated", "\177ELF\1\1\1", 0755);
    make("orphaned", "#!/no/such/interpreter\n", 0755);
    make("nameless", "#!\n", 0755);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    try_exec("missing", "missing");
    try_exec("not executable", "plain");
    try_exec("a directory", ".");
    try_exec("garbage", "./garbage");
    try_exec("empty file", "./empty");
    try_exec("truncated", "./truncated");
    try_exec("script without its interpreter", "./orphaned");
    try_exec("script that names no interpreter", "./nameless");
    try_exec("below a file", "plain/file");
    try_exec("no name", "");
    try_exec("long name", long_name);
    try_exec("bad pointer", BAD_POINTER);
    outcome("bad arguments", syscall(SYS_execve, "/proc/self/exe", BAD_POINTER, NULL));
    char *bad_word[] = { "name", BAD_POINTER, NULL };
    outcome("bad argument", syscall(SYS_execve, "/proc/self/exe", bad_word, NULL));
    MUST(unlink("plain") | unlink("garbage") | unlink("empty") | unlink("truncated"));
    MUST(unlink("orphaned") | unlink("nameless"));
    leave_scratch();
    return 0;
}
