/* Processes.
 *
 * A process is an address space and the thread that runs in it.  Its life:
 *
 *     process_start()  checks the program, copies the arguments, makes process and thread
 *       the thread     makes the address space, loads the program (exec), tells the starter,
 *                      and enters ring 3
 *     process_exit()   by system call, by a fault, by a kill: gives the address space back
 *       the thread     ends; when the last of it is freed, process_gone() makes the process
 *                      a zombie
 *     process_wait()   takes the status and the zombie away (background: process_gone() does)
 *
 * So whoever has waited for a process finds all its memory free again.
 *
 * A process is killed by a mark (kill_signal), not by force: its thread sees it on its next way
 * back to ring 3, or when a sleep is cut short.  Whatever it does in the kernel until then is
 * done to the end.
 * Lock        "processes": table, states, marks. */
#include "kernel/proc/process.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/initrd.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

#define LOADING 1           /* load_error while exec is at work */
#define ARGUMENTS_MAX 4096u /* bytes, strings and pointers */
#define HIGHEST_SIGNAL 64

static struct {
    struct spinlock lock;
    struct list_node list; /* in order of pid */
    struct slab_cache *cache;
    uint32_t next_pid;
    uint32_t foreground;
    process_end_hook end_hook;
} processes = {
    .lock = SPINLOCK_INIT("processes"),
    .list = LIST_INIT(processes.list),
    .next_pid = 1,
};

uint32_t process_foreground(void)
{
    return processes.foreground;
}

/* Lock held. */
static struct process *find(uint32_t pid)
{
    list_for_each(node, &processes.list) {
        struct process *process = list_entry(node, struct process, node);
        if (process->pid == pid)
            return process;
    }
    return NULL;
}

/* ---- start ---- */

/* argv and its strings in one block; *copy on success.  0, -E2BIG, -ENOMEM. */
static int copy_arguments(int argc, char *const argv[], char ***copy)
{
    size_t nbytes = (size_t)(argc + 1) * sizeof(char *), at = nbytes;

    for (int i = 0; i < argc; i++)
        nbytes += strlen(argv[i]) + 1;
    if (nbytes > ARGUMENTS_MAX)
        return -E2BIG;
    char *block = kmalloc(nbytes, PAGE_ANY);
    if (!block)
        return -ENOMEM;
    *copy = (char **)block;
    for (int i = 0; i < argc; i++) {
        (*copy)[i] = block + at;
        at += strlcpy(block + at, argv[i], nbytes - at) + 1;
    }
    (*copy)[argc] = NULL;
    return 0;
}

/* In the process's own thread: its space, with the program in it. */
static int load(struct process *process, struct exec_image *image)
{
    struct cpio_entry file;
    struct space *space = space_create();

    if (!space)
        return -ENOMEM;
    process->space = space;
    space_activate(space);
    if (!initrd_find(process->argv[0], &file))
        return -ENOENT;
    return exec_load(space, process->name, file.data, file.nbytes, process->argc, process->argv,
                     image);
}

static void start_in_ring3(const struct exec_image *image)
{
    struct trap_frame frame = {
        .ds = SELECTOR_USER_DATA,
        .es = SELECTOR_USER_DATA,
        .eip = image->entry,
        .cs = SELECTOR_USER_CODE,
        .eflags = EFLAGS_IF,
        .user_esp = image->stack,
        .user_ss = SELECTOR_USER_DATA,
    };

    irq_disable();
    if (process_kill_pending())
        process_exit(STATUS_SIGNALLED + process_current()->kill_signal);
    trap_enter_user(&frame);
}

static void process_main(void *argument)
{
    struct process *process = argument;
    struct exec_image image;
    int error = load(process, &image);

    uint32_t irq = spin_lock(&processes.lock);
    process->load_error = error;
    wait_queue_wake_all(&process->changed);
    spin_unlock(&processes.lock, irq);
    kfree(process->argv);
    process->argv = NULL;
    if (error)
        process_exit(127);
    log_debug("process %u (%s): entry 0x%08x, stack 0x%08x, heap from 0x%08x", process->pid,
              process->name, image.entry, image.stack, process->space->brk_start);
    start_in_ring3(&image);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Lock held.  A process that is over needs no killing. */
static void unmark(struct process *process)
{
    if (process->kill_signal)
        trap_user_work--;
    process->kill_signal = 0;
}

static void process_free(struct process *process)
{
    uint32_t irq = spin_lock(&processes.lock);
    list_remove(&process->node);
    unmark(process);
    if (processes.foreground == process->pid)
        processes.foreground = 0;
    spin_unlock(&processes.lock, irq);
    slab_free(processes.cache, process);
}

/* A background process has nobody who waits for it. */
static void reap(struct process *process)
{
    log_debug("process %u (%s) ended with status %d", process->pid, process->name,
              process->status);
    if (processes.end_hook)
        processes.end_hook(process->pid, process->name, process->status);
    process_free(process);
}

/* Everything is freed but the process itself.  Interrupts off. */
static void process_gone(void *argument)
{
    struct process *process = argument;
    uint32_t irq = spin_lock(&processes.lock);

    process->state = PROCESS_ZOMBIE;
    process->thread = NULL;
    unmark(process);
    if (processes.foreground == process->pid)
        processes.foreground = 0;
    wait_queue_wake_all(&process->changed);
    spin_unlock(&processes.lock, irq);
    if (process->mode == PROCESS_BACKGROUND && !process->starting)
        reap(process);
}

static struct process *process_alloc(int argc, char *const argv[], enum process_mode mode,
                                     int *error)
{
    struct process *process = slab_alloc(processes.cache, PAGE_ZERO);

    *error = -ENOMEM;
    if (!process)
        return NULL;
    *error = copy_arguments(argc, argv, &process->argv);
    if (*error) {
        slab_free(processes.cache, process);
        return NULL;
    }
    strlcpy(process->name, base_name(argv[0]), sizeof(process->name));
    process->argc = argc;
    process->mode = mode;
    process->load_error = LOADING;
    process->starting = true;
    wait_queue_init(&process->changed);
    return process;
}

static void process_register(struct process *process)
{
    uint32_t irq = spin_lock(&processes.lock);
    process->pid = processes.next_pid++;
    list_add_tail(&processes.list, &process->node);
    if (process->mode == PROCESS_FOREGROUND)
        processes.foreground = process->pid;
    spin_unlock(&processes.lock, irq);
}

/* Until exec has succeeded or failed; its result.  A short program may be over by then. */
static int wait_until_loaded(struct process *process)
{
    uint32_t irq = irq_save();

    while (process->load_error == LOADING)
        wait_queue_sleep(&process->changed);
    int error = process->load_error;
    process->starting = false;
    if (!error && process->mode == PROCESS_BACKGROUND && process->state == PROCESS_ZOMBIE)
        reap(process);
    irq_restore(irq);
    return error;
}

int process_start(int argc, char *const argv[], enum process_mode mode)
{
    struct cpio_entry file;
    int error;

    if (argc < 1 || !initrd_find(argv[0], &file))
        return -ENOENT;
    struct process *process = process_alloc(argc, argv, mode, &error);
    if (!process)
        return error;
    process_register(process);
    uint32_t pid = process->pid;
    if (!thread_create_user(process, process_main, process_gone)) {
        kfree(process->argv);
        process_free(process);
        return -ENOMEM;
    }
    error = wait_until_loaded(process);
    if (error)
        process_wait(pid);
    return error ? error : (int)pid;
}

/* ---- end ---- */

/* The space goes when nobody looks at it any more. */
static void give_up_space(struct process *process)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct space *space = process->space;

    process->space = NULL;
    while (process->pins > 0) {
        spin_unlock(&processes.lock, irq);
        thread_yield();
        irq = spin_lock(&processes.lock);
    }
    spin_unlock(&processes.lock, irq);
    space_activate(NULL);
    if (space)
        space_destroy(space);
}

void process_exit(int status)
{
    struct process *process = process_current();

    irq_enable();
    process->status = status;
    give_up_space(process);
    thread_exit();
}

int process_wait(uint32_t pid)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = find(pid);

    if (!process) {
        spin_unlock(&processes.lock, irq);
        return -ESRCH;
    }
    while (process->state != PROCESS_ZOMBIE) {
        spin_unlock(&processes.lock, irq);
        irq = irq_save();
        if (process->state != PROCESS_ZOMBIE)
            wait_queue_sleep(&process->changed);
        irq_restore(irq);
        irq = spin_lock(&processes.lock);
    }
    spin_unlock(&processes.lock, irq);
    int status = process->status;
    process_free(process);
    return status;
}

/* Lock held. */
static void mark_killed(struct process *process, int signal)
{
    if (process->kill_signal == 0 && process->state == PROCESS_RUNNING) {
        process->kill_signal = signal;
        trap_user_work++;
        if (process->thread)
            thread_wake(process->thread);
    }
}

/* Signals that do nothing unless a program asks for them (signal(7)). */
static bool is_ignored(int signal)
{
    return signal == 0 || signal == SIGCHLD || signal == SIGCONT || signal == SIGURG ||
           signal == SIGWINCH;
}

int process_kill(uint32_t pid, int signal)
{
    if (signal < 0 || signal > HIGHEST_SIGNAL)
        return -EINVAL;
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = find(pid);
    if (process && !is_ignored(signal))
        mark_killed(process, signal);
    spin_unlock(&processes.lock, irq);
    return process ? 0 : -ESRCH;
}

/* Before a return to ring 3, while somebody is marked. */
static void end_if_killed(struct trap_frame *frame)
{
    (void)frame;
    if (process_kill_pending())
        process_exit(STATUS_SIGNALLED + process_current()->kill_signal);
}

/* Which signal an exception is on Linux (arch/x86: traps). */
static int signal_of(unsigned vector)
{
    switch (vector) {
    case TRAP_DIVIDE:
    case TRAP_FPU_ERROR:
    case TRAP_SIMD:
        return SIGFPE;
    case TRAP_DEBUG:
    case TRAP_BREAKPOINT:
        return SIGTRAP;
    case TRAP_INVALID_OPCODE:
    case TRAP_NO_FPU:
        return SIGILL;
    case TRAP_SEGMENT_NOT_PRESENT:
    case TRAP_STACK_SEGMENT:
    case TRAP_ALIGNMENT:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}

/* A program's exception that no handler had an answer to: say why, and end the program. */
static void end_by_exception(struct trap_frame *frame)
{
    struct process *process = process_current();
    int signal = signal_of(frame->vector);
    char text[192];

    if (frame->vector == TRAP_PAGE_FAULT) {
        uaddr_t address = cr2_read();
        fault_explain(process->space, address, frame->error, text, sizeof(text));
        if (fault_was_out_of_memory(process->space, address, frame->error)) {
            signal = SIGKILL;
            snprintf(text, sizeof(text), "out of memory at 0x%08x", address);
        }
    } else {
        snprintf(text, sizeof(text), "%s at eip 0x%08x", trap_name(frame->vector), frame->eip);
    }
    irq_enable();
    log_warning("%s[%u] killed by signal %d: %s", process->name, process->pid, signal, text);
    panic_print_frame(frame);
    process_exit(STATUS_SIGNALLED + signal);
}

void process_set_end_hook(process_end_hook hook)
{
    processes.end_hook = hook;
}

void process_init(void)
{
    processes.cache = slab_cache_create("process", sizeof(struct process), 0, NULL, 0);
    ASSERT(processes.cache, "no memory for the cache of processes");
    trap_set_user_work_hook(end_if_killed);
    trap_set_user_handler(end_by_exception);
}

/* ---- views ---- */

int process_with_space(uint32_t pid, void (*use)(struct space *space, void *context),
                       void *context)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = find(pid);
    struct space *space = process ? process->space : NULL;

    if (space)
        process->pins++;
    spin_unlock(&processes.lock, irq);
    if (!space)
        return -ESRCH;
    use(space, context);
    irq = spin_lock(&processes.lock);
    process->pins--;
    spin_unlock(&processes.lock, irq);
    return 0;
}

/* Lock held. */
static void fill_info(struct process *process, struct process_info *info)
{
    *info = (struct process_info){ .pid = process->pid,
                                   .state = process->state,
                                   .background = process->mode == PROCESS_BACKGROUND };
    strlcpy(info->name, process->name, sizeof(info->name));
    if (process->thread) {
        info->thread_id = process->thread->id;
        info->ticks = process->thread->ticks;
    }
    if (process->space) {
        info->virtual_pages = process->space->vmas.npages;
        info->resident = process->space->resident;
        for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
            info->faults += process->space->faults[cause];
    }
}

bool process_next_info(uint32_t *pid, struct process_info *info)
{
    uint32_t irq = spin_lock(&processes.lock);
    bool found = false;

    list_for_each(node, &processes.list) {
        struct process *process = list_entry(node, struct process, node);
        if (process->pid < *pid)
            continue;
        *pid = process->pid;
        fill_info(process, info);
        found = true;
        break;
    }
    spin_unlock(&processes.lock, irq);
    return found;
}

bool process_check(void)
{
    uint32_t last = 0, marked = 0;
    bool good = true;
    uint32_t irq = spin_lock(&processes.lock);

    list_for_each(node, &processes.list) {
        struct process *process = list_entry(node, struct process, node);
        good &= process->pid > last;
        good &= process->state != PROCESS_ZOMBIE || (!process->space && !process->thread);
        last = process->pid;
        marked += process->kill_signal != 0;
    }
    good &= marked == trap_user_work;
    spin_unlock(&processes.lock, irq);
    if (!good)
        log_err("process: the table is inconsistent (%u marked, %u counted)", marked,
                trap_user_work);
    return good;
}
