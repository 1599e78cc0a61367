/* /proc as a tree.
 *
 * Nothing of it is stored: a directory is a table of entries, or a walk over what exists at that
 * moment (processes, threads, descriptors).  An inode is made when a name is looked up and goes with
 * its last reference; it holds its directory's.  A file's text is made when it is read from its
 * beginning, and kept for the pieces that follow, so that one pass over the file sees one moment.
 *
 *     /proc   meminfo ...            files of the machine       show_memory.c, show_system.c
 *             self                   link to the reader's PID
 *             PID   maps ...         files of a process         show_process.c
 *                   exe cwd root     links to inodes
 *                   fd/N             links to open files
 *                   task/TID         the same files for each thread
 *             sys/vm, sys/kernel     settings
 *
 * Lock        "text" in each open text file: threads may share one. */
#include "kernel/procfs/procfs.h"

#include "kernel/fs/file.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/show.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#define PROC_DEVICE 0x05u
#define STORE_MAX 64u /* bytes that a written value may have */

struct entry;

enum directory_id {
    ROOT_DIRECTORY,
    PROCESS_DIRECTORY,
    THREAD_DIRECTORY,
    TASK_DIRECTORY,
    FD_DIRECTORY,
    SYS_DIRECTORY,
    VM_DIRECTORY,
    KERNEL_DIRECTORY,
};

/* A directory is a table of entries and, behind them, names that `next` and `find` know. */
struct directory {
    const struct entry *entries;
    unsigned count;
    enum directory_id id;
    /* The smallest number >= *number that exists here; false: none. */
    bool (*next)(uint32_t pid, uint32_t *number);
    const struct entry *numbered; /* what such a number is */
};

/* One name: exactly one of the last five groups is set. */
struct entry {
    const char *name;
    uint32_t permissions;
    const struct directory *directory;
    int (*show)(struct text *text, uint32_t pid);
    int (*store)(uint32_t pid, const char *value); /* with show: may be written */
    bool of_thread;             /* show and store get the thread's number, not the process's */
    const struct file_ops *ops; /* binary files */
    int (*target)(uint32_t pid, uint32_t number, char *text, size_t size); /* links */
    int (*inode_of)(uint32_t pid, uint32_t number,
                    struct inode **inode); /* links that follow */
};

struct proc_inode {
    struct inode inode;
    const struct entry *entry;
    struct inode *parent; /* with a reference; NULL: the root of /proc */
    uint32_t pid;         /* 0: the machine's */
    uint32_t
        number; /* of a numbered entry: PID, TID, descriptor; of others: their directory's */
};

static struct slab_cache *inode_cache;

static struct proc_inode *to_proc(const struct inode *inode)
{
    return container_of(inode, struct proc_inode, inode);
}

uint32_t procfs_pid_of(const struct file *file)
{
    return to_proc(file->inode)->pid;
}

/* ---- text files ---- */

struct text_file {
    struct mutex mutex;
    struct text text;
    bool made; /* the text is there, perhaps empty */
};

static int text_open(struct file *file)
{
    bool writes = (file->flags & O_ACCMODE) != O_RDONLY;

    if (writes && !to_proc(file->inode)->entry->store)
        return -EACCES;
    struct text_file *text_file = kmalloc(sizeof(*text_file), PAGE_ZERO);
    if (!text_file)
        return -ENOMEM;
    mutex_init(&text_file->mutex, "text");
    file->private = text_file;
    return 0;
}

static void text_release(struct file *file)
{
    struct text_file *text_file = file->private;

    text_free(&text_file->text);
    kfree(text_file);
}

/* Whose file it is, for `show` and `store`. */
static uint32_t subject_of(const struct proc_inode *proc)
{
    return proc->entry->of_thread ? proc->number : proc->pid;
}

/* Mutex held. */
static int refresh(struct text_file *text_file, const struct proc_inode *proc)
{
    struct text *text = &text_file->text;

    text_free(text);
    int error = proc->entry->show(text, subject_of(proc));
    if (!error && text->failed)
        error = -ENOMEM;
    if (error)
        text_free(text);
    text_file->made = !error;
    return error;
}

/* Mutex held.  From position `at` on. */
static int32_t copy_text(const struct text *text, uaddr_t buffer, uint32_t nbytes, uint64_t at)
{
    if (at >= text->length)
        return 0;
    nbytes = (uint32_t)MIN((uint64_t)nbytes, text->length - at);
    uint32_t missing = (uint32_t)copy_to_user(buffer, text->bytes + at, nbytes);
    return missing == nbytes && nbytes > 0 ? -EFAULT : (int32_t)(nbytes - missing);
}

static int32_t text_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    struct text_file *text_file = file->private;
    int32_t result = 0;

    mutex_lock(&text_file->mutex);
    if (*offset == 0 || !text_file->made)
        result = refresh(text_file, to_proc(file->inode));
    if (!result)
        result = copy_text(&text_file->text, buffer, nbytes, *offset);
    mutex_unlock(&text_file->mutex);
    if (result > 0)
        *offset += (uint32_t)result;
    return result;
}

/* As on Linux: how long the text will be is not known. */
static int64_t text_seek(struct file *file, int64_t offset, int whence)
{
    return whence == SEEK_END ? -EINVAL : file_seek_in_size(file, offset, whence);
}

static int32_t text_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    const struct proc_inode *proc = to_proc(file->inode);
    char value[STORE_MAX];

    if (nbytes >= sizeof(value))
        return -EINVAL;
    if (copy_from_user(value, buffer, nbytes) != 0)
        return -EFAULT;
    value[nbytes] = '\0';
    if (nbytes > 0 && value[nbytes - 1] == '\n')
        value[nbytes - 1] = '\0';
    int error = proc->entry->store(subject_of(proc), value);
    if (error)
        return error;
    *offset += nbytes;
    return (int32_t)nbytes;
}

static const struct file_ops text_file_ops = {
    .open = text_open,
    .read = text_read,
    .write = text_write,
    .seek = text_seek,
    .release = text_release,
};

/* ---- inodes ---- */

static const struct inode_ops proc_inode_ops, magic_link_ops;
static const struct file_ops directory_file_ops = { .seek = file_seek_in_size };

static uint32_t type_of(const struct entry *entry)
{
    return entry->directory ? S_IFDIR : entry->target ? S_IFLNK : S_IFREG;
}

/* `parent`: in which directory; NULL: none. */
static int make_inode(const struct entry *entry, struct inode *parent, uint32_t pid,
                      uint32_t number, uint32_t inode_number, struct inode **made)
{
    struct proc_inode *proc = slab_alloc(inode_cache, PAGE_ZERO);

    if (!proc)
        return -ENOMEM;
    proc->entry = entry;
    proc->parent = parent ? inode_get(parent) : NULL;
    proc->pid = pid;
    proc->number = number;
    proc->inode = (struct inode){
        .number = inode_number,
        .device = PROC_DEVICE,
        .mode = type_of(entry) | entry->permissions,
        .nlink = entry->directory ? 2 : 1,
        .refs = 1,
        .ops = entry->inode_of ? &magic_link_ops : &proc_inode_ops,
        .file_ops = entry->directory ? &directory_file_ops
                    : entry->ops     ? entry->ops
                                     : &text_file_ops,
    };
    proc->inode.atime = proc->inode.mtime = proc->inode.ctime = fs_now();
    *made = &proc->inode;
    return 0;
}

/* With it the references to the directories above: /proc is five levels deep. */
static void release(struct inode *inode)
{
    struct inode *parent = to_proc(inode)->parent;

    slab_free(inode_cache, to_proc(inode));
    if (parent)
        inode_put(parent);
}

/* The number of the inode behind an entry of a directory (the number is 0) or behind a number:
 *
 *     31   30             11 10       9   0
 *     1 |  PID or TID       | thread | fd         a link in fd/
 *     0 |  PID, TID or 0   12 | id 6 | entry + 2  all others; 1 is the root */
#define OWNER_SHIFT 12
#define DIRECTORY_SHIFT 6
#define FD_BIT (1u << 31)
#define FD_OWNER_SHIFT 11
#define FD_THREAD_SHIFT 10
_Static_assert(FILE_TABLE_MAX <= 1u << FD_THREAD_SHIFT,
               "descriptors have room in inode numbers");

static uint32_t number_of(const struct proc_inode *dir, unsigned index, uint32_t number)
{
    const struct directory *directory = dir->entry->directory;
    bool numbered = index == directory->count;

    if (numbered && directory->id == FD_DIRECTORY) {
        bool thread = to_proc(dir->parent)->entry->directory->id == THREAD_DIRECTORY;
        return FD_BIT | dir->number << FD_OWNER_SHIFT | (uint32_t)thread << FD_THREAD_SHIFT |
               number;
    }
    return (numbered ? number : dir->number) << OWNER_SHIFT | directory->id << DIRECTORY_SHIFT |
           (index + 2);
}

/* Is `name` this number as it is written in /proc? */
static bool is_name_of(const char *name, uint32_t number)
{
    char text[12];

    snprintf(text, sizeof(text), "%u", number);
    return !strcmp(name, text);
}

static int lookup(struct inode *inode, const char *name, struct inode **found)
{
    const struct proc_inode *dir = to_proc(inode);
    const struct directory *directory = dir->entry->directory;
    uint32_t number, existing;

    if (!directory)
        return -ENOTDIR;
    if (!strcmp(name, "..") && dir->parent) {
        *found = inode_get(dir->parent);
        return 0;
    }
    for (unsigned i = 0; i < directory->count; i++)
        if (!strcmp(directory->entries[i].name, name))
            return make_inode(&directory->entries[i], inode, dir->pid, dir->number,
                              number_of(dir, i, 0), found);
    if (!directory->next || parse_u32(name, &number) != 0 || !is_name_of(name, number))
        return -ENOENT;
    existing = number;
    if (!directory->next(dir->pid, &existing) || existing != number)
        return -ENOENT;
    /* Below the root, a number is the process itself. */
    return make_inode(directory->numbered, inode, dir->pid ? dir->pid : number, number,
                      number_of(dir, directory->count, number), found);
}

/* Positions: 0 ".", 1 "..", then the table, then FIRST_NUMBERED + number. */
#define FIRST_NUMBERED 0x100u

static int readdir(struct inode *inode, uint64_t *position, struct dir_entry *out)
{
    const struct proc_inode *dir = to_proc(inode);
    const struct directory *directory = dir->entry->directory;
    uint32_t at = (uint32_t)*position;

    if (!directory)
        return -ENOTDIR;
    if (at < 2) {
        const struct inode *above = dir->parent ? dir->parent : fs_root();
        *out = (struct dir_entry){ .number = (at == 0 ? inode : above)->number,
                                   .mode = S_IFDIR };
        strlcpy(out->name, at == 0 ? "." : "..", sizeof(out->name));
        *position = at + 1;
        return 1;
    }
    if (at - 2 < directory->count) {
        const struct entry *entry = &directory->entries[at - 2];
        *out = (struct dir_entry){ .number = number_of(dir, at - 2, 0),
                                   .mode = type_of(entry) };
        strlcpy(out->name, entry->name, sizeof(out->name));
        *position = at + 1;
        return 1;
    }
    uint32_t number = at < FIRST_NUMBERED ? 0 : at - FIRST_NUMBERED;
    if (!directory->next || !directory->next(dir->pid, &number))
        return 0;
    *out = (struct dir_entry){ .number = number_of(dir, directory->count, number),
                               .mode = type_of(directory->numbered) };
    snprintf(out->name, sizeof(out->name), "%u", number);
    *position = (uint64_t)FIRST_NUMBERED + number + 1;
    return 1;
}

static int read_link(struct inode *inode, char *target, size_t size)
{
    const struct proc_inode *proc = to_proc(inode);

    return proc->entry->target ? proc->entry->target(proc->pid, proc->number, target, size)
                               : -EINVAL;
}

static int follow(struct inode *inode, struct inode **target)
{
    const struct proc_inode *proc = to_proc(inode);

    return proc->entry->inode_of(proc->pid, proc->number, target);
}

static void path(const struct inode *inode, char *text, size_t size);

/* Opening with O_TRUNC ("echo 1 > file") is harmless. */
static int truncate(struct inode *inode, uint64_t size)
{
    (void)size;
    return inode_is(inode, S_IFREG) ? 0 : -EINVAL;
}

static const struct inode_ops proc_inode_ops = {
    .lookup = lookup,
    .readdir = readdir,
    .readlink = read_link,
    .truncate = truncate,
    .path = path,
    .release = release,
};

/* Links that lead straight to an inode, whatever their text says. */
static const struct inode_ops magic_link_ops = {
    .readlink = read_link,
    .follow = follow,
    .path = path,
    .release = release,
};

/* ---- links ---- */

static int self_target(uint32_t pid, uint32_t number, char *text, size_t size)
{
    struct process *process = process_current();

    (void)pid;
    (void)number;
    return process ? snprintf(text, size, "%u", process->pid) : -ENOENT;
}

static int thread_self_target(uint32_t pid, uint32_t number, char *text, size_t size)
{
    struct task *task = task_current();

    (void)pid;
    (void)number;
    return task ? snprintf(text, size, "%u/task/%u", task->process->pid, task->tid) : -ENOENT;
}

static int exe_inode(uint32_t pid, uint32_t number, struct inode **inode)
{
    (void)number;
    *inode = process_get_executable(pid);
    return *inode ? 0 : -ENOENT;
}

static int cwd_inode(uint32_t pid, uint32_t number, struct inode **inode)
{
    (void)number;
    *inode = process_get_cwd(pid);
    return *inode ? 0 : -ENOENT;
}

static int root_inode(uint32_t pid, uint32_t number, struct inode **inode)
{
    (void)pid;
    (void)number;
    *inode = inode_get(fs_root());
    return 0;
}

/* The path of an inode; its reference is given back later than the lock, see inode_put(). */
static int path_of(struct inode *inode, char *text, size_t size)
{
    inode_path(inode, text, size);
    inode_put(inode);
    return (int)strlen(text);
}

static int exe_target(uint32_t pid, uint32_t number, char *text, size_t size)
{
    struct inode *inode;
    int error = exe_inode(pid, number, &inode);
    return error ? error : path_of(inode, text, size);
}

static int cwd_target(uint32_t pid, uint32_t number, char *text, size_t size)
{
    struct inode *inode;
    int error = cwd_inode(pid, number, &inode);
    return error ? error : path_of(inode, text, size);
}

static int root_target(uint32_t pid, uint32_t number, char *text, size_t size)
{
    (void)pid;
    (void)number;
    return (int)strlcpy(text, "/", size);
}

/* The file behind a descriptor, with a reference. */
static struct file *file_of(uint32_t pid, uint32_t fd)
{
    struct file_table *table = process_get_files(pid);
    struct file *file = table ? file_table_get(table, (int)fd) : NULL;

    if (table)
        file_table_release(table);
    return file;
}

static int fd_inode(uint32_t pid, uint32_t fd, struct inode **inode)
{
    struct file *file = file_of(pid, fd);

    if (!file)
        return -ENOENT;
    *inode = inode_get(file->inode);
    file_release(file);
    return 0;
}

static int fd_target(uint32_t pid, uint32_t fd, char *text, size_t size)
{
    struct inode *inode;
    int error = fd_inode(pid, fd, &inode);
    return error ? error : path_of(inode, text, size);
}

/* ---- what is numbered ---- */

static bool next_process(uint32_t unused, uint32_t *pid)
{
    struct process_info info;

    (void)unused;
    return process_next_info(pid, &info);
}

static bool next_fd(uint32_t pid, uint32_t *fd)
{
    struct file_table *table = process_get_files(pid);

    if (!table)
        return false;
    int next = file_table_next(table, (int)*fd);
    file_table_release(table);
    *fd = (uint32_t)next;
    return next >= 0;
}

/* ---- what may be written ---- */

/* A decimal number, perhaps negative. */
static int parse_number(const char *value, int *number)
{
    bool negative = value[0] == '-';
    uint32_t magnitude;

    if (parse_u32(value + negative, &magnitude) != 0 || magnitude > INT32_MAX)
        return -EINVAL;
    *number = negative ? -(int)magnitude : (int)magnitude;
    return 0;
}

#define OOM_ADJ_MAX 1000

static void set_adj(struct process *process, void *adj)
{
    process->oom_score_adj = *(const int *)adj;
}

static int store_oom_score_adj(uint32_t pid, const char *value)
{
    int adj;

    if (parse_number(value, &adj) != 0 || adj < -OOM_ADJ_MAX || adj > OOM_ADJ_MAX)
        return -EINVAL;
    return process_with(pid, set_adj, &adj);
}

static void set_name(struct process *process, void *name)
{
    strlcpy(process->name, name, sizeof(process->name));
}

static int store_comm(uint32_t pid, const char *value)
{
    return process_with(pid, set_name, (void *)value);
}

/* The thread's N-th allocation from now on fails: fault injection as Linux has it. */
static void set_countdown(struct task *task, void *countdown)
{
    task->thread->inject_countdown = *(const uint32_t *)countdown;
    if (task->thread == thread_current())
        inject_switch(&task->thread->inject_countdown);
}

static int store_fail_nth(uint32_t tid, const char *value)
{
    uint32_t countdown;

    if (parse_u32(value, &countdown) != 0)
        return -EINVAL;
    return task_with(tid, set_countdown, &countdown);
}

static void get_countdown(struct task *task, void *countdown)
{
    *(uint32_t *)countdown = task->thread->inject_countdown;
}

static int show_fail_nth(struct text *text, uint32_t tid)
{
    uint32_t countdown;

    if (task_with(tid, get_countdown, &countdown) != 0)
        return -ESRCH;
    text_printf(text, "%u\n", countdown);
    return 0;
}

static int store_drop_caches(uint32_t unused, const char *value)
{
    uint32_t what;

    (void)unused;
    if (parse_u32(value, &what) != 0 || what < 1 || what > 3)
        return -EINVAL;
    reclaim_all();
    return 0;
}

static int show_zero(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "0\n");
    return 0;
}

static int show_release(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "6.1.0\n");
    return 0;
}

static int show_pid_max(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "32768\n");
    return 0;
}

/* ---- the tables ---- */

#define TABLE(table) .entries = table, .count = ARRAY_SIZE(table)

static const struct entry vm_entries[] = {
    { .name = "overcommit_memory", .permissions = 0444, .show = show_zero },
    { .name = "drop_caches",
      .permissions = 0644,
      .show = show_zero,
      .store = store_drop_caches },
};
static const struct directory vm_directory = { TABLE(vm_entries), .id = VM_DIRECTORY };

static const struct entry kernel_entries[] = {
    { .name = "osrelease", .permissions = 0444, .show = show_release },
    { .name = "pid_max", .permissions = 0444, .show = show_pid_max },
};
static const struct directory kernel_settings = { TABLE(kernel_entries),
                                                  .id = KERNEL_DIRECTORY };

static const struct entry sys_entries[] = {
    { .name = "vm", .permissions = 0555, .directory = &vm_directory },
    { .name = "kernel", .permissions = 0555, .directory = &kernel_settings },
};
static const struct directory sys_directory = { TABLE(sys_entries), .id = SYS_DIRECTORY };

static const struct entry fd_entry = {
    .name = "fd", .permissions = 0777, .target = fd_target, .inode_of = fd_inode
};
static const struct directory fd_directory = { .id = FD_DIRECTORY,
                                               .next = next_fd,
                                               .numbered = &fd_entry };

#define PROCESS_FILES                                                                        \
    { .name = "maps", .permissions = 0444, .show = show_maps },                              \
        { .name = "smaps", .permissions = 0444, .show = show_smaps },                        \
        { .name = "status", .permissions = 0444, .show = show_pid_status },                  \
        { .name = "stat", .permissions = 0444, .show = show_pid_stat },                      \
        { .name = "statm", .permissions = 0444, .show = show_statm },                        \
        { .name = "cmdline", .permissions = 0444, .show = show_arguments },                  \
        { .name = "environ", .permissions = 0400, .show = show_environment },                \
        { .name = "limits", .permissions = 0444, .show = show_limits },                      \
        { .name = "comm", .permissions = 0644, .show = show_comm, .store = store_comm },     \
        { .name = "oom_score", .permissions = 0444, .show = show_oom_score },                \
        { .name = "oom_score_adj",                                                           \
          .permissions = 0644,                                                               \
          .show = show_oom_score_adj,                                                        \
          .store = store_oom_score_adj },                                                    \
        { .name = "fail-nth",                                                                \
          .permissions = 0644,                                                               \
          .of_thread = true,                                                                 \
          .show = show_fail_nth,                                                             \
          .store = store_fail_nth },                                                         \
        { .name = "pagemap", .permissions = 0400, .ops = &pagemap_file_ops },                \
        { .name = "exe", .permissions = 0777, .target = exe_target, .inode_of = exe_inode }, \
        { .name = "cwd", .permissions = 0777, .target = cwd_target, .inode_of = cwd_inode }, \
        { .name = "root",                                                                    \
          .permissions = 0777,                                                               \
          .target = root_target,                                                             \
          .inode_of = root_inode },                                                          \
        { .name = "mounts", .permissions = 0444, .show = show_mounts },                      \
    {                                                                                        \
        .name = "fd", .permissions = 0500, .directory = &fd_directory                        \
    }

static const struct entry thread_entries[] = { PROCESS_FILES };
static const struct directory thread_directory = { TABLE(thread_entries),
                                                   .id = THREAD_DIRECTORY };
static const struct entry thread_entry = { .name = "task",
                                           .permissions = 0555,
                                           .directory = &thread_directory };
static const struct directory task_directory = { .id = TASK_DIRECTORY,
                                                 .next = task_next_tid,
                                                 .numbered = &thread_entry };

static const struct entry process_entries[] = {
    PROCESS_FILES,
    { .name = "task", .permissions = 0555, .directory = &task_directory },
};
static const struct directory process_directory = { TABLE(process_entries),
                                                    .id = PROCESS_DIRECTORY };
static const struct entry process_entry = { .name = "process",
                                            .permissions = 0555,
                                            .directory = &process_directory };

static const struct entry root_entries[] = {
    { .name = "meminfo", .permissions = 0444, .show = show_meminfo },
    { .name = "slabinfo", .permissions = 0400, .show = show_slabinfo },
    { .name = "buddyinfo", .permissions = 0400, .show = show_buddyinfo },
    { .name = "pagetypeinfo", .permissions = 0400, .show = show_pagetypeinfo },
    { .name = "extfrag_index", .permissions = 0400, .show = show_extfrag_index },
    { .name = "unusable_index", .permissions = 0400, .show = show_unusable_index },
    { .name = "zoneinfo", .permissions = 0400, .show = show_zoneinfo },
    { .name = "vmstat", .permissions = 0444, .show = show_vmstat },
    { .name = "stat", .permissions = 0444, .show = show_stat },
    { .name = "uptime", .permissions = 0444, .show = show_uptime },
    { .name = "loadavg", .permissions = 0444, .show = show_loadavg },
    { .name = "filesystems", .permissions = 0444, .show = show_filesystems },
    { .name = "mounts", .permissions = 0444, .show = show_mounts },
    { .name = "version", .permissions = 0444, .show = show_version },
    { .name = "cmdline", .permissions = 0444, .show = show_command_line },
    { .name = "cpuinfo", .permissions = 0444, .show = show_cpuinfo },
    { .name = "kpageflags", .permissions = 0400, .ops = &kpageflags_file_ops },
    { .name = "kpagecount", .permissions = 0400, .ops = &kpagecount_file_ops },
    { .name = "self", .permissions = 0777, .target = self_target },
    { .name = "thread-self", .permissions = 0777, .target = thread_self_target },
    { .name = "sys", .permissions = 0555, .directory = &sys_directory },
};
static const struct directory root_directory = { TABLE(root_entries), .id = ROOT_DIRECTORY,
                                                 .next = next_process,
                                                 .numbered = &process_entry };
static const struct entry root_entry = { .name = "proc",
                                         .permissions = 0555,
                                         .directory = &root_directory };

/* Where it is: the names of the directories above, and its own. */
static void path(const struct inode *inode, char *text, size_t size)
{
    const struct proc_inode *proc = to_proc(inode);

    if (!proc->parent) {
        strlcpy(text, "/proc", size);
        return;
    }
    path(proc->parent, text, size);
    size_t length = strlen(text);
    if (proc->entry == to_proc(proc->parent)->entry->directory->numbered)
        snprintf(text + length, size - length, "/%u", proc->number);
    else
        snprintf(text + length, size - length, "/%s", proc->entry->name);
}

void procfs_init(void)
{
    struct inode *root;

    inode_cache = slab_cache_create("proc_inode", sizeof(struct proc_inode), 0, NULL, 0);
    ASSERT(inode_cache, "no memory for the cache of /proc's inodes");
    int error = make_inode(&root_entry, NULL, 0, 0, 1, &root);
    if (!error)
        error = fs_mount("proc", root);
    ASSERT(!error, "cannot make /proc: error %d", -error);
}
