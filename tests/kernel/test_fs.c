/* tests/kernel/test_fs.c - the tree of files: names, links, renaming, paths, contents, archives; errors as
 * on Linux. */
#include "tests/kernel/test.h"

#include "kernel/fs/file.h"
#include "kernel/fs/initrd.h"
#include "kernel/fs/path.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/reclaim.h"
#include "mm/space.h"
#include "mm/uaccess.h"

#define DIR (S_IFDIR | 0755)
#define REG (S_IFREG | 0644)

/* ---- the operations as a system call would do them: 0 or -Exxx ---- */

static struct inode *get(const char *path, enum path_links links)
{
    struct inode *inode;
    return path_lookup(fs_root(), path, links, &inode) == 0 ? inode : NULL;
}

static int look(const char *path)
{
    struct inode *inode;
    int error = path_lookup(fs_root(), path, PATH_FOLLOW, &inode);
    if (!error)
        inode_put(inode);
    return error;
}

static int make(const char *path, uint32_t mode)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *made;
    int error = path_lookup_parent(fs_root(), path, &dir, name);
    if (error)
        return error;
    fs_lock();
    error = dir->ops->create(dir, name, mode, 0, &made);
    fs_unlock();
    if (!error)
        inode_put(made);
    inode_put(dir);
    return error;
}

static int make_symlink(const char *path, const char *target)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int error = path_lookup_parent(fs_root(), path, &dir, name);
    if (error)
        return error;
    fs_lock();
    error = dir->ops->symlink(dir, name, target);
    fs_unlock();
    inode_put(dir);
    return error;
}

static int make_link(const char *old, const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *inode;
    int error = path_lookup(fs_root(), old, PATH_NOFOLLOW, &inode);
    if (error)
        return error;
    error = path_lookup_parent(fs_root(), path, &dir, name);
    if (!error) {
        fs_lock();
        error = dir->ops->link(dir, name, inode);
        fs_unlock();
        inode_put(dir);
    }
    inode_put(inode);
    return error;
}

static int take_away(const char *path, uint32_t type)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int error = path_lookup_parent(fs_root(), path, &dir, name);
    if (error)
        return error;
    fs_lock();
    error = type == S_IFDIR ? dir->ops->rmdir(dir, name) : dir->ops->unlink(dir, name);
    fs_unlock();
    inode_put(dir);
    return error;
}

static int unlink_file(const char *path)
{
    return take_away(path, S_IFREG);
}

static int remove_dir(const char *path)
{
    return take_away(path, S_IFDIR);
}

static int rename_path(const char *old, const char *new)
{
    static char old_name[NAME_MAX + 1], new_name[NAME_MAX + 1];
    struct inode *old_dir, *new_dir;
    int error = path_lookup_parent(fs_root(), old, &old_dir, old_name);
    if (error)
        return error;
    error = path_lookup_parent(fs_root(), new, &new_dir, new_name);
    if (!error) {
        fs_lock();
        error = old_dir->ops->rename(old_dir, old_name, new_dir, new_name);
        fs_unlock();
        inode_put(new_dir);
    }
    inode_put(old_dir);
    return error;
}

static uint32_t nlink_of(const char *path)
{
    struct inode *inode = get(path, PATH_NOFOLLOW);
    uint32_t nlink = inode ? inode->nlink : 0;
    if (inode)
        inode_put(inode);
    return nlink;
}

static uint64_t size_of(const char *path)
{
    struct inode *inode = get(path, PATH_NOFOLLOW);
    uint64_t size = inode ? inode_size(inode) : 0;
    if (inode)
        inode_put(inode);
    return size;
}

static int32_t put_bytes(const char *path, uint64_t offset, const void *bytes, uint32_t nbytes)
{
    struct inode *inode = get(path, PATH_FOLLOW);
    if (!inode)
        return -ENOENT;
    int32_t result = inode_write(inode, offset, bytes, nbytes);
    inode_put(inode);
    return result;
}

static int32_t get_bytes(const char *path, uint64_t offset, void *bytes, uint32_t nbytes)
{
    struct inode *inode = get(path, PATH_FOLLOW);
    if (!inode)
        return -ENOENT;
    int32_t result = inode_read(inode, offset, bytes, nbytes);
    inode_put(inode);
    return result;
}

/* ---- making ---- */

static void standard_tree(struct test *t)
{
    static const char *const directories[] = { "/",     "/bin",  "/dev", "/etc",
                                               "/proc", "/root", "/tmp" };
    for (unsigned i = 0; i < ARRAY_SIZE(directories); i++) {
        struct inode *inode = get(directories[i], PATH_NOFOLLOW);
        REQUIRE(t, inode != NULL);
        EXPECT(t, inode_is(inode, S_IFDIR));
        inode_put(inode);
    }
}

static void create_and_remove(struct test *t)
{
    EXPECT_EQ(t, make("/tmp/a", REG), 0);
    EXPECT_EQ(t, make("/tmp/a", REG), -EEXIST);
    EXPECT_EQ(t, make("/tmp/a/b", REG), -ENOTDIR);
    EXPECT_EQ(t, make("/tmp/none/b", REG), -ENOENT);
    EXPECT_EQ(t, make("/tmp/.", DIR), -EEXIST);
    EXPECT_EQ(t, make("/tmp/..", DIR), -EEXIST);
    EXPECT_EQ(t, make("/", DIR), -EEXIST);
    EXPECT_EQ(t, make("/tmp/x", S_IFLNK | 0777), -EINVAL);
    EXPECT_EQ(t, remove_dir("/tmp/a"), -ENOTDIR);
    EXPECT_EQ(t, look("/tmp/a/"), -ENOTDIR);
    EXPECT_EQ(t, unlink_file("/tmp/a"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/a"), -ENOENT);
    EXPECT_EQ(t, look("/tmp/a"), -ENOENT);
}

static void directories(struct test *t)
{
    uint32_t links = nlink_of("/tmp");
    uint64_t size = size_of("/tmp");
    EXPECT_EQ(t, make("/tmp/d", DIR), 0);
    EXPECT_EQ(t, nlink_of("/tmp/d"), 2);
    EXPECT_EQ(t, size_of("/tmp/d"), 40);
    EXPECT_EQ(t, nlink_of("/tmp"), links + 1);
    EXPECT_EQ(t, size_of("/tmp"), size + 20);
    EXPECT_EQ(t, make("/tmp/d/e/", DIR), 0);
    EXPECT_EQ(t, nlink_of("/tmp/d"), 3);
    EXPECT_EQ(t, remove_dir("/tmp/d"), -ENOTEMPTY);
    EXPECT_EQ(t, unlink_file("/tmp/d"), -EISDIR);
    EXPECT_EQ(t, remove_dir("/tmp/d/."), -EINVAL);
    EXPECT_EQ(t, remove_dir("/tmp/d/.."), -ENOTEMPTY);
    EXPECT_EQ(t, remove_dir("/"), -EBUSY);
    EXPECT_EQ(t, remove_dir("/tmp/d/e"), 0);
    EXPECT_EQ(t, remove_dir("/tmp/d"), 0);
    EXPECT_EQ(t, nlink_of("/tmp"), links);
    EXPECT_EQ(t, size_of("/tmp"), size);
}

/* Somebody stands in a directory that goes: nothing can be made there, "..", its path, still work. */
static void removed_directory(struct test *t)
{
    char text[64];
    struct inode *dir, *inode;
    REQUIRE(t, make("/tmp/d", DIR) == 0 && make("/tmp/d/e", DIR) == 0);
    dir = get("/tmp/d/e", PATH_FOLLOW);
    REQUIRE(t, dir != NULL);
    EXPECT_EQ(t, remove_dir("/tmp/d/e"), 0);
    EXPECT_EQ(t, remove_dir("/tmp/d"), 0);
    EXPECT_EQ(t, dir->nlink, 0);
    EXPECT_EQ(t, dir->ops->create(dir, "f", REG, 0, &inode), -ENOENT);
    EXPECT_EQ(t, dir->ops->symlink(dir, "f", "x"), -ENOENT);
    EXPECT_STR(t, inode_path(dir, text, sizeof(text)), "/tmp/d/e (deleted)");
    EXPECT_EQ(t, path_lookup(dir, "../../..", PATH_FOLLOW, &inode), 0);
    EXPECT_PTR(t, inode, fs_root());
    inode_put(inode);
    inode_put(dir);
}

static void long_names(struct test *t)
{
    static char path[PATH_MAX];
    strlcpy(path, "/tmp/", sizeof(path));
    memset(path + 5, 'n', NAME_MAX);
    path[5 + NAME_MAX] = '\0';
    EXPECT_EQ(t, make(path, REG), 0);
    EXPECT_EQ(t, look(path), 0);
    EXPECT_EQ(t, unlink_file(path), 0);
    path[5 + NAME_MAX] = 'n';
    path[6 + NAME_MAX] = '\0';
    EXPECT_EQ(t, make(path, REG), -ENAMETOOLONG);
    EXPECT_EQ(t, look(path), -ENAMETOOLONG);
}

/* ---- links ---- */

static void hard_links(struct test *t)
{
    char text[64];
    uint8_t byte = 0;
    REQUIRE(t, make("/tmp/one", REG) == 0);
    EXPECT_EQ(t, make_link("/tmp/one", "/tmp/two"), 0);
    EXPECT_EQ(t, make_link("/tmp/one", "/tmp/two"), -EEXIST);
    EXPECT_EQ(t, make_link("/tmp", "/tmp/three"), -EPERM);
    EXPECT_EQ(t, nlink_of("/tmp/two"), 2);
    EXPECT_EQ(t, put_bytes("/tmp/one", 0, "x", 1), 1);
    EXPECT_EQ(t, get_bytes("/tmp/two", 0, &byte, 1), 1);
    EXPECT_EQ(t, byte, 'x');
    EXPECT_EQ(t, rename_path("/tmp/one", "/tmp/two"), 0); /* one file: both names stay */
    EXPECT_EQ(t, nlink_of("/tmp/one"), 2);
    EXPECT_EQ(t, unlink_file("/tmp/one"), 0);
    EXPECT_EQ(t, nlink_of("/tmp/two"), 1);
    struct inode *inode = get("/tmp/two", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    EXPECT_STR(t, inode_path(inode, text, sizeof(text)), "/tmp/two");
    inode_put(inode);
    EXPECT_EQ(t, unlink_file("/tmp/two"), 0);
}

/* A file that is open, or mapped, lives on without a name. */
static void unlink_while_open(struct test *t)
{
    char text[64];
    struct page_cache_name name;
    uint8_t byte = 0;
    REQUIRE(t, make("/tmp/x", REG) == 0);
    struct inode *inode = get("/tmp/x", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    struct page_cache *mapped = pagecache_get(inode->cache);
    EXPECT_EQ(t, inode_write(inode, 5000, "y", 1), 1);
    EXPECT_EQ(t, unlink_file("/tmp/x"), 0);
    EXPECT_EQ(t, inode->nlink, 0);
    EXPECT_EQ(t, inode_read(inode, 5000, &byte, 1), 1);
    EXPECT_EQ(t, byte, 'y');
    EXPECT_STR(t, inode_path(inode, text, sizeof(text)), "/tmp/x (deleted)");
    EXPECT_EQ(t, inode->ops->truncate(inode, 5001), 0);
    struct inode *tmp = get("/tmp", PATH_FOLLOW);
    EXPECT_EQ(t, tmp->ops->link(tmp, "again", inode), -ENOENT);
    inode_put(tmp);
    inode_put(inode);
    mapped->ops->get_name(mapped, &name); /* the mapping alone keeps it */
    EXPECT_STR(t, name.path, "/tmp/x (deleted)");
    EXPECT_EQ(t, mapped->npages, 1);
    pagecache_put(mapped);
}

static void symlinks(struct test *t)
{
    char text[64];
    REQUIRE(t, make("/tmp/d", DIR) == 0 && make("/tmp/d/f", REG) == 0);
    EXPECT_EQ(t, make_symlink("/tmp/s", "d"), 0);
    EXPECT_EQ(t, make_symlink("/tmp/s", "d"), -EEXIST);
    EXPECT_EQ(t, make_symlink("/tmp/e", ""), -ENOENT);
    EXPECT_EQ(t, make_symlink("/tmp/d/abs", "/tmp/s/f"), 0);
    EXPECT_EQ(t, size_of("/tmp/d/abs"), 8);
    EXPECT_EQ(t, look("/tmp/s/f"), 0);
    EXPECT_EQ(t, look("/tmp/s/abs"), 0);
    EXPECT_EQ(t, look("/tmp/s/abs/"), -ENOTDIR);
    EXPECT_EQ(t, look("/tmp/s/../d/abs"), 0);
    struct inode *inode = get("/tmp/s", PATH_NOFOLLOW);
    REQUIRE(t, inode != NULL);
    EXPECT(t, inode_is(inode, S_IFLNK));
    EXPECT_EQ(t, inode->ops->readlink(inode, text, sizeof(text)), 1);
    EXPECT_STR(t, text, "d");
    inode_put(inode);
    inode = get("/tmp/s/", PATH_NOFOLLOW); /* the slash follows it all the same */
    REQUIRE(t, inode != NULL);
    EXPECT(t, inode_is(inode, S_IFDIR));
    inode_put(inode);
    EXPECT_EQ(t, unlink_file("/tmp/d/abs"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/d/f"), 0);
    EXPECT_EQ(t, remove_dir("/tmp/s"), -ENOTDIR);
    EXPECT_EQ(t, remove_dir("/tmp/d"), 0);
    EXPECT_EQ(t, look("/tmp/s"), -ENOENT);
    EXPECT_EQ(t, unlink_file("/tmp/s"), 0);
}

static void symlink_loops(struct test *t)
{
    char path[32], target[32];
    EXPECT_EQ(t, make_symlink("/tmp/a", "b"), 0);
    EXPECT_EQ(t, make_symlink("/tmp/b", "/tmp/a"), 0);
    EXPECT_EQ(t, make_symlink("/tmp/c", "c/c"), 0);
    EXPECT_EQ(t, look("/tmp/a"), -ELOOP);
    EXPECT_EQ(t, look("/tmp/a/x"), -ELOOP);
    EXPECT_EQ(t, look("/tmp/c"), -ELOOP);
    EXPECT_EQ(t, unlink_file("/tmp/a"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/b"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/c"), 0);
    for (unsigned i = 0; i <= PATH_MAX_LINKS; i++) { /* l0 -> l1 -> ... -> /tmp */
        snprintf(path, sizeof(path), "/tmp/l%u", i);
        snprintf(target, sizeof(target), "l%u", i + 1);
        EXPECT_EQ(t, make_symlink(path, i < PATH_MAX_LINKS ? target : "/tmp"), 0);
    }
    EXPECT_EQ(t, look("/tmp/l1"), 0); /* exactly 40 */
    EXPECT_EQ(t, look("/tmp/l0"), -ELOOP);
    for (unsigned i = 0; i <= PATH_MAX_LINKS; i++) {
        snprintf(path, sizeof(path), "/tmp/l%u", i);
        EXPECT_EQ(t, unlink_file(path), 0);
    }
}

static void expansion_too_long(struct test *t)
{
    char *target = kmalloc(PATH_MAX, PAGE_ANY);
    REQUIRE(t, target != NULL);
    memset(target, '/', PATH_MAX);
    target[PATH_MAX - 2] = '\0';
    EXPECT_EQ(t, make_symlink("/tmp/s", target), 0);
    EXPECT_EQ(t, look("/tmp/s"), 0);
    EXPECT_EQ(t, look("/tmp/s/bin"), -ENAMETOOLONG);
    EXPECT_EQ(t, unlink_file("/tmp/s"), 0);
    kfree(target);
}

/* ---- paths ---- */

static void paths(struct test *t)
{
    static const struct {
        const char *path;
        int error;
    } cases[] = {
        { "", -ENOENT },
        { "/", 0 },
        { "///", 0 },
        { "/..", 0 },
        { "/../../bin", 0 },
        { "//bin//.//", 0 },
        { "/bin/..", 0 },
        { "/nothing", -ENOENT },
        { "tmp", 0 },
        { "./tmp/.", 0 },
        { "/tmp/...", -ENOENT },
        { "/dev/null/", -ENOTDIR },
        { "/dev/null/x", -ENOTDIR },
        { "/nothing/..", -ENOENT },
        { "/dev/null/..", -ENOTDIR },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        if (!EXPECT_EQ(t, look(cases[i].path), cases[i].error))
            EXPECT_STR(t, cases[i].path, "that path");
}

static void parents(struct test *t)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    EXPECT_EQ(t, path_lookup_parent(fs_root(), "/", &dir, name), 0);
    EXPECT_STR(t, name, "");
    inode_put(dir);
    EXPECT_EQ(t, path_lookup_parent(fs_root(), "tmp/./new//", &dir, name), 0);
    EXPECT_STR(t, name, "new");
    inode_put(dir);
    EXPECT_EQ(t, path_lookup_parent(fs_root(), "/tmp/..", &dir, name), 0);
    EXPECT_STR(t, name, "..");
    inode_put(dir);
    EXPECT_EQ(t, path_lookup_parent(fs_root(), "/dev/null/x", &dir, name), -ENOTDIR);
    EXPECT_EQ(t, path_lookup_parent(fs_root(), "", &dir, name), -ENOENT);
}

/* open(O_CREAT) makes a file where a link leads. */
static void place_to_create(struct test *t)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    REQUIRE(t,
            make_symlink("/tmp/link", "to") == 0 && make_symlink("/tmp/to", "/dev/new") == 0);
    REQUIRE(t, make_symlink("/tmp/loop", "loop") == 0);
    EXPECT_EQ(t, path_lookup_create(fs_root(), "/tmp/link", &dir, name), 0);
    EXPECT_STR(t, name, "new");
    struct inode *dev = get("/dev", PATH_FOLLOW);
    EXPECT(t, dir == dev);
    inode_put(dev);
    inode_put(dir);
    EXPECT_EQ(t, path_lookup_create(fs_root(), "/tmp/x/", &dir, name), -EISDIR);
    EXPECT_EQ(t, path_lookup_create(fs_root(), "/tmp/link/", &dir, name), -EISDIR);
    EXPECT_EQ(t, path_lookup_create(fs_root(), "/tmp/loop", &dir, name), -ELOOP);
    EXPECT_EQ(t, path_lookup_create(fs_root(), "/tmp/x/y", &dir, name), -ENOENT);
    EXPECT_EQ(t, unlink_file("/tmp/link"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/to"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/loop"), 0);
}

/* The path of an inode, also where it does not fit: then its end. */
static void inode_paths(struct test *t)
{
    char text[64], small[8];
    REQUIRE(t, make("/tmp/dir", DIR) == 0 && make("/tmp/dir/file", REG) == 0);
    struct inode *inode = get("/tmp/dir/../dir/file", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    EXPECT_STR(t, inode_path(inode, text, sizeof(text)), "/tmp/dir/file");
    EXPECT_STR(t, inode_path(inode, small, sizeof(small)), "ir/file");
    EXPECT_STR(t, inode_path(fs_root(), text, sizeof(text)), "/");
    EXPECT_EQ(t, rename_path("/tmp/dir", "/tmp/other"), 0);
    EXPECT_STR(t, inode_path(inode, text, sizeof(text)), "/tmp/other/file");
    EXPECT_EQ(t, unlink_file("/tmp/other/file"), 0);
    EXPECT_EQ(t, remove_dir("/tmp/other"), 0);
    inode_put(inode);
}

/* ---- renaming ---- */

static void rename_files(struct test *t)
{
    uint8_t byte = 0;
    REQUIRE(t, make("/tmp/a", REG) == 0 && make("/tmp/b", REG) == 0);
    put_bytes("/tmp/a", 0, "A", 1);
    EXPECT_EQ(t, rename_path("/tmp/none", "/tmp/b"), -ENOENT);
    EXPECT_EQ(t, rename_path("/tmp/a", "/tmp/none/b"), -ENOENT);
    EXPECT_EQ(t, rename_path("/tmp/a", "/tmp/b"), 0);
    EXPECT_EQ(t, look("/tmp/a"), -ENOENT);
    EXPECT_EQ(t, get_bytes("/tmp/b", 0, &byte, 1), 1);
    EXPECT_EQ(t, byte, 'A');
    EXPECT_EQ(t, rename_path("/tmp/b", "/tmp/b"), 0);
    EXPECT_EQ(t, rename_path("/tmp/b", "/tmp/."), -EBUSY);
    EXPECT_EQ(t, rename_path("/tmp/..", "/tmp/b"), -EBUSY);
    EXPECT_EQ(t, rename_path("/tmp/b", "/root/c"), 0);
    EXPECT_EQ(t, nlink_of("/root/c"), 1);
    EXPECT_EQ(t, unlink_file("/root/c"), 0);
}

static void rename_directories(struct test *t)
{
    REQUIRE(t, make("/tmp/d", DIR) == 0 && make("/tmp/d/sub", DIR) == 0);
    REQUIRE(t, make("/tmp/e", DIR) == 0 && make("/tmp/f", REG) == 0);
    EXPECT_EQ(t, rename_path("/tmp/d", "/tmp/d/sub/d"), -EINVAL);
    EXPECT_EQ(t, rename_path("/tmp/d", "/tmp/d/x"), -EINVAL);
    EXPECT_EQ(t, rename_path("/tmp/d/sub", "/tmp/d"), -ENOTEMPTY);
    EXPECT_EQ(t, rename_path("/tmp/d", "/tmp/f"), -ENOTDIR);
    EXPECT_EQ(t, rename_path("/tmp/f", "/tmp/e"), -EISDIR);
    EXPECT_EQ(t, rename_path("/tmp/e", "/tmp/d"), -ENOTEMPTY);
    uint32_t links = nlink_of("/tmp");
    EXPECT_EQ(t, rename_path("/tmp/d", "/tmp/e"), 0); /* over an empty one */
    EXPECT_EQ(t, nlink_of("/tmp"), links - 1);
    EXPECT_EQ(t, look("/tmp/e/sub"), 0);
    EXPECT_EQ(t, rename_path("/tmp/e/sub", "/root/sub"), 0);
    EXPECT_EQ(t, nlink_of("/tmp/e"), 2);
    EXPECT_EQ(t, look("/root/sub/../sub"), 0);
    EXPECT_EQ(t, remove_dir("/root/sub"), 0);
    EXPECT_EQ(t, remove_dir("/tmp/e"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

/* ---- listing ---- */

/* A walk goes on where it was, whatever is removed and made meanwhile; each name comes once. */
static void readdir_survives_changes(struct test *t)
{
    enum { FILES = 30 };
    static struct dir_entry entry;
    char path[32];
    unsigned seen = 0, dots = 0;
    uint64_t position = 0;
    REQUIRE(t, make("/tmp/d", DIR) == 0);
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "/tmp/d/f%u", i);
        REQUIRE(t, make(path, REG) == 0);
    }
    struct inode *dir = get("/tmp/d", PATH_FOLLOW);
    REQUIRE(t, dir != NULL);
    while (dir->ops->readdir(dir, &position, &entry) == 1) {
        dots += entry.name[0] == '.';
        if (entry.name[0] != 'f')
            continue;
        snprintf(path, sizeof(path), "/tmp/d/%s", entry.name);
        EXPECT_EQ(t, unlink_file(path), 0); /* what the cursor points to */
        EXPECT_EQ(t, entry.mode, S_IFREG);
        seen++;
    }
    EXPECT_EQ(t, seen, FILES);
    EXPECT_EQ(t, dots, 2);
    position = 0;
    EXPECT_EQ(t, dir->ops->readdir(dir, &position, &entry), 1);
    EXPECT_EQ(t, entry.number, dir->number);
    inode_put(dir);
    EXPECT_EQ(t, remove_dir("/tmp/d"), 0);
}

/* ---- contents ---- */

static void read_and_write(struct test *t)
{
    static uint8_t out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
    test_fill(out, sizeof(out), 7);
    REQUIRE(t, make("/tmp/f", REG) == 0);
    EXPECT_EQ(t, put_bytes("/tmp/f", 100, out, sizeof(out)), (int)sizeof(out));
    EXPECT_EQ(t, size_of("/tmp/f"), sizeof(out) + 100);
    EXPECT_EQ(t, get_bytes("/tmp/f", 100, in, sizeof(in)), (int)sizeof(in));
    EXPECT(t, memcmp(in, out, sizeof(in)) == 0);
    EXPECT_EQ(t, get_bytes("/tmp/f", 0, in, 100), 100);
    EXPECT(t, test_is_byte(in, 100, 0));
    EXPECT_EQ(t, get_bytes("/tmp/f", sizeof(out) + 90, in, 100), 10); /* short at the end */
    EXPECT_EQ(t, get_bytes("/tmp/f", sizeof(out) + 100, in, 100), 0);
    EXPECT_EQ(t, get_bytes("/tmp", 0, in, 1), -EINVAL);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

/* Holes take no memory, and sizes are not limited by it. */
static void sparse_files(struct test *t)
{
    uint8_t byte = 1;
    REQUIRE(t, make("/tmp/f", REG) == 0);
    struct inode *inode = get("/tmp/f", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    EXPECT_EQ(t, inode_write(inode, 1ull << 40, "z", 1), 1);
    EXPECT_EQ(t, inode->cache->npages, 1);
    EXPECT_EQ(t, inode_blocks(inode), 8);
    EXPECT_EQ(t, inode_size(inode), (1ull << 40) + 1);
    EXPECT_EQ(t, inode->ops->truncate(inode, 3), 0);
    EXPECT_EQ(t, inode->cache->npages, 0);
    EXPECT_EQ(t, inode_read(inode, 2, &byte, 1), 1);
    EXPECT_EQ(t, byte, 0);
    EXPECT_EQ(t, inode->ops->truncate(inode, 1ull << 44), -EFBIG);
    EXPECT_EQ(t, inode_size(inode), 3);
    inode_put(inode);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

/* Memory for a file in advance; what cannot be had takes nothing. */
static void allocate_in_advance(struct test *t)
{
    struct pagecache_stats stats;
    REQUIRE(t, make("/tmp/f", REG) == 0);
    struct inode *inode = get("/tmp/f", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    const struct inode_ops *ops = inode->ops;
    EXPECT_EQ(t, ops->allocate(inode, PAGE_SIZE - 1, PAGE_SIZE + 1, INODE_KEEP_SIZE), 0);
    EXPECT_EQ(t, inode->cache->npages, 2);
    EXPECT_EQ(t, inode_size(inode), 0);
    EXPECT_EQ(t, ops->allocate(inode, 0, 3 * PAGE_SIZE, INODE_GROW), 0);
    EXPECT_EQ(t, inode->cache->npages, 3);
    EXPECT_EQ(t, inode_size(inode), 3 * PAGE_SIZE);
    pagecache_get_stats(&stats);
    uint64_t too_much = (uint64_t)(stats.limit + 1) << PAGE_SHIFT;
    EXPECT_EQ(t, ops->allocate(inode, 0, too_much, INODE_GROW), -ENOSPC);
    EXPECT_EQ(t, ops->allocate(inode, 1ull << 43, 1ull << 44, INODE_GROW), -EFBIG);
    EXPECT_EQ(t, inode->cache->npages, 3);
    EXPECT_EQ(t, inode_size(inode), 3 * PAGE_SIZE);
    inode_put(inode);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

/* Links with long targets are kernel memory: they cannot take all of it, and it comes back. */
static void names_are_limited(struct test *t)
{
    static char target[PATH_MAX], path[32];
    uint32_t most = buddy_managed_frames() / 8 + 1, count = 0; /* a page each */
    memset(target, 'x', PATH_MAX - 1);
    int error = 0;
    while (!error && count <= most) {
        snprintf(path, sizeof(path), "/tmp/%u", count);
        error = make_symlink(path, target);
        count += !error;
    }
    EXPECT_EQ(t, error, -ENOSPC);
    EXPECT(t, count > most / 2);
    EXPECT_EQ(t, make("/tmp/f", REG), -ENOSPC);
    while (count-- > 0) {
        snprintf(path, sizeof(path), "/tmp/%u", count);
        EXPECT_EQ(t, unlink_file(path), 0);
    }
    EXPECT_EQ(t, make("/tmp/f", REG), 0);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

/* A file that wants all memory gets what there is, and an error; then everything is back. */
static void file_that_fills_memory(struct test *t)
{
    static uint8_t block[PAGE_SIZE];
    uint64_t offset = 0;
    int32_t result;
    REQUIRE(t, make("/tmp/big", REG) == 0);
    struct inode *inode = get("/tmp/big", PATH_FOLLOW);
    REQUIRE(t, inode != NULL);
    while ((result = inode_write(inode, offset, block, sizeof(block))) > 0)
        offset += (uint32_t)result;
    EXPECT_EQ(t, result, -ENOSPC);
    EXPECT(t, offset > 0);
    EXPECT_EQ(t, inode_size(inode), offset);
    EXPECT(t, pagecache_check());
    inode_put(inode);
    EXPECT_EQ(t, unlink_file("/tmp/big"), 0);
}

/* ---- contents, as programs read and write them ---- */

#define USER_BUFFER 0x10000000u
#define USER_BYTES (3 * PAGE_SIZE)
#define USER_BUFFER_END (USER_BUFFER + USER_BYTES) /* nothing is mapped behind it */

/* The running thread gets a space with a buffer in it. */
static struct space *enter_space(struct test *t)
{
    struct space *space = space_create();
    if (!EXPECT(t, space != NULL))
        return NULL;
    EXPECT_EQ(t, space_map(space, USER_BUFFER, USER_BUFFER_END, VMA_READ | VMA_WRITE, NULL), 0);
    thread_set_space(space);
    return space;
}

static void leave_space(struct space *space)
{
    thread_set_space(NULL);
    space_put(space);
}

static struct file *open_path(struct test *t, const char *path, unsigned flags)
{
    struct inode *inode = get(path, PATH_FOLLOW);
    struct file *file = NULL;
    if (!EXPECT(t, inode != NULL))
        return NULL;
    EXPECT_EQ(t, file_open(inode, flags, &file), 0);
    inode_put(inode);
    return file;
}

static int32_t write_from(struct file *file, uaddr_t buffer, uint32_t nbytes)
{
    return file->ops->write(file, buffer, nbytes, &file->offset);
}

static int32_t read_to(struct file *file, uaddr_t buffer, uint32_t nbytes)
{
    return file->ops->read(file, buffer, nbytes, &file->offset);
}

/* What can be moved before the buffer ends counts; nothing is -EFAULT. */
static void user_buffers_that_end(struct test *t)
{
    static uint8_t bytes[USER_BYTES];
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL && make("/tmp/f", REG) == 0);
    struct file *file = open_path(t, "/tmp/f", O_RDWR);
    REQUIRE(t, file != NULL);
    test_fill(bytes, sizeof(bytes), 3);
    EXPECT_EQ(t, copy_to_user(USER_BUFFER, bytes, sizeof(bytes)), 0);
    EXPECT_EQ(t, write_from(file, USER_BUFFER_END, 10), -EFAULT);
    EXPECT_EQ(t, file->offset, 0);
    EXPECT_EQ(t, write_from(file, USER_BUFFER + 100, USER_BYTES), (int)USER_BYTES - 100);
    EXPECT_EQ(t, inode_size(file->inode), USER_BYTES - 100);
    EXPECT_EQ(t, file->offset, USER_BYTES - 100);
    file->offset = 0;
    EXPECT_EQ(t, read_to(file, USER_BUFFER_END - 50, 100), 50);
    EXPECT_EQ(t, read_to(file, USER_BUFFER_END, 1), -EFAULT);
    EXPECT_EQ(t, file->offset, 50);
    file->offset = 0;
    EXPECT_EQ(t, read_to(file, USER_BUFFER, 2 * USER_BYTES), (int)USER_BYTES - 100);
    EXPECT_EQ(t, read_to(file, USER_BUFFER, 1), 0);
    uint8_t *back = kmalloc(USER_BYTES, PAGE_ANY);
    EXPECT_EQ(t, copy_from_user(back, USER_BUFFER, USER_BYTES - 100), 0);
    EXPECT(t, memcmp(back, bytes + 100, USER_BYTES - 100) == 0);
    kfree(back);
    file_release(file);
    leave_space(space);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

static void append_and_limits(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL && make("/tmp/f", REG) == 0);
    struct file *one = open_path(t, "/tmp/f", O_WRONLY | O_APPEND);
    struct file *two = open_path(t, "/tmp/f", O_RDWR);
    REQUIRE(t, one != NULL && two != NULL);
    EXPECT_EQ(t, write_from(two, USER_BUFFER, 10), 10);
    EXPECT_EQ(t, write_from(one, USER_BUFFER, 5), 5);
    EXPECT_EQ(t, one->offset, 15);
    EXPECT_EQ(t, write_from(one, USER_BUFFER_END, 5), -EFAULT);
    EXPECT_EQ(t, inode_size(two->inode), 15); /* what was reserved is given up */
    two->offset = INT32_MAX - 3;              /* not opened with O_LARGEFILE */
    EXPECT_EQ(t, write_from(two, USER_BUFFER, 10), 3);
    EXPECT_EQ(t, write_from(two, USER_BUFFER, 10), -EFBIG);
    EXPECT_EQ(t, inode_size(two->inode), INT32_MAX);
    two->offset = PAGE_SIZE; /* a hole */
    uint32_t npages = two->inode->cache->npages;
    EXPECT_EQ(t, read_to(two, USER_BUFFER, PAGE_SIZE), (int)PAGE_SIZE);
    EXPECT_EQ(t, two->inode->cache->npages, npages);
    file_release(one);
    file_release(two);
    leave_space(space);
    EXPECT_EQ(t, unlink_file("/tmp/f"), 0);
}

static void devices_without_hardware(struct test *t)
{
    static uint8_t bytes[64];
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    struct file *null = open_path(t, "/dev/null", O_RDWR);
    struct file *full = open_path(t, "/dev/full", O_RDWR);
    struct file *random = open_path(t, "/dev/urandom", O_RDWR);
    REQUIRE(t, null != NULL && full != NULL && random != NULL);
    EXPECT_EQ(t, read_to(null, USER_BUFFER, 10), 0);
    EXPECT_EQ(t, write_from(null, USER_BUFFER, 10), 10);
    EXPECT_EQ(t, write_from(full, USER_BUFFER, 10), -ENOSPC);
    EXPECT_EQ(t, read_to(full, USER_BUFFER, 10), 10);
    EXPECT_EQ(t, read_to(random, USER_BUFFER_END - 64, 100), 64);
    EXPECT_EQ(t, copy_from_user(bytes, USER_BUFFER_END - 64, 64), 0);
    EXPECT(t, !test_is_byte(bytes, sizeof(bytes), bytes[0]));
    EXPECT_EQ(t, read_to(random, USER_BUFFER_END, 1), -EFAULT);
    file_release(null);
    file_release(full);
    file_release(random);
    leave_space(space);
}

/* ---- no memory ---- */

#define LONG_NAME "/tmp/a name that is too long for an entry"

static int try_create(void)
{
    return make(LONG_NAME, REG);
}

static int try_mkdir(void)
{
    return make(LONG_NAME, DIR);
}

static int try_symlink(void)
{
    return make_symlink(LONG_NAME, "to");
}

static int try_link(void)
{
    return make_link("/tmp/old", LONG_NAME);
}

static int try_rename(void)
{
    return rename_path("/tmp/old", LONG_NAME);
}

static int try_lookup(void)
{
    return look("/tmp/symlink");
}

static int try_write(void)
{
    int32_t result = put_bytes("/tmp/old", 1ull << 40, "x", 1);
    return result < 0 ? result : 0;
}

/* Let the first, the second, ... allocation of `operation` fail, until it succeeds: before that, it
 * has changed nothing. */
static void fail_each_allocation(struct test *t, int (*operation)(void))
{
    struct inject_rule rule = { .what = INJECT_PAGE | INJECT_SLAB, .mode = INJECT_NTH };
    uint64_t tmp_size = size_of("/tmp"), old_size = size_of("/tmp/old");
    uint32_t tmp_links = nlink_of("/tmp"), old_links = nlink_of("/tmp/old");
    int error = -ENOMEM;
    for (rule.n = 1; error; rule.n++) {
        static const struct inject_rule off;
        inject_set(&rule);
        error = operation();
        inject_set(&off);
        if (!error)
            break;
        EXPECT(t, error == -ENOMEM || error == -ENOSPC);
        EXPECT_EQ(t, size_of("/tmp"), tmp_size);
        EXPECT_EQ(t, size_of("/tmp/old"), old_size);
        EXPECT_EQ(t, nlink_of("/tmp"), tmp_links);
        EXPECT_EQ(t, nlink_of("/tmp/old"), old_links);
        EXPECT_EQ(t, look(LONG_NAME), -ENOENT);
    }
    EXPECT(t, rule.n > 1);
}

static void allocations_that_fail(struct test *t)
{
    REQUIRE(t, make("/tmp/old", REG) == 0 && make_symlink("/tmp/symlink", "old") == 0);
    fail_each_allocation(t, try_lookup);
    fail_each_allocation(t, try_write);
    fail_each_allocation(t, try_create);
    EXPECT_EQ(t, unlink_file(LONG_NAME), 0);
    fail_each_allocation(t, try_mkdir);
    EXPECT_EQ(t, remove_dir(LONG_NAME), 0);
    fail_each_allocation(t, try_symlink);
    EXPECT_EQ(t, unlink_file(LONG_NAME), 0);
    fail_each_allocation(t, try_link);
    EXPECT_EQ(t, unlink_file(LONG_NAME), 0);
    fail_each_allocation(t, try_rename);
    EXPECT_EQ(t, unlink_file(LONG_NAME), 0);
    EXPECT_EQ(t, unlink_file("/tmp/symlink"), 0);
}

/* ---- devices, mounts ---- */

static void device_nodes(struct test *t)
{
    struct inode *null = get("/dev/null", PATH_FOLLOW), *copy;
    REQUIRE(t, null != NULL);
    EXPECT_EQ(t, null->rdev, DEVICE_NUMBER(1, 3));
    struct inode *tmp = get("/tmp", PATH_FOLLOW);
    REQUIRE(t, tmp->ops->create(tmp, "null", S_IFCHR | 0600, null->rdev, &copy) == 0);
    EXPECT_PTR(t, copy->file_ops, null->file_ops); /* the number says what it is */
    inode_put(copy);
    REQUIRE(t, tmp->ops->create(tmp, "odd", S_IFCHR | 0600, DEVICE_NUMBER(77, 7), &copy) == 0);
    EXPECT_EQ(t, copy->file_ops->open(NULL), -ENXIO);
    inode_put(copy);
    REQUIRE(t, tmp->ops->create(tmp, "fifo", S_IFIFO | 0600, 0, &copy) == 0);
    EXPECT_PTR(t, copy->file_ops, &fifo_file_ops);
    inode_put(copy);
    inode_put(tmp);
    inode_put(null);
    EXPECT_EQ(t, unlink_file("/tmp/null"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/odd"), 0);
    EXPECT_EQ(t, unlink_file("/tmp/fifo"), 0);
}

/* Another file system's directory, walked into and out of. */
static void mounts(struct test *t)
{
    char text[64];
    struct inode *proc = get("/proc", PATH_FOLLOW), *inode;
    REQUIRE(t, proc != NULL);
    EXPECT(t, proc->device != fs_root()->device);
    EXPECT_EQ(t, fs_mount("proc", proc), -EBUSY);
    EXPECT_STR(t, inode_path(proc, text, sizeof(text)), "/proc");
    EXPECT_EQ(t, path_lookup(proc, "../tmp/../proc/.", PATH_FOLLOW, &inode), 0);
    EXPECT_PTR(t, inode, proc);
    inode_put(inode);
    EXPECT_EQ(t, path_lookup(proc, "..", PATH_FOLLOW, &inode), 0);
    EXPECT_PTR(t, inode, fs_root());
    inode_put(inode);
    EXPECT_EQ(t, remove_dir("/proc"), -EBUSY);
    EXPECT_EQ(t, rename_path("/proc", "/tmp/proc"), -EBUSY);
    EXPECT_EQ(t, unlink_file("/proc"), -EISDIR);
    inode_put(proc);
}

/* ---- archives ---- */

static uint8_t archive[2048];
static size_t archive_bytes;

static void archive_pad(void)
{
    while (archive_bytes % 4 != 0)
        archive[archive_bytes++] = '\0';
}

static void archive_add(const char *name, uint32_t mode, uint32_t number, uint32_t nlink,
                        const char *data)
{
    char *at = (char *)archive + archive_bytes;
    archive_bytes += (size_t)snprintf(
        at, sizeof(archive) - archive_bytes,
        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", number, mode, 0, 0,
        nlink, 1000, (unsigned)strlen(data), 0, 0, 1, 3, (unsigned)strlen(name) + 1, 0, name);
    archive[archive_bytes++] = '\0';
    archive_pad();
    memcpy(archive + archive_bytes, data, strlen(data));
    archive_bytes += strlen(data);
    archive_pad();
}

static void expect_contents(struct test *t, const char *path, const char *contents)
{
    char text[64] = "";
    int32_t nbytes = get_bytes(path, 0, text, sizeof(text) - 1);
    EXPECT_EQ(t, nbytes, (int)strlen(contents));
    EXPECT_STR(t, text, contents);
}

static void remove_all(const char *const paths[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (unlink_file(paths[i]) == -EISDIR)
            remove_dir(paths[i]);
}

static void unpack_archive(struct test *t)
{
    static const char *const made[] = { "/tmp/u/deep/er/file", "/tmp/u/deep/er", "/tmp/u/deep",
                                        "/tmp/u/one",          "/tmp/u/two",     "/tmp/u/three",
                                        "/tmp/u/sym",          "/tmp/u/null",    "/tmp/u" };
    archive_bytes = 0;
    archive_add("./tmp/u", S_IFDIR | 0700, 1, 2, "");
    archive_add("tmp/u/deep/er/file", REG, 2, 1, "deep");
    archive_add("tmp/u/one", S_IFREG | 0755, 3, 3, "");
    archive_add("tmp/u/two", S_IFREG | 0755, 3, 3, "");
    archive_add("tmp/u/three", S_IFREG | 0755, 3, 3, "linked");
    archive_add("tmp/u/sym", S_IFLNK | 0777, 4, 1, "deep/er");
    archive_add("tmp/u/null", S_IFCHR | 0666, 5, 1, "");
    archive_add("TRAILER!!!", 0, 0, 1, "");
    initrd_unpack_archive("test", archive, archive_bytes, 0);
    expect_contents(t, "/tmp/u/sym/file", "deep");
    expect_contents(t, "/tmp/u/one", "linked");
    expect_contents(t, "/tmp/u/two", "linked");
    EXPECT_EQ(t, nlink_of("/tmp/u/three"), 3);
    struct inode *inode = get("/tmp/u", PATH_FOLLOW), *null = get("/tmp/u/null", PATH_FOLLOW);
    REQUIRE(t, inode != NULL && null != NULL);
    EXPECT_EQ(t, inode->mode, S_IFDIR | 0700);
    EXPECT_EQ(t, inode->mtime, 1000000000000ull);
    EXPECT_EQ(t, null->rdev, DEVICE_NUMBER(1, 3));
    inode_put(inode);
    inode_put(null);
    remove_all(made, ARRAY_SIZE(made));
    EXPECT_EQ(t, look("/tmp/u"), -ENOENT);
}

/* Later archives win; a damaged one gives what was before the damage. */
static void unpack_again_and_damaged(struct test *t)
{
    archive_bytes = 0;
    archive_add("tmp/v", REG, 1, 1, "first");
    archive_add("TRAILER!!!", 0, 0, 1, "");
    initrd_unpack_archive("test", archive, archive_bytes, 0);
    expect_contents(t, "/tmp/v", "first");
    EXPECT_EQ(t, unlink_file("/tmp/v"), 0);
    initrd_unpack_archive("test", archive, archive_bytes, 0);
    static uint8_t first[sizeof(archive)];
    memcpy(first, archive, archive_bytes); /* its source must stay where it is */
    initrd_unpack_archive("test", first, archive_bytes, 0);
    archive_bytes = 0;
    archive_add("tmp/v", REG, 1, 1, "second");
    archive_add("tmp/w", REG, 2, 1, "cut off");
    initrd_unpack_archive("damaged, and it should be", archive, archive_bytes - 5, 0);
    expect_contents(t, "/tmp/v", "second");
    EXPECT_EQ(t, look("/tmp/w"), -ENOENT);
    EXPECT_EQ(t, unlink_file("/tmp/v"), 0);
}

/* What came with the boot modules costs no page before it is used. */
static void boot_files_are_not_resident(struct test *t)
{
    static uint8_t bytes[16];
    struct inode *inode = get("/bin/hello", PATH_FOLLOW);
    if (inode == NULL)
        SKIP(t, "booted without initrd");
    reclaim_all();
    EXPECT_EQ(t, inode->cache->npages, 0);
    EXPECT_EQ(t, inode_read(inode, 0, bytes, 4), 4);
    EXPECT(t, memcmp(bytes, "\177ELF", 4) == 0);
    EXPECT_EQ(t, inode->cache->npages, 1);
    inode_put(inode);
}

const struct test_case test_cases[] = {
    TEST(standard_tree),
    TEST(create_and_remove),
    TEST(directories),
    TEST(removed_directory),
    TEST(long_names),
    TEST(hard_links),
    TEST(unlink_while_open),
    TEST(symlinks),
    TEST(symlink_loops),
    TEST(expansion_too_long),
    TEST(paths),
    TEST(parents),
    TEST(place_to_create),
    TEST(inode_paths),
    TEST(rename_files),
    TEST(rename_directories),
    TEST(readdir_survives_changes),
    TEST(read_and_write),
    TEST(sparse_files),
    TEST(allocate_in_advance),
    TEST(names_are_limited),
    TEST(file_that_fills_memory),
    TEST(user_buffers_that_end),
    TEST(append_and_limits),
    TEST(devices_without_hardware),
    TEST(allocations_that_fail),
    TEST(device_nodes),
    TEST(mounts),
    TEST(unpack_archive),
    TEST(unpack_again_and_damaged),
    TEST(boot_files_are_not_resident),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
