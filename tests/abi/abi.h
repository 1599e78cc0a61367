/* tests/abi/abi.h - what the programs of this folder share.
 *
 * Each program has one subject and prints judgements about it.  The same file runs on Linux and on
 * Strata, and the outputs are compared byte for byte; so nothing is printed that depends on the
 * machine: no address, pid or time, but "moved: yes" or "below the start: EINVAL".
 *
 * Lines are written with one write(2) each, past stdio: a FILE's buffer would be printed twice after
 * a fork, is flushed at other times on a terminal than into a pipe, and lives on the heap that some
 * of the programs examine.  This also makes say() usable in signal handlers. */
#pragma once

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define NO_SUCH_FD 999            /* never open */
#define BAD_POINTER bad_pointer() /* in the page at 0, which is never mapped */
#define USER_END 0xc0000000u      /* of the 3 GiB address space */
#define STATUS_BROKEN 99          /* of a program that could not do its test */
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Not a constant that the compiler could warn of. */
static inline void *bad_pointer(void)
{
    volatile uintptr_t address = 0x100;

    return (void *)address;
}

/* Printing. */

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDOUT_FILENO, line, length) != length)
        _exit(STATUS_BROKEN);
}

static inline void judge(const char *what, int yes)
{
    say("%s: %s", what, yes ? "yes" : "no");
}

/* "ok", or the name of the error, of a call that returned `result`. */
static inline void outcome(const char *what, long result)
{
    say("%s: %s", what, result == -1 ? strerrorname_np(errno) : "ok");
}

/* For what the test needs but is not about: end the program unless it works. */
#define MUST(call) must((long)(call), #call)
static inline long must(long result, const char *call)
{
    if (result == -1) {
        say("%s failed: %s", call, strerrorname_np(errno));
        _exit(STATUS_BROKEN);
    }
    return result;
}

/* Processes. */

/* How a process ended, from what wait(2) says. */
static inline void ending(const char *what, int status)
{
    if (WIFSIGNALED(status))
        say("%s: killed by SIG%s", what, sigabbrev_np(WTERMSIG(status)));
    else
        say("%s: exit %d", what, WEXITSTATUS(status));
}

static inline void wait_for(const char *what, pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) == -1)
        MUST(errno == EINTR ? 0 : -1);
    ending(what, status);
}

static inline pid_t start_child(void (*body)(void))
{
    pid_t child = MUST(fork());

    if (child == 0) {
        body();
        _exit(0);
    }
    return child;
}

/* Run `body` in a child to its end, which is printed. */
static inline void in_child(const char *what, void (*body)(void))
{
    wait_for(what, start_child(body));
}

static inline void own_path(char *path, size_t size)
{
    path[MUST(readlink("/proc/self/exe", path, size - 1))] = '\0';
}

static inline void sleep_ms(long ms)
{
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        continue;
}

/* One side tells the other, through a pipe, that it got there. */
static inline void announce(int fd)
{
    MUST(write(fd, "!", 1));
}

static inline void await(int fd)
{
    char byte;

    while (read(fd, &byte, 1) == -1)
        MUST(errno == EINTR ? 0 : -1);
}

/* Files. */

/* Work in an empty directory of one's own. */
static char scratch_path[64];
static inline void enter_scratch(void)
{
    int number = 0;

    umask(022);
    do
        snprintf(scratch_path, sizeof scratch_path, "/tmp/abi-%d-%d", getpid(), number++);
    while (mkdir(scratch_path, 0700) == -1 && errno == EEXIST);
    MUST(chdir(scratch_path));
}

/* The program has removed what it made. */
static inline void leave_scratch(void)
{
    MUST(chdir("/"));
    outcome("scratch directory removed", rmdir(scratch_path));
}

/* A file of `size` bytes: byte i of it is pattern_byte(i). */
static inline char pattern_byte(size_t i)
{
    return 'a' + (i + i / PAGE) % 26;
}

static inline void make_file(const char *path, size_t size)
{
    char block[PAGE];
    int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

    for (size_t done = 0; done < size;) {
        size_t part = size - done < PAGE ? size - done : PAGE;
        for (size_t i = 0; i < part; i++)
            block[i] = pattern_byte(done + i);
        MUST(write(fd, block, part));
        done += part;
    }
    MUST(close(fd));
}

/* A whole text file, as far as it fits, with a NUL; the number of bytes, or -1. */
static inline ssize_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t part;

    if (fd == -1)
        return -1;
    while (length < size - 1 && (part = read(fd, text + length, size - 1 - length)) > 0)
        length += part;
    text[length] = '\0';
    close(fd);
    return length;
}

/* The number behind "NAME" at the start of a line, or -1. */
static inline long long text_field(const char *text, const char *name)
{
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, strlen(name)) == 0)
            return strtoll(line + strlen(name), NULL, 10);
    }
    return -1;
}

/* Memory. */

static inline char *map_pages(unsigned npages, int prot)
{
    return (char *)MUST(mmap(NULL, npages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static inline char *map_shared(unsigned npages)
{
    return (char *)MUST(
        mmap(NULL, npages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

/* `npages` of address space with a gap of a page before and after, and nobody else's neighbour. */
static inline char *lonely_pages(unsigned npages, int prot)
{
    char *base = map_pages(npages + 2, prot);

    MUST(munmap(base, PAGE));
    MUST(munmap(base + (npages + 1) * PAGE, PAGE));
    return base + PAGE;
}

/* /proc/self/maps around [base, base + npages * PAGE): "rw-p*2 gap*1 r--p*3".  Each word is a mapping
 * of its own. */
static inline void layout(const char *what, const void *base, unsigned npages)
{
    static char text[32768];
    char line[200] = "";
    uintptr_t at = (uintptr_t)base, end = at + npages * PAGE;

    MUST(read_text("/proc/self/maps", text, sizeof text));
    for (char *next = text; *next && at < end; next = strchr(next, '\n') + 1) {
        char *rest;
        uintptr_t low = strtoul(next, &rest, 16), high = strtoul(rest + 1, &rest, 16);
        size_t used = strlen(line);

        if (high <= at || low >= end)
            continue;
        if (low > at)
            used += snprintf(line + used, sizeof line - used, " gap*%u", (low - at) / PAGE);
        low = low > at ? low : at;
        high = high < end ? high : end;
        snprintf(line + used, sizeof line - used, " %.4s*%u", rest + 1, (high - low) / PAGE);
        at = high;
    }
    if (at < end)
        snprintf(strchr(line, '\0'), 20, " gap*%u", (end - at) / PAGE);
    say("%s:%s", what, line);
}

/* Faults. */

static sigjmp_buf fault_return;
static siginfo_t fault_info;

static inline void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    fault_info = *info;
    siglongjmp(fault_return, 1);
}

static inline const char *fault_code(void)
{
    if (fault_info.si_signo == SIGBUS)
        return fault_info.si_code == BUS_ADRERR ? "ADRERR" : "other code";
    return fault_info.si_code == SEGV_MAPERR   ? "MAPERR"
           : fault_info.si_code == SEGV_ACCERR ? "ACCERR"
                                               : "other code";
}

enum access { LOAD, STORE };

/* Try one access of a byte: what comes of it is printed. */
static inline void probe(const char *what, enum access access, volatile void *address)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    struct sigaction old_segv, old_bus;
    volatile char *byte = address;

    MUST(sigaction(SIGSEGV, &action, &old_segv));
    MUST(sigaction(SIGBUS, &action, &old_bus));
    if (sigsetjmp(fault_return, 1) == 0) {
        if (access == LOAD)
            (void)*byte;
        else
            *byte = 'w';
        say("%s: fine", what);
    } else {
        say("%s: SIG%s %s%s", what, sigabbrev_np(fault_info.si_signo), fault_code(),
            fault_info.si_addr == address ? "" : " at another address");
    }
    MUST(sigaction(SIGSEGV, &old_segv, NULL));
    MUST(sigaction(SIGBUS, &old_bus, NULL));
}

/* Signals. */

static inline void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

    MUST(sigaction(signal, &action, NULL));
}

static inline sigset_t set_of(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static inline void mask(int how, int signal)
{
    sigset_t set = set_of(signal);

    MUST(sigprocmask(how, &set, NULL));
}

/* Threads. */

/* pthread functions return the error. */
#define MUST_0(call) must_0((call), #call)
static inline void must_0(int error, const char *call)
{
    if (error) {
        say("%s failed: %s", call, strerrorname_np(error));
        _exit(STATUS_BROKEN);
    }
}
