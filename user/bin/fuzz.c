/* fuzz SEED CALLS - random system calls with random and nasty arguments.
 *
 * Problem   A kernel must survive whatever a program asks for.  Tests ask what somebody thought of.
 * Method    Each call is drawn from a table, which knows what kind of argument stands where, so that
 *           many calls get far into the kernel; or it is any number up to 450 with any arguments.
 *           Everything about call number i follows from SEED and i alone.
 * Workers   The calls are made by child processes.  One that unmaps its own code, kills itself, or
 *           is told to end after WORKER_CALLS is replaced by the next, which goes on from there.
 * Blocking  An interval timer interrupts calls that would wait forever.  A worker may lose the timer
 *           (it is free to ask for that); so the parent has one, too, and kills a worker that has not
 *           got on for STUCK_TICKS of it.
 * Limits    Address space and files are bounded.  Left out are calls that would end the machine or
 *           everybody on it, or move its clock, its disks, or other processes (forbidden[]).  A
 *           child of a worker ends at once.  Files are made below SCRATCH only.
 * Output    One line.  The number of workers depends a little on time, nothing else does; their own
 *           output goes nowhere.  A kernel that fails says so itself. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define PAGE 4096
#define SCRATCH "/tmp/fuzz"
#define LAST_NUMBER 450
#define ARGUMENTS 6
#define WORKER_CALLS 2000
#define WORKER_MEMORY (48u << 20)
#define FILE_BYTES (1u << 20)
#define DESCRIPTORS 16       /* arguments are drawn from so many */
#define AREAS 16             /* mappings that a worker remembers */
#define POOL_PAGES 16        /* memory that buffers are in */
#define HUGE_ROOM (8u << 20) /* a 4 MiB page fits in, wherever it is */
#define FIELD_PAGES 192   /* memory to be mapped and unmapped at will, the middle third first */
#define FOLDER_TURNS 1000 /* some names may not be removable: on Linux, to others than root */
#define FORK_TRIES 1000
#define RARE 32          /* one in so many of the calls that are too much fun */
#define WORKER_TICK 5000 /* microseconds */
#define PARENT_TICK 50000
#define STUCK_TICKS 3
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Kinds of arguments, one letter for each:
 *   a  address of pages      b  buffer              n  length             f  descriptor
 *   p  path to look at       s  path in SCRATCH     q  path to open       t  ourselves, or nobody
 *   P  protection            M  flags of a mapping  g  signal             o  a few bits
 *   w  a short time          c  a small number      i  anything           C  flags of clone
 *   v  vector of strings     0  zero, as all that is not given */
struct subject {
    short number;
    bool rare;
    char kinds[ARGUMENTS + 1];
};

static const struct subject subjects[] = {
    { 2, true, "" },          /* fork */
    { 3, false, "fbn" },      /* read */
    { 4, false, "fbn" },      /* write */
    { 5, false, "qoo" },      /* open */
    { 6, true, "f" },         /* close */
    { 7, true, "cbo" },       /* waitpid */
    { 8, false, "so" },       /* creat */
    { 9, true, "ss" },        /* link */
    { 10, false, "s" },       /* unlink */
    { 11, true, "pvv" },      /* execve */
    { 12, true, "s" },        /* chdir */
    { 14, true, "so" },       /* mknod, of no device */
    { 15, true, "so" },       /* chmod */
    { 19, false, "fic" },     /* lseek */
    { 27, true, "c" },        /* alarm */
    { 29, true, "" },         /* pause */
    { 30, true, "sb" },       /* utime */
    { 33, false, "po" },      /* access */
    { 37, true, "tg" },       /* kill */
    { 38, false, "ss" },      /* rename */
    { 39, false, "so" },      /* mkdir */
    { 40, false, "s" },       /* rmdir */
    { 41, false, "f" },       /* dup */
    { 42, false, "b" },       /* pipe */
    { 45, false, "a" },       /* brk */
    { 54, false, "fib" },     /* ioctl */
    { 63, false, "ff" },      /* dup2 */
    { 72, true, "bbb" },      /* sigsuspend */
    { 75, true, "cb" },       /* setrlimit */
    { 77, false, "cb" },      /* getrusage */
    { 78, false, "bb" },      /* gettimeofday */
    { 82, true, "b" },        /* select, the old one */
    { 83, true, "ss" },       /* symlink */
    { 85, false, "pbn" },     /* readlink */
    { 89, false, "fbc" },     /* readdir */
    { 90, false, "b" },       /* mmap, the old one */
    { 91, false, "an" },      /* munmap */
    { 92, true, "sn" },       /* truncate */
    { 93, false, "fn" },      /* ftruncate */
    { 104, true, "cbb" },     /* setitimer */
    { 105, false, "cb" },     /* getitimer */
    { 106, false, "pb" },     /* stat */
    { 114, true, "cbob" },    /* wait4 */
    { 116, false, "b" },      /* sysinfo */
    { 119, true, "" },        /* sigreturn */
    { 120, true, "C" },       /* clone */
    { 122, false, "b" },      /* uname */
    { 125, false, "anP" },    /* mprotect */
    { 133, true, "f" },       /* fchdir */
    { 140, false, "f0nbc" },  /* _llseek */
    { 141, false, "fbn" },    /* getdents */
    { 142, true, "cbbbw" },   /* select */
    { 143, true, "fo" },      /* flock */
    { 144, false, "ano" },    /* msync */
    { 145, false, "fbc" },    /* readv */
    { 146, false, "fbc" },    /* writev */
    { 150, false, "an" },     /* mlock */
    { 151, false, "an" },     /* munlock */
    { 162, true, "wb" },      /* nanosleep */
    { 163, false, "annca" },  /* mremap */
    { 168, true, "bcc" },     /* poll */
    { 172, true, "cbbbb" },   /* prctl */
    { 173, true, "" },        /* rt_sigreturn */
    { 174, true, "gbbc" },    /* rt_sigaction */
    { 175, true, "cbbc" },    /* rt_sigprocmask */
    { 176, false, "bc" },     /* rt_sigpending */
    { 177, true, "bbwc" },    /* rt_sigtimedwait */
    { 179, true, "bc" },      /* rt_sigsuspend */
    { 180, false, "fbnn" },   /* pread64 */
    { 181, false, "fbnn" },   /* pwrite64 */
    { 183, false, "bn" },     /* getcwd */
    { 186, false, "bb" },     /* sigaltstack */
    { 187, false, "ffbn" },   /* sendfile */
    { 190, true, "" },        /* vfork */
    { 191, false, "cb" },     /* ugetrlimit */
    { 192, false, "anPMfc" }, /* mmap2 */
    { 193, true, "sn" },      /* truncate64 */
    { 194, false, "fn" },     /* ftruncate64 */
    { 195, false, "pb" },     /* stat64 */
    { 196, false, "pb" },     /* lstat64 */
    { 197, false, "fb" },     /* fstat64 */
    { 212, true, "sii" },     /* chown */
    { 218, false, "anb" },    /* mincore */
    { 219, false, "anc" },    /* madvise */
    { 220, false, "fbn" },    /* getdents64 */
    { 221, false, "fci" },    /* fcntl64 */
    { 238, true, "tg" },      /* tkill */
    { 240, true, "bcowbc" },  /* futex */
    { 243, true, "b" },       /* set_thread_area */
    { 244, false, "b" },      /* get_thread_area */
    { 258, false, "b" },      /* set_tid_address */
    { 265, false, "cb" },     /* clock_gettime */
    { 266, false, "cb" },     /* clock_getres */
    { 267, true, "cowb" },    /* clock_nanosleep */
    { 268, false, "pnb" },    /* statfs64 */
    { 270, true, "ttg" },     /* tgkill */
    { 295, false, "cqoo" },   /* openat */
    { 296, true, "cso" },     /* mkdirat */
    { 297, true, "cso" },     /* mknodat */
    { 298, true, "csiio" },   /* fchownat */
    { 299, true, "csb" },     /* futimesat */
    { 300, false, "cpbo" },   /* fstatat64 */
    { 301, true, "cso" },     /* unlinkat */
    { 302, true, "cscs" },    /* renameat */
    { 303, true, "cscso" },   /* linkat */
    { 304, true, "scs" },     /* symlinkat */
    { 305, false, "cpbn" },   /* readlinkat */
    { 306, true, "cso" },     /* fchmodat */
    { 308, true, "cbbbwb" },  /* pselect6 */
    { 309, true, "bcwbc" },   /* ppoll */
    { 311, false, "bn" },     /* set_robust_list */
    { 312, false, "tbb" },    /* get_robust_list */
    { 324, true, "foiiii" },  /* fallocate */
    { 330, false, "ffo" },    /* dup3 */
    { 331, false, "bo" },     /* pipe2 */
    { 340, true, "tcbb" },    /* prlimit64 */
    { 353, true, "cscso" },   /* renameat2 */
    { 355, false, "bno" },    /* getrandom */
    { 358, true, "cpvvo" },   /* execveat */
    { 383, false, "cpoib" },  /* statx */
    { 386, false, "bcoi" },   /* rseq */
    { 403, false, "cb" },     /* clock_gettime64 */
    { 407, true, "cowb" },    /* clock_nanosleep_time64 */
    { 422, true, "bcowbc" },  /* futex_time64 */
};

static const short forbidden[] = {
    1,   21,  22,  25,  26,  36,  51,  52,  61,  74,  79,  86,  87,  88,  97,  101,
    103, 110, 111, 113, 115, 121, 123, 124, 128, 129, 131, 154, 156, 166, 178, 217,
    252, 264, 283, 289, 310, 335, 338, 343, 346, 347, 348, 350, 351, 357, 404, 405,
    424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 438, 440, 442, 448,
};

static const uint32_t nasty[] = {
    0,          1,          2,          0xFF,       PAGE - 1,   PAGE,       PAGE + 1,
    0x10000,    0x08048000, 0x40000000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xBFFFF000,
    0xBFFFFFFC, 0xC0000000, 0xC0100000, 0xF8000000, 0xFFC00000, 0xFFFFF000, 0xFFFFFFFF,
};

static const char *const scratch_paths[] = { "a", "b", "c", "d", "d/e", "elf", "a/f", "" };
/* First the folders outside SCRATCH: they are not opened, for by their descriptors files could be made
 * in them. */
#define OUTSIDE 4
static const char *const other_paths[] = {
    "..",
    "/",
    "/bin",
    "/proc",
    ".",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/proc/meminfo",
    "/proc/self/maps",
    "/proc/self/smaps",
    "/proc/self/status",
    "/proc/self/stat",
    "/proc/self/cmdline",
    "/proc/self/pagemap",
    "/proc/slabinfo",
    "/proc/vmstat",
    "/proc/kpageflags",
    "nothing/here",
    "elf",
    "a",
    "b",
    "d",
};

static struct shared {
    uint32_t done,
        check; /* calls begun by now, and its complement: a worker may write here, too */
} * shared;

static char pool[POOL_PAGES * PAGE] __attribute__((aligned(PAGE)));
static char child_stack[PAGE] __attribute__((aligned(16)));
static struct area {
    uint32_t start, nbytes;
} areas[AREAS];
static uint32_t random_state;
static pid_t self;

/* --- arguments ---------------------------------------------------------------------------------- */

/* Marsaglia's xorshift32 (2003); never zero. */
static uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t below(uint32_t limit)
{
    return random_word() % limit;
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

static void seed_call(uint32_t seed, uint32_t call)
{
    random_state = (seed * 2654435761u ^ call * 2246822519u) | 1;
    for (unsigned i = 0; i < 4; i++)
        random_word();
}

static uint32_t any_number(void)
{
    if (one_in(4))
        return random_word();
    return nasty[below(LENGTH(nasty))] + (one_in(4) ? below(3) - 1 : 0);
}

static uint32_t any_page(void)
{
    if (one_in(16))
        return any_number();
    const struct area *area = &areas[below(AREAS)];
    uint32_t page = area->start + below(area->nbytes / PAGE + 1) * PAGE;
    return one_in(16) ? page + below(PAGE) : page;
}

static uint32_t any_buffer(void)
{
    if (one_in(8))
        return any_number();
    return one_in(4) ? any_page() : (uint32_t)(uintptr_t)pool + below(sizeof(pool)) / 4 * 4;
}

static uint32_t any_length(void)
{
    if (one_in(8))
        return any_number();
    if (one_in(8))
        return HUGE_ROOM;
    return one_in(2) ? below(FIELD_PAGES / 3) * PAGE : below(3 * PAGE);
}

static uint32_t any_map_flags(void)
{
    static const uint32_t extra[] = { MAP_FIXED,    MAP_GROWSDOWN, MAP_NORESERVE,
                                      MAP_POPULATE, MAP_STACK,     MAP_FIXED_NOREPLACE };
    uint32_t flags = one_in(3) ? MAP_SHARED : MAP_PRIVATE;
    if (!one_in(3))
        flags |= MAP_ANONYMOUS;
    if (one_in(3))
        flags |= extra[below(LENGTH(extra))];
    return one_in(32) ? random_word() : flags;
}

static uint32_t any_clone_flags(void)
{
    static const uint32_t sets[] = {
        0,
        SIGCHLD,
        CLONE_VM,
        CLONE_VM | CLONE_VFORK | SIGCHLD,
        CLONE_FILES | CLONE_FS | SIGCHLD,
        CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM,
    };
    uint32_t flags = sets[below(LENGTH(sets))] | (one_in(4) ? 1u << below(32) : 0);
    return flags & ~(uint32_t)(CLONE_SETTLS | CLONE_PARENT);
}

static uint32_t any_path(char kind)
{
    if (one_in(16))
        return nasty[below(LENGTH(nasty))]; /* nothing a file could be made of */
    if (kind == 's' || one_in(2))
        return (uint32_t)(uintptr_t)scratch_paths[below(LENGTH(scratch_paths))];
    unsigned first = kind == 'q' ? OUTSIDE : 0;
    return (uint32_t)(uintptr_t)other_paths[first + below(LENGTH(other_paths) - first)];
}

static uint32_t argument(char kind)
{
    static const char *const vector[] = { "elf", "x", NULL };
    static const struct timespec short_time = { .tv_nsec = 1000 };

    switch (kind) {
    case 'a':
        return any_page();
    case 'b':
        return any_buffer();
    case 'n':
        return any_length();
    case 'f':
        return one_in(16) ? any_number() : below(DESCRIPTORS);
    case 'p':
    case 'q':
    case 's':
        return any_path(kind);
    case 'v':
        return one_in(2) ? any_buffer() : (uint32_t)(uintptr_t)vector;
    case 't':
        return one_in(4) ? INT32_MAX : (uint32_t)self;
    case 'P':
        return one_in(16) ? random_word() : below(8);
    case 'M':
        return any_map_flags();
    case 'C':
        return any_clone_flags();
    case 'g':
        return one_in(16) ? any_number() : below(NSIG);
    case 'o':
        return one_in(16) ? any_number() : 1u << below(24) | (one_in(2) ? 1u << below(24) : 0);
    case 'w':
        return one_in(8) ? any_buffer() : (uint32_t)(uintptr_t)&short_time;
    case 'c':
        return one_in(16) ? any_number() : below(20);
    case 'i':
        return any_number();
    default:
        return 0;
    }
}

/* --- calls -------------------------------------------------------------------------------------- */

static const struct subject *find_subject(uint32_t number)
{
    for (size_t i = 0; i < LENGTH(subjects); i++) {
        if ((uint32_t)subjects[i].number == number)
            return &subjects[i];
    }
    return NULL;
}

static bool is_forbidden(uint32_t number)
{
    for (size_t i = 0; i < LENGTH(forbidden); i++) {
        if ((uint32_t)forbidden[i] == number)
            return true;
    }
    return false;
}

static int end_at_once(void *unused)
{
    (void)unused;
    return 0;
}

/* Calls that return twice need more than a number. */
static bool make_child(uint32_t number, uint32_t flags)
{
    pid_t child;

    if (number == SYS_fork)
        child = fork();
    else if (number == SYS_vfork)
        child = vfork();
    else if (number == SYS_clone)
        child = clone(end_at_once, child_stack + sizeof(child_stack), (int)flags, NULL, NULL,
                      NULL, NULL);
    else
        return false;
    if (child == 0)
        _exit(0);
    return true;
}

static void remember_area(uint32_t start, uint32_t nbytes)
{
    areas[below(AREAS)] = (struct area){ start, nbytes };
}

static void make_call(uint32_t number, const char *kinds)
{
    uint32_t args[ARGUMENTS] = { 0 };

    for (unsigned i = 0; i < ARGUMENTS && kinds[i] != '\0'; i++)
        args[i] = argument(kinds[i]);
    if (make_child(number, args[0]))
        return;
    uint32_t result = (uint32_t)syscall_raw6((long)number, (long)args[0], (long)args[1],
                                             (long)args[2], (long)args[3], (long)args[4],
                                             (long)args[5]);
    bool maps = number == SYS_mmap2 || number == SYS_mremap;
    if (!maps || result % PAGE != 0)
        return;
    remember_area(result, number == SYS_mmap2 ? args[1] : args[2]);
    if (number != SYS_mmap2 || (args[2] & PROT_WRITE) == 0)
        return;
    *(volatile char *)(uintptr_t)result = 1; /* behind a file's end that is SIGBUS */
    if (args[1] >= HUGE_ROOM)
        *(volatile char *)(uintptr_t)(result + HUGE_ROOM / 2) = 1; /* in whole 4 MiB */
}

static void random_call(void)
{
    const struct subject *subject = &subjects[below(LENGTH(subjects))];

    if (one_in(8)) {
        uint32_t number = below(LAST_NUMBER + 1);
        subject = find_subject(number);
        if (subject == NULL && !is_forbidden(number))
            make_call(number, "iibbii");
    }
    if (subject != NULL && (!subject->rare || one_in(RARE)))
        make_call((uint32_t)subject->number, subject->kinds);
}

/* --- the scratch directory ---------------------------------------------------------------------- */

/* A program that can be started, as far as its header goes: what follows are INT3s. */
static void write_garbage_program(void)
{
    static const uint32_t header[] = {
        0x464C457F, 0x00010101, 0,          0, /* ELF, 32 bits, little-endian */
        0x00030002, 1,          0x08048054, 52,         0,
        0,          0x00200034, 1,          0, /* i386, entry, one segment */
        1,          0,          0x08048000, 0x08048000, PAGE,
        2 * PAGE,   7,          PAGE, /* PT_LOAD, rwx */
    };
    int fd = open("elf", O_RDWR | O_CREAT, 0755);

    memset(pool, 0xCC, PAGE);
    memcpy(pool, header, sizeof(header));
    write(fd, pool, PAGE);
    close(fd);
}

static void empty_folder(void);

/* Files of any name, in folders of any depth: what the calls have made of it. */
static void remove_tree(const char *name)
{
    if (unlink(name) == 0 || rmdir(name) == 0 || chdir(name) != 0)
        return;
    empty_folder();
    if (chdir("..") == 0)
        rmdir(name);
}

/* Remove what one call tells of the current folder; returns how many names that were. */
static unsigned remove_some(void)
{
    union {
        struct entry {
            uint64_t inode, position;
            uint16_t nbytes;
            uint8_t type;
            char name[];
        } first; /* as getdents64 has it */
        char bytes[512];
    } buffer;
    unsigned names = 0;
    int fd = open(".", O_RDONLY);
    long filled = syscall3(SYS_getdents64, fd, (long)&buffer, sizeof(buffer));

    close(fd);
    for (long at = 0; at < filled;) {
        struct entry *entry = (struct entry *)(buffer.bytes + at);
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
            remove_tree(entry->name);
            names++;
        }
        at += entry->nbytes;
    }
    return names;
}

static void empty_folder(void)
{
    for (unsigned turns = 0; turns < FOLDER_TURNS && remove_some() > 0; turns++)
        ;
}

static bool enter_scratch(void)
{
    mkdir("/tmp", 0777);
    mkdir(SCRATCH, 0700);
    if (chdir(SCRATCH) != 0) {
        perror("fuzz: " SCRATCH);
        return false;
    }
    return true;
}

static void remove_scratch(void)
{
    empty_folder();
    chdir("/");
    rmdir(SCRATCH);
}

/* --- workers ------------------------------------------------------------------------------------ */

static void on_tick(int signal)
{
    (void)signal; /* the call that was waiting returns EINTR */
}

static void start_ticks(long microseconds)
{
    struct sigaction action = { .sa_handler = on_tick };
    struct itimerval interval = { .it_interval.tv_usec = microseconds,
                                  .it_value.tv_usec = microseconds };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &interval, NULL);
}

/* Descriptors of all sorts, and nothing by which output could be seen. */
static void open_descriptors(void)
{
    static const char *const paths[] = { "/dev/null", "/dev/null", "/dev/null",       "a",  "b",
                                         ".",         "/dev/zero", "/proc/self/maps", "elf" };
    int ends[2];

    for (int fd = 0; fd < DESCRIPTORS; fd++)
        close(fd);
    for (size_t i = 0; i < LENGTH(paths); i++)
        open(paths[i], O_NONBLOCK | (i < 5 ? O_RDWR | O_CREAT : O_RDONLY), 0700);
    if (pipe(ends) == 0) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
    }
}

static void limit(int resource, rlim_t most)
{
    struct rlimit both = { most, most };
    setrlimit(resource, &both);
}

/* Lengths are drawn up to a third of it: what lies beside the field is seldom hit. */
static void lay_out_field(void)
{
    char *field = mmap(NULL, FIELD_PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t middle = (uint32_t)(uintptr_t)field + FIELD_PAGES / 3 * PAGE;
    for (unsigned i = 0; i < AREAS; i++)
        areas[i] = (struct area){ middle, FIELD_PAGES / 3 * PAGE };
}

static _Noreturn void work(uint32_t seed, uint32_t first, uint32_t end)
{
    struct sigaction ignored = { .sa_handler = SIG_IGN };

    self = getpid();
    limit(RLIMIT_AS, WORKER_MEMORY);
    limit(RLIMIT_FSIZE, FILE_BYTES);
    limit(RLIMIT_CORE, 0);
    open_descriptors();
    sigaction(SIGXFSZ, &ignored, NULL);
    start_ticks(WORKER_TICK);
    lay_out_field();
    for (uint32_t call = first; call < end; call++) {
        shared->done = call + 1;
        shared->check = ~(call + 1);
        seed_call(seed, call);
        random_call();
    }
    _exit(0);
}

/* Wait for its end, and bring it about if it does not get on. */
static void supervise(pid_t worker)
{
    uint32_t last = shared->done;
    unsigned silent = 0;

    while (waitpid(worker, NULL, 0) != worker && errno == EINTR) {
        silent = shared->done == last ? silent + 1 : 0;
        last = shared->done;
        if (silent >= STUCK_TICKS)
            kill(worker, SIGKILL);
    }
}

/* How far a worker came, if what it left can be believed; at least one call. */
static uint32_t progress(uint32_t first, uint32_t end)
{
    uint32_t done = shared->done;
    return done == ~shared->check && done > first && done <= end ? done : first + 1;
}

/* Memory may be short for a moment. */
static pid_t fork_at_last(void)
{
    pid_t child = fork();

    for (unsigned tries = 1; child == -1 && tries < FORK_TRIES; tries++) {
        sched_yield();
        child = fork();
    }
    return child;
}

static bool fuzz(uint32_t seed, uint32_t calls)
{
    unsigned workers = 0;

    for (uint32_t call = 0; call < calls;) {
        uint32_t left = calls - call, end = call + (left < WORKER_CALLS ? left : WORKER_CALLS);
        shared->done = call;
        empty_folder(); /* what the one before made: a pipe instead of a file, say */
        write_garbage_program();
        pid_t worker = fork_at_last();
        if (worker == -1) {
            perror("fuzz: fork");
            return false;
        }
        if (worker == 0)
            work(seed, call, end);
        supervise(worker);
        call = progress(call, end);
        workers++;
    }
    printf("fuzz: seed %u: %u calls, %u workers, done\n", seed, calls, workers);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        puts("usage: fuzz SEED CALLS");
        return 2;
    }
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("fuzz: mmap");
        return 1;
    }
    if (!enter_scratch())
        return 1;
    start_ticks(PARENT_TICK);
    bool good = fuzz((uint32_t)strtoul(argv[1], NULL, 0), (uint32_t)strtoul(argv[2], NULL, 0));
    remove_scratch();
    return good ? 0 : 1;
}
