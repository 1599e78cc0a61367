/* shell/cmd_process.c - programs: what runs, starting and ending it. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "shell/commands.h"
#include "shell/names.h"
#include "shell/signals.h"

#define PAGE_KB (PAGE_SIZE / KiB)

/* ---- ps ---- */

static const char *thread_state_name(enum thread_state state)
{
    static const char *const names[] = {
        [THREAD_READY] = "ready",
        [THREAD_RUNNING] = "running",
        [THREAD_SLEEPING] = "sleeping",
        [THREAD_DEAD] = "dead",
    };

    return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void print_ticks(uint64_t ticks)
{
    shell_printf(" %6u.%02u", (unsigned)(ticks / TIMER_HZ), (unsigned)(ticks % TIMER_HZ));
}

static const char *process_state_name(const struct process_info *process)
{
    switch (process->state_letter) {
    case 'R':
        return "running";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "sleeping";
    }
}

/* `depth`: children are indented below their parent. */
static void print_process(const struct process_info *process, unsigned depth)
{
    shell_printf("%5u %5u %-8s %3u %8u %8u %8llu", process->pid, process->ppid,
                 process_state_name(process), process->threads,
                 process->virtual_pages * PAGE_KB, process->resident * PAGE_KB,
                 (unsigned long long)process->faults);
    print_ticks(process->ticks);
    shell_printf("  %*s%s%s\n", (int)depth * 2, "", process->name,
                 process->background ? " &" : "");
}

static void print_kernel_thread(const struct thread_info *thread)
{
    shell_printf("%5s %5s %-8s %3u %8s %8s %8s", "-", "-", thread_state_name(thread->state), 1,
                 "-", "-", "-");
    print_ticks(thread->ticks);
    shell_printf("  [%s]\n", thread->name);
}

#define TREE_DEPTH_MAX 16u
#define KERNEL_PID 1u /* parent of what the shell starts, and of orphans */

/* The children of `ppid` as a tree, depth first.  Each step asks anew, for processes come and go.  The
 * structure is large, and the shell is one thread. */
static void print_family(uint32_t ppid, unsigned depth)
{
    static struct process_info process;

    for (uint32_t pid = 0; process_next_info(&pid, &process); pid++) {
        if (process.ppid != ppid)
            continue;
        print_process(&process, depth);
        if (depth < TREE_DEPTH_MAX)
            print_family(pid, depth + 1);
    }
}

int cmd_ps(int argc, char *argv[])
{
    struct thread_info thread;

    (void)argc;
    (void)argv;
    shell_printf("%5s %5s %-8s %3s %8s %8s %8s %9s  %s\n", "PID", "PPID", "STATE", "THR", "VSZ",
                 "RSS", "MINFLT", "TIME", "NAME");
    for (uint32_t id = 0; thread_next_info(&id, &thread); id = thread.id + 1)
        if (!thread.task)
            print_kernel_thread(&thread);
    print_family(KERNEL_PID, 0);
    return 0;
}

/* ---- kill ---- */

int cmd_kill(int argc, char *argv[])
{
    int signal = argc == 3 ? signals_parse(argv[2]) : SIGTERM;
    uint32_t pid;

    if (shell_parse_number("kill", "PID", argv[1], 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    int error = signal == 0 ? -EINVAL : process_kill(pid, signal);
    if (error == -ESRCH)
        shell_printf("kill: there is no process %u; `ps` lists them\n", pid);
    else if (error != 0)
        shell_usage("kill", "'%s' is no signal", argv[2]);
    return error;
}

/* ---- run ---- */

static int start_failed(int error, const char *program)
{
    const char *suggestion = error == -ENOENT ? names_suggest_program(program) : NULL;

    shell_printf("run: %s: ", program);
    if (suggestion != NULL && strcmp(suggestion, program) == 0) {
        shell_printf("a script, whose interpreter (first line) is not there\n");
        return error;
    }
    switch (error) {
    case -ENOENT:
        shell_printf("no such program in /bin");
        break;
    case -ENOEXEC:
        shell_printf("not a static i386 ELF program");
        break;
    case -EACCES:
        shell_printf("not an executable file");
        break;
    case -ENOMEM:
        shell_printf("not enough memory");
        break;
    case -E2BIG:
        shell_printf("the arguments are too long");
        break;
    default:
        shell_printf("error %d", -error);
    }
    if (suggestion != NULL)
        shell_printf("; did you mean `%s`?", suggestion);
    shell_printf("\n");
    return error;
}

static int wait_for(uint32_t pid)
{
    int status = process_wait(pid);
    const char *stopped = signals_name(status - STATUS_STOPPED);
    const char *killed = signals_name(status - STATUS_SIGNALLED);

    if (stopped != NULL)
        shell_printf("[%u] stopped by %s; `fg %u` lets it go on\n", pid, stopped, pid);
    else if (killed != NULL)
        shell_printf("[killed by %s]\n", killed);
    else if (status != 0)
        shell_printf("[exit status %d]\n", status);
    /* Ctrl-C ends the rest of the line, too. */
    return status == STATUS_SIGNALLED + SIGINT ? -EINTR : status;
}

int cmd_run(int argc, char *argv[])
{
    bool background = argc > 2 && argv[argc - 1] == shell_ampersand;
    char *environment[SHELL_WORDS_MAX + 1];
    int first = 1;

    if (background)
        argv[--argc] = NULL;
    for (; first < argc && shell_is_assignment(argv[first]); first++)
        environment[first - 1] = argv[first];
    environment[first - 1] = NULL;
    if (first == argc)
        return shell_usage("run", "no program behind '%s'", argv[first - 1]);
    int pid = process_start(argc - first, argv + first, environment,
                            background ? PROCESS_BACKGROUND : PROCESS_FOREGROUND);
    if (pid < 0)
        return start_failed(pid, argv[first]);
    if (!background)
        return wait_for((uint32_t)pid);
    shell_printf("[%d] started\n", pid);
    return 0;
}

/* ---- fg ---- */

/* The background program that was started last; 0: there is none. */
static uint32_t last_in_background(void)
{
    static struct process_info process;
    uint32_t last = 0;

    for (uint32_t pid = 0; process_next_info(&pid, &process); pid++)
        if (process.background && process.state_letter != 'Z')
            last = pid;
    return last;
}

int cmd_fg(int argc, char *argv[])
{
    uint32_t pid = argc == 1 ? last_in_background() : 0;

    if (argc == 2 && shell_parse_number("fg", "PID", argv[1], 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    if (pid == 0) {
        shell_printf("fg: no program runs in the background\n");
        return -ESRCH;
    }
    if (process_resume(pid) != 0) {
        shell_printf("fg: %u is no program in the background; `ps` marks them with &\n", pid);
        return -ESRCH;
    }
    return wait_for(pid);
}
