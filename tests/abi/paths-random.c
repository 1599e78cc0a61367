/* Random paths in a random tree: ".", "..", "//", slashes at the end, names too long, links in loops, a
 * working directory that is gone.  Calls that look and calls that change; what each says is counted and
 * goes into a sum.  With an argument each call is printed, to find the first that differs. */
#include "tests/abi/abi.h"

#include <ftw.h>

#define CALLS 6000
#define BLOCK 500        /* calls in a sum */
#define DEPTH 12         /* directories around the tree, so that nothing climbs out of it */
#define COMPONENTS_MAX 6 /* of a path */
#define NAME_LONGEST 255
#define ERRNO_MAX 134
#define REMOVED_EVERY \
    50 /* calls: the working directory is one that was removed, for one call */

static const char *const names[] = { "qa", "qb", "qc", "qd", "qe", "qf" };
static const char *const targets[] = { "qa",       "qc/qd", "../qe", "./qf",
                                       "qmissing", "qa/.",  "..",    "." };
static char longest[NAME_LONGEST + 1], too_long[NAME_LONGEST + 2];
static unsigned seed = 1, sum;
static int verbose, top;
static int may_be_too_long; /* which of two errors comes first is the file system's choice */

static unsigned below(unsigned limit)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % limit;
}

static const char *any_name(void)
{
    return names[below(LENGTH(names))];
}

static const char *any_component(void)
{
    switch (below(24)) {
    case 0:
    case 1:
        return ".";
    case 2:
    case 3:
        return "..";
    case 4:
        return below(4) ? "" : longest;
    case 5:
        return below(4) || !may_be_too_long ? "" : too_long;
    default:
        return any_name();
    }
}

static const char *any_path(char *path)
{
    unsigned count = 1 + below(below(3) ? 3 : COMPONENTS_MAX);

    *path = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *component = any_component();
        strcat(path, i ? "/" : "");
        strcat(path, *component || i ? component : "."); /* not from the root, please */
    }
    if (below(5) == 0)
        strcat(path, below(2) ? "/" : "//");
    return path;
}

/* ---- calls ---- */

/* What kind of file, for the sum. */
static int kind_of(const struct stat *stat)
{
    return stat->st_mode >> 12;
}

static int do_stat(const char *path, const char *other)
{
    struct stat stat_buffer;
    (void)other;
    return stat(path, &stat_buffer) ? -1 : kind_of(&stat_buffer);
}

static int do_lstat(const char *path, const char *other)
{
    struct stat stat_buffer;
    (void)other;
    return lstat(path, &stat_buffer) ? -1 : kind_of(&stat_buffer);
}

static int close_again(int fd)
{
    return fd == -1 ? -1 : close(fd);
}

static int do_open(const char *path, const char *other)
{
    static const int flags[] = { O_RDONLY,
                                 O_RDONLY | O_NOFOLLOW,
                                 O_RDONLY | O_DIRECTORY,
                                 O_WRONLY,
                                 O_WRONLY | O_CREAT,
                                 O_RDONLY | O_CREAT,
                                 O_WRONLY | O_CREAT | O_EXCL,
                                 O_WRONLY | O_CREAT | O_NOFOLLOW,
                                 O_WRONLY | O_TRUNC,
                                 O_PATH | O_NOFOLLOW };
    (void)other;
    return close_again(open(path, flags[below(LENGTH(flags))], 0600));
}

static int do_readlink(const char *path, const char *other)
{
    char target[64];
    (void)other;
    return readlink(path, target, sizeof target);
}

static int do_access(const char *path, const char *other)
{
    (void)other;
    return access(path, F_OK);
}

static int do_chdir(const char *path, const char *other)
{
    (void)other;
    return chdir(path);
}

static int do_truncate(const char *path, const char *other)
{
    (void)other;
    return truncate(path, 5);
}

static int do_mkdir(const char *path, const char *other)
{
    (void)other;
    return mkdir(path, 0700);
}

static int do_rmdir(const char *path, const char *other)
{
    (void)other;
    return rmdir(path);
}

static int do_unlink(const char *path, const char *other)
{
    (void)other;
    return unlink(path);
}

static int do_symlink(const char *path, const char *other)
{
    (void)other;
    return symlink(targets[below(LENGTH(targets))], path);
}

static int do_link(const char *path, const char *other)
{
    return link(path, other);
}

static int do_rename(const char *path, const char *other)
{
    return rename(path, other);
}

static const struct {
    const char *name;
    int (*call)(const char *path, const char *other);
    unsigned chance;
} calls[] = {
    { "stat", do_stat, 6 },         { "lstat", do_lstat, 6 },     { "open", do_open, 12 },
    { "readlink", do_readlink, 3 }, { "access", do_access, 2 },   { "chdir", do_chdir, 3 },
    { "truncate", do_truncate, 2 }, { "mkdir", do_mkdir, 10 },    { "rmdir", do_rmdir, 3 },
    { "unlink", do_unlink, 4 },     { "symlink", do_symlink, 5 }, { "link", do_link, 5 },
    { "rename", do_rename, 8 },
};
static unsigned outcomes[LENGTH(calls)][ERRNO_MAX];

static void one_call(int from_top)
{
    char path[4 * PAGE], other[4 * PAGE];
    unsigned row = 0, total = 0;

    for (unsigned i = 0; i < LENGTH(calls); i++)
        total += calls[i].chance;
    unsigned number = below(total);
    while (number >= calls[row].chance)
        number -= calls[row++].chance;
    may_be_too_long = from_top && calls[row].call != do_open && calls[row].call != do_link &&
                      calls[row].call != do_rename;
    any_path(path);
    any_path(other);
    errno = 0;
    int result = calls[row].call(path, other);
    outcomes[row][errno]++;
    sum = (sum * 31 + row) * 31 + (unsigned)(result == -1 ? 1000 + errno : result);
    if (verbose)
        say("%s %.80s %.80s: %d %s", calls[row].name, path, other, result,
            strerrorname_np(errno));
}

/* The working directory has no name any more. */
static void in_removed_directory(void)
{
    char gone[16], path[64];
    static unsigned number;

    snprintf(gone, sizeof gone, "gone%u", number++);
    MUST(fchdir(top));
    MUST(mkdir(gone, 0700));
    MUST(chdir(gone));
    snprintf(path, sizeof path, "../%s", gone);
    MUST(rmdir(path));
    one_call(0);
}

static int remove_entry(const char *path, const struct stat *stat_buffer, int type,
                        struct FTW *place)
{
    (void)stat_buffer, (void)place;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void report(void)
{
    for (unsigned row = 0; row < LENGTH(calls); row++) {
        char line[240];
        size_t used = snprintf(line, sizeof line, "%s:", calls[row].name);
        for (unsigned error = 0; error < ERRNO_MAX; error++)
            if (outcomes[row][error])
                used += snprintf(line + used, sizeof line - used, " %s %u",
                                 error ? strerrorname_np(error) : "ok", outcomes[row][error]);
        say("%s", line);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    verbose = argc > 1;
    memset(longest, 'q', NAME_LONGEST);
    memset(too_long, 'q', NAME_LONGEST + 1);
    enter_scratch();
    for (unsigned i = 0; i < DEPTH; i++) {
        MUST(mkdir("r", 0700));
        MUST(chdir("r"));
    }
    top = MUST(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (unsigned i = 1; i <= CALLS; i++) {
        if (i % REMOVED_EVERY == 0)
            in_removed_directory();
        else
            one_call(i % 3 == 1);
        if (i % 3 == 0) /* some calls are made from where a chdir() has led */
            MUST(fchdir(top));
        if (i % BLOCK == 0)
            say("after %u calls: %08x", i, sum);
    }
    report();
    MUST(chdir("/"));
    MUST(nftw(scratch_path, remove_entry, DEPTH, FTW_DEPTH | FTW_PHYS));
    return 0;
}
