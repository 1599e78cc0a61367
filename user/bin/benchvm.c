/* benchvm - what mappings, copy-on-write and page faults cost, seen from ring 3. */
#include "user/bin/bench.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGE_PAGES 256
#define RANGE_SAMPLES 100
#define STACK_SLACK_PAGES 64 /* a new stack may have that much room without growing */
#define HUGE (4u << 20)
#define HUGE_PAGES (HUGE / PAGE)
#define HUGE_SAMPLES 10

static int file; /* our own executable */

static char *map(size_t nbytes)
{
    return mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void touch(char *byte)
{
    *(volatile char *)byte = 1;
}

enum what { MAP = 1, TOUCH = 2, UNMAP = 4 };

/* Map a page, touch it perhaps, unmap it; the time of what `timed` names. */
static uint32_t map_cycle(enum what done, enum what timed)
{
    uint32_t start = now();
    char *page = map(PAGE);
    uint32_t mapped = now();
    if (page == MAP_FAILED)
        return UNSUPPORTED;
    if ((done & TOUCH) != 0)
        touch(page);
    uint32_t touched = now();
    munmap(page, PAGE);
    uint32_t end = now();
    return elapsed((timed & MAP) != 0 ? start : touched, (timed & UNMAP) != 0 ? end : mapped);
}

static uint32_t sample_map(void)
{
    return map_cycle(MAP | UNMAP, MAP);
}

static uint32_t sample_unmap_untouched(void)
{
    return map_cycle(MAP | UNMAP, UNMAP);
}

static uint32_t sample_unmap_touched(void)
{
    return map_cycle(MAP | TOUCH | UNMAP, UNMAP);
}

static uint32_t sample_pair_untouched(void)
{
    return map_cycle(MAP | UNMAP, MAP | UNMAP);
}

static uint32_t sample_pair_touched(void)
{
    return map_cycle(MAP | TOUCH | UNMAP, MAP | UNMAP);
}

static uint32_t sample_range(void)
{
    uint32_t from = now();
    char *range = map(RANGE_PAGES * PAGE);
    if (range == MAP_FAILED)
        return UNSUPPORTED;
    for (unsigned i = 0; i < RANGE_PAGES; i++)
        touch(range + i * PAGE);
    munmap(range, RANGE_PAGES * PAGE);
    return elapsed(from, now());
}

/* The first look at a file's page that is in memory already. */
static uint32_t sample_file_fault(void)
{
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    if (page == MAP_FAILED)
        return UNSUPPORTED;
    uint32_t from = now();
    (void)*(volatile char *)page;
    uint32_t to = now();
    munmap(page, PAGE);
    return elapsed(from, to);
}

/* Take rights from a touched page that is a mapping of its own, or give them back. */
static uint32_t protect_cycle(int timed)
{
    char *page = map(PAGE);
    if (page == MAP_FAILED)
        return UNSUPPORTED;
    touch(page);
    uint32_t from = now();
    int error = mprotect(page, PAGE, PROT_READ);
    uint32_t middle = now();
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    uint32_t to = now();
    munmap(page, PAGE);
    if (error != 0)
        return UNSUPPORTED;
    return timed == PROT_READ ? elapsed(from, middle) : elapsed(middle, to);
}

static uint32_t sample_protect(void)
{
    return protect_cycle(PROT_READ);
}

static uint32_t sample_unprotect(void)
{
    return protect_cycle(PROT_READ | PROT_WRITE);
}

/* 4 MiB of addresses at a multiple of their size, for which a 4 MiB page was asked; nothing is there. */
static char *huge_place(void)
{
    static char *place;

    if (place == NULL) {
        char *area = map(2 * HUGE);
        if (area == MAP_FAILED)
            return NULL;
        place = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
        if (madvise(place, HUGE, MADV_HUGEPAGE) != 0)
            return NULL;
    }
    madvise(place, HUGE, MADV_DONTNEED);
    return place;
}

static uint32_t sample_huge_fault(void)
{
    char *place = huge_place();
    if (place == NULL)
        return UNSUPPORTED;
    uint32_t from = now();
    touch(place);
    return elapsed(from, now());
}

/* Touch every page of it, and give all of it back. */
static uint32_t sample_huge_range(void)
{
    char *place = huge_place();
    if (place == NULL)
        return UNSUPPORTED;
    uint32_t from = now();
    for (unsigned i = 0; i < HUGE_PAGES; i++)
        touch(place + i * PAGE);
    madvise(place, HUGE, MADV_DONTNEED);
    return elapsed(from, now());
}

static const struct row rows[] = {
    { "mmap_untouched", sample_map, SAMPLES, 1, "page" },
    { "munmap_untouched", sample_unmap_untouched, SAMPLES, 1, "page" },
    { "munmap_touched", sample_unmap_touched, SAMPLES, 1, "page" },
    { "mmap_munmap_pair", sample_pair_untouched, SAMPLES, 1, "pair" },
    { "mmap_touch_munmap_pair", sample_pair_touched, SAMPLES, 1, "pair" },
    { "mmap_touch_munmap_256", sample_range, RANGE_SAMPLES, RANGE_PAGES, "page" },
    { "huge_fault", sample_huge_fault, HUGE_SAMPLES, 1, "fault" },
    { "huge_touch_drop", sample_huge_range, HUGE_SAMPLES, HUGE_PAGES, "page" },
    { "file_page_read_fault", sample_file_fault, SAMPLES, 1, "page" },
    { "mprotect_read_only", sample_protect, SAMPLES, 1, "call" },
    { "mprotect_read_write", sample_unprotect, SAMPLES, 1, "call" },
};

/* One sample for each page of a range that is mapped, but not writable now. */
static void write_range(char *range)
{
    for (unsigned i = 0; i < RANGE_PAGES; i++) {
        uint32_t from = now();
        touch(range + i * PAGE);
        samples[i] = elapsed(from, now());
    }
}

enum child_is { ALIVE, DEAD };

/* After a fork a write copies the page while the child has it, too.  Once the child is gone, the
 * last owner gets it back without a copy. */
static void measure_copy_on_write(const char *name, enum child_is life)
{
    char *range = map(RANGE_PAGES * PAGE);
    if (range != MAP_FAILED)
        memset(range, 1, RANGE_PAGES * PAGE);
    pid_t child = range == MAP_FAILED ? -1 : fork();
    if (child == -1) {
        print_unsupported(name);
        return;
    }
    if (child == 0) {
        while (life == ALIVE)
            pause();
        _exit(0);
    }
    if (life == DEAD)
        waitpid(child, NULL, 0);
    write_range(range);
    if (life == ALIVE) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    munmap(range, RANGE_PAGES * PAGE);
    print_row(name, RANGE_PAGES, 1, "page");
}

/* Reserve a page of stack after the other, and touch each.  Only a stack's first growth costs, so
 * this can be measured once in a process' life. */
static void measure_stack_growth(void)
{
    for (unsigned i = 0; i < STACK_SLACK_PAGES + RANGE_PAGES; i++) {
        char *page = __builtin_alloca(PAGE);
        uint32_t from = now();
        touch(page);
        uint32_t ticks = elapsed(from, now());
        if (i >= STACK_SLACK_PAGES)
            samples[i - STACK_SLACK_PAGES] = ticks;
    }
    print_row("stack_growth", RANGE_PAGES, 1, "page");
}

int main(int argc, char **argv)
{
    char path[64];

    if (argc != 1) {
        puts("usage: benchvm");
        return 2;
    }
    if (!bench_begin())
        return 1;
    snprintf(path, sizeof(path), "%s%s", strchr(argv[0], '/') != NULL ? "" : "/bin/", argv[0]);
    file = open(path, O_RDONLY);
    run_rows(rows, LENGTH(rows));
    measure_copy_on_write("cow_break", ALIVE);
    measure_copy_on_write("cow_reuse", DEAD);
    measure_stack_growth();
    return 0;
}
