/* Programs that the kernel's shell starts.
 *
 * The starter finds the file, copies arguments and environment, opens the console, and makes
 * the process; the process's own thread loads the program, because that fills its memory, and
 * says how it went.  Until then the two share a struct process_start on the starter's stack. */
#include "kernel/fs/path.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/process_internal.h"

#define CONSOLE_PATH "/dev/console"
#define PROGRAM_FOLDER "/bin/"
#define PROGRAM_PATH_MAX 128u
#define STATUS_NOT_STARTED (127 << 8)

struct process_start {
    struct exec_strings strings;
    struct inode *file;
    char path[PROGRAM_PATH_MAX];
    int error;
    bool done;
    struct wait_queue loaded;
};

void process_set_news_hook(process_news_hook hook)
{
    processes.news_hook = hook;
}

/* ---- in the new process ---- */

static int load(struct process *process, struct process_start *start)
{
    struct space_limits limits;
    struct exec_image image;
    struct space *space;
    struct inode *executable;

    process_space_limits(process, &limits);
    int error = exec_load(process->cwd, start->file, start->path, &start->strings, &limits,
                          &space, &image, &executable);
    if (error)
        return error;
    exec_commit(space, executable, start->path);
    exec_set_frame(thread_user_frame(thread_current()), &image);
    return 0;
}

/* The first thing its thread does; when it returns, the program runs. */
static void start_program(void *argument)
{
    struct process *process = ((struct task *)argument)->process;
    struct process_start *start = process->start;
    int error = load(process, start);

    uint32_t irq = spin_lock(&processes.lock);
    process->start = NULL;
    if (error)
        process->mode = PROCESS_FOREGROUND; /* the starter waits for it */
    start->error = error;
    start->done = true;
    wait_queue_wake_all(&start->loaded);
    spin_unlock(&processes.lock, irq);
    if (error)
        task_exit(STATUS_NOT_STARTED);
}

/* ---- in the starter ---- */

/* A path from the root, or the name of a file in /bin. */
static int find_program(const char *name, struct process_start *start)
{
    bool folders = strchr(name, '/') != NULL;
    int error = -ENOENT;

    for (unsigned i = folders ? 0 : 1; i < 2 && error == -ENOENT; i++) {
        if (snprintf(start->path, sizeof(start->path), "%s%s", i == 0 ? "" : PROGRAM_FOLDER,
                     name) >= (int)sizeof(start->path))
            return -ENAMETOOLONG;
        error = path_lookup(fs_root(), start->path, PATH_FOLLOW, &start->file);
    }
    return error;
}

/* Does the list (NULL at its end) have a variable of the same name? */
static bool has_name(char *const list[], const char *variable)
{
    size_t length = (size_t)(strchr(variable, '=') - variable) + 1;

    while (*list && strncmp(*list, variable, length) != 0)
        list++;
    return *list != NULL;
}

static int add_variable(struct exec_strings *strings, const char *variable)
{
    int error = exec_strings_add(strings, variable);

    strings->envc += error == 0;
    return error;
}

/* The usual variables and those in `added`; of each name the last one. */
static int copy_environment(char *const added[], struct exec_strings *strings)
{
    static const char *const usual[] = {
        "PATH=/bin", "HOME=/root", "TERM=linux", "PWD=/", "USER=root", "SHELL=/bin/sh",
    };
    int error = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(usual) && !error; i++)
        if (!has_name(added, usual[i]))
            error = add_variable(strings, usual[i]);
    for (; *added && !error; added++)
        if (!has_name(added + 1, *added))
            error = add_variable(strings, *added);
    return error;
}

static int copy_strings(int argc, char *const argv[], char *const environment[],
                        struct exec_strings *strings)
{
    int error = 0;

    for (int i = 0; i < argc && !error; i++)
        error = exec_strings_add(strings, argv[i]);
    strings->argc = (unsigned)argc;
    return error ? error : copy_environment(environment, strings);
}

/* Descriptors 0, 1 and 2: one open file. */
static int open_console(struct process *process)
{
    struct inode *inode;
    struct file *file;

    process->files = file_table_create();
    if (!process->files)
        return -ENOMEM;
    int error = path_lookup(fs_root(), CONSOLE_PATH, PATH_FOLLOW, &inode);
    if (error)
        return error;
    error = file_open(inode, O_RDWR, &file);
    inode_put(inode);
    if (error)
        return error;
    for (int fd = 0; fd <= 2 && error >= 0; fd++) {
        error = file_table_add(process->files, file_hold(file), fd, FILE_KEEP);
        if (error < 0)
            file_release(file); /* the one that the table did not take */
    }
    file_release(file);
    return MIN(error, 0);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The process with its first thread, in the table, not running yet. */
static int make_process(struct process_start *start, enum process_mode mode,
                        struct task **first)
{
    struct process *process = process_alloc(base_name(start->path));

    if (!process)
        return -ENOMEM;
    process->mode = mode;
    process->start = start;
    process->cwd = inode_get(fs_root());
    int error = open_console(process);
    if (error)
        goto free_process;
    error = -ENOMEM;
    *first = task_create(process, NULL, start_program, NULL);
    if (!*first)
        goto free_process;
    error = process_enter(process, *first);
    if (!error)
        return 0;
    task_discard(*first);
free_process:
    process_free(process);
    return error;
}

static int start_and_wait(struct process_start *start, enum process_mode mode)
{
    struct task *first;
    int error = make_process(start, mode, &first);

    if (error)
        return error;
    uint32_t pid = first->tid, irq = irq_save();
    thread_start_user(first->thread);
    while (!start->done)
        wait_queue_sleep_deaf(&start->loaded);
    irq_restore(irq);
    if (start->error)
        process_wait(pid);
    return start->error ? start->error : (int)pid;
}

int process_start(int argc, char *const argv[], char *const environment[],
                  enum process_mode mode)
{
    static char *const nothing[] = { NULL };
    struct process_start start = { .done = false };

    if (argc < 1)
        return -ENOENT;
    wait_queue_init(&start.loaded);
    int error = find_program(argv[0], &start);
    if (error)
        return error;
    error = copy_strings(argc, argv, environment ? environment : nothing, &start.strings);
    if (!error)
        error = start_and_wait(&start, mode);
    exec_strings_free(&start.strings);
    inode_put(start.file);
    return error;
}

/* ---- wait and kill ---- */

/* Lock held.  True: *status is known; a zombie is out of the table, in *ended.  -ESRCH as
 * status: nobody the kernel waits for. */
static bool look_at(uint32_t pid, int *status, struct process **ended)
{
    struct process *process = process_find(pid);

    *status = -ESRCH;
    if (!process || process->parent || process->mode != PROCESS_FOREGROUND)
        return true;
    if (process->state == PROCESS_ZOMBIE) {
        *status = process_end_status(process->wait_status);
        process_remove(process);
        *ended = process;
        return true;
    }
    if (process->state == PROCESS_STOPPED && process->stop_signal) {
        *status = STATUS_STOPPED + process->stop_signal;
        process->mode = PROCESS_BACKGROUND;
        processes.foreground = 0;
        tty_put_aside(&process->terminal);
        return true;
    }
    return false;
}

int process_wait(uint32_t pid)
{
    struct process *ended = NULL;
    int status;
    uint32_t irq = irq_save();

    for (;;) {
        uint32_t none = spin_lock(&processes.lock);
        bool known = look_at(pid, &status, &ended);
        spin_unlock(&processes.lock, none);
        if (known)
            break;
        wait_queue_sleep_deaf(&processes.changed);
    }
    irq_restore(irq);
    if (ended)
        process_free(ended);
    return status;
}

/* Lock held. */
static bool take_terminal(uint32_t pid)
{
    struct process *process = process_find(pid);

    if (!process || process->parent || process->mode != PROCESS_BACKGROUND ||
        process->state == PROCESS_ZOMBIE)
        return false;
    process->mode = PROCESS_FOREGROUND;
    processes.foreground = process->pgid;
    tty_take_back(&process->terminal);
    return true;
}

static void send(struct process *process, void *context)
{
    const int *signal = context;

    if (*signal != 0)
        signal_send(process, &(struct signal_info){ .signal = *signal, .code = SI_USER });
}

int process_kill(uint32_t pid, int signal)
{
    if (signal < 0 || signal > SIGNAL_COUNT)
        return -EINVAL;
    return process_with(pid, send, &signal);
}

int process_resume(uint32_t pid)
{
    int signal = SIGCONT;
    uint32_t irq = spin_lock(&processes.lock);
    bool taken = take_terminal(pid);

    spin_unlock(&processes.lock, irq);
    if (!taken)
        return -ESRCH;
    process_for_each(process_foreground(), send, &signal);
    return 0;
}
