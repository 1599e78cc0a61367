/* From paths to inodes (path_resolution(7)).
 *
 * Walk      Component after component, `at` is the inode reached so far.  A symbolic link's target is
 *           put before the rest of the path, and the walk goes on from the link's directory, or from
 *           the root if the target begins with a slash:
 *
 *               /lib/libc.so          at = /          rest "lib/libc.so"
 *               lib -> usr/lib        at = /          rest "usr/lib/libc.so"
 *
 * Mounts    Downwards a mounted directory is simply what the lookup finds.  Upwards, ".." of a
 *           directory that is no entry of its own file system is where it is mounted: in the root.
 * Limits    40 links, 4095 bytes of path with the targets put in.
 * Lock      "fs", for the whole walk. */
#include "kernel/fs/path.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/kmalloc.h"

struct walk {
    struct inode *at; /* with a reference */
    const char *rest; /* what remains of the path */
    char *expanded;   /* the block `rest` points into, once a link was followed */
    unsigned links;   /* followed so far */
    size_t length;    /* of the component */
    const char *name; /* the component, in `rest`: not terminated */
};

/* Find the next component; false: none is left. */
static bool next_component(struct walk *walk)
{
    while (*walk->rest == '/')
        walk->rest++;
    walk->name = walk->rest;
    while (*walk->rest && *walk->rest != '/')
        walk->rest++;
    walk->length = (size_t)(walk->rest - walk->name);
    return walk->length > 0;
}

/* Nothing but slashes behind the component? */
static bool is_last(const struct walk *walk)
{
    const char *rest = walk->rest;

    while (*rest == '/')
        rest++;
    return !*rest;
}

/* The component that is to be looked for in `at`: 0, -ENOTDIR, or -ENAMETOOLONG. */
static int copy_name(const struct walk *walk, char *name)
{
    if (!inode_is(walk->at, S_IFDIR))
        return -ENOTDIR;
    if (walk->length > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, walk->name, walk->length);
    name[walk->length] = '\0';
    return 0;
}

static void move_to(struct walk *walk, struct inode *inode)
{
    inode_put(walk->at);
    walk->at = inode;
}

/* ".." from here. */
static int look_up_parent(const struct inode *at, struct inode **found)
{
    struct inode *root = fs_root();

    if (at->device != root->device && at->ops->lookup((struct inode *)at, "..", found) == 0)
        return 0;
    if (at->device == root->device)
        return root->ops->lookup((struct inode *)at, "..", found);
    *found = inode_get(root);
    return 0;
}

/* What the component is, seen from `at`. */
static int look_up(const struct walk *walk, const char *name, struct inode **found)
{
    if (!walk->at->ops->lookup)
        return -ENOTDIR;
    if (name[0] == '.' && name[1] == '\0') {
        *found = inode_get(walk->at);
        return 0;
    }
    if (name[0] == '.' && name[1] == '.' && name[2] == '\0')
        return look_up_parent(walk->at, found);
    return walk->at->ops->lookup(walk->at, name, found);
}

/* The new rest of the path is `target` and then the old one. */
static int put_before_rest(struct walk *walk, char *target, int length)
{
    size_t rest = strlen(walk->rest);

    if (length >= (int)PATH_MAX || (size_t)length + rest >= PATH_MAX)
        return -ENAMETOOLONG;
    if (length == 0)
        return -ENOENT;
    memcpy(target + length, walk->rest, rest + 1);
    return 0;
}

/* Follow a link by its text. */
static int follow_text(struct walk *walk, struct inode *link)
{
    char *target = kmalloc(PATH_MAX, PAGE_ANY);

    if (!target)
        return -ENOMEM;
    int length = link->ops->readlink ? link->ops->readlink(link, target, PATH_MAX) : -EINVAL;
    int error = length < 0 ? length : put_before_rest(walk, target, length);
    if (error) {
        kfree(target);
        return error;
    }
    kfree(walk->expanded);
    walk->rest = walk->expanded = target;
    if (*target == '/')
        move_to(walk, inode_get(fs_root()));
    return 0;
}

/* Follow a link, whose reference ends here. */
static int follow(struct walk *walk, struct inode *link)
{
    struct inode *target;
    int error = -ELOOP;

    if (++walk->links <= PATH_MAX_LINKS) {
        error = link->ops->follow ? link->ops->follow(link, &target) : follow_text(walk, link);
        if (!error && link->ops->follow)
            move_to(walk, target);
    }
    inode_put(link);
    return error;
}

/* One step: the component becomes `at`, or the link it is becomes part of the path. */
static int step(struct walk *walk, enum path_links links)
{
    char name[NAME_MAX + 1];
    struct inode *found;
    /* A slash behind a link means what it points to. */
    bool through = links == PATH_FOLLOW || *walk->rest == '/';
    int error = copy_name(walk, name);

    if (!error)
        error = look_up(walk, name, &found);
    if (error)
        return error;
    if (inode_is(found, S_IFLNK) && through)
        return follow(walk, found);
    move_to(walk, found);
    return 0;
}

/* ---- beginning and end ---- */

static int walk_begin(struct walk *walk, struct inode *start, const char *path)
{
    if (!*path)
        return -ENOENT;
    *walk = (struct walk){
        .at = inode_get(*path == '/' ? fs_root() : start),
        .rest = path,
    };
    fs_lock();
    return 0;
}

/* Hand `at` over; with an error nobody gets it. */
static int walk_end(struct walk *walk, int error, struct inode **found)
{
    fs_unlock();
    kfree(walk->expanded);
    if (error)
        inode_put(walk->at);
    else
        *found = walk->at;
    return error;
}

int path_lookup(struct inode *start, const char *path, enum path_links links,
                struct inode **found)
{
    struct walk walk;
    bool must_be_directory = false;
    int error = walk_begin(&walk, start, path);

    if (error)
        return error;
    while (!error && next_component(&walk)) {
        must_be_directory = *walk.rest == '/';
        error = step(&walk, is_last(&walk) ? links : PATH_FOLLOW);
    }
    if (!error && must_be_directory && !inode_is(walk.at, S_IFDIR))
        error = -ENOTDIR;
    return walk_end(&walk, error, found);
}

/* Is the component a link? */
static bool is_link(const struct walk *walk)
{
    char name[NAME_MAX + 1];
    struct inode *found;

    if (copy_name(walk, name) != 0 || look_up(walk, name, &found) != 0)
        return false;
    bool link = inode_is(found, S_IFLNK);
    inode_put(found);
    return link;
}

static int look_up_end(struct inode *start, const char *path, enum path_links links,
                       struct inode **dir, char *name)
{
    struct walk walk;
    int error = walk_begin(&walk, start, path);

    if (error)
        return error;
    name[0] = '\0';
    while (!error && next_component(&walk)) {
        if (is_last(&walk) && (links == PATH_NOFOLLOW || !is_link(&walk))) {
            error = copy_name(&walk, name);
            break;
        }
        error = step(&walk, PATH_FOLLOW);
    }
    if (!error && !inode_is(walk.at, S_IFDIR))
        error = -ENOTDIR;
    if (!error && links == PATH_FOLLOW && *walk.rest == '/')
        error = -EISDIR;
    return walk_end(&walk, error, dir);
}

int path_lookup_parent(struct inode *start, const char *path, struct inode **dir, char *name)
{
    return look_up_end(start, path, PATH_NOFOLLOW, dir, name);
}

int path_lookup_create(struct inode *start, const char *path, struct inode **dir, char *name)
{
    return look_up_end(start, path, PATH_FOLLOW, dir, name);
}
