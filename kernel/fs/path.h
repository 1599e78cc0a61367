/* kernel/fs/path.h - from a path to an inode (path_resolution(7)).
 * Below: inode.  Above: system calls, exec.  Takes the fs lock itself; thread context. */
#pragma once

#include "kernel/fs/inode.h"

#define PATH_MAX_LINKS 40u /* symbolic links followed before -ELOOP */

enum path_links { PATH_FOLLOW, PATH_NOFOLLOW }; /* of the last component */

/* The inode of `path`, relative to `start` (a directory), with a reference.  0, or -ENOENT (empty
 * path too), -ENOTDIR, -ELOOP, -ENAMETOOLONG. */
int path_lookup(struct inode *start, const char *path, enum path_links links,
                struct inode **found);

/* The directory in which the last component of `path` is or would be, with a reference, and that
 * component in `name` (NAME_MAX + 1 bytes; "" for "/", may be "." or "..").  Errors as above, for what
 * comes before it. */
int path_lookup_parent(struct inode *start, const char *path, struct inode **dir, char *name);

/* The same for open(O_CREAT) after path_lookup() has found nothing: if the last component is a link
 * that leads nowhere, the file is made where it leads.  -EISDIR: a slash at the end. */
int path_lookup_create(struct inode *start, const char *path, struct inode **dir, char *name);
