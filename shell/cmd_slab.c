/* shell/cmd_slab.c - small objects of the kernel: the largest caches, damage, leaks. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/sched/thread.h"
#include "mm/kmalloc.h"
#include "mm/leaks.h"
#include "mm/reclaim.h"
#include "shell/commands.h"

typedef unsigned long long ull;

/* ---- slabtop ---- */

#define SLABTOP_ROWS 20u

/* What a cache holds, and what of it is not in objects in use. */
struct slab_bytes {
    uint32_t held, free, lost;
};

static struct slab_bytes bytes_of(const struct slab_stats *s)
{
    struct slab_bytes bytes = { .held = s->frames * PAGE_SIZE,
                                .free = (s->objects_total - s->objects_in_use) *
                                        s->object_size };

    bytes.lost = bytes.held - s->objects_total * s->object_size;
    return bytes;
}

/* Numbers of the caches (slab_get_stats) in order of bytes held, the most first. */
struct slab_order {
    unsigned count;
    struct {
        uint32_t held;
        unsigned index;
    } caches[SLAB_MAX_CACHES];
};

static void sort_caches(struct slab_order *order)
{
    struct slab_stats s;

    for (order->count = 0; slab_get_stats(order->count, &s); order->count++) {
        uint32_t held = bytes_of(&s).held;
        unsigned to = order->count;
        for (; to > 0 && order->caches[to - 1].held < held; to--)
            order->caches[to] = order->caches[to - 1];
        order->caches[to].held = held;
        order->caches[to].index = order->count;
    }
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)(part * 100 / whole) : 0;
}

static void print_totals(void)
{
    struct slab_bytes sum = { 0 };
    unsigned caches = 0;
    struct slab_stats s;

    for (; slab_get_stats(caches, &s); caches++) {
        struct slab_bytes bytes = bytes_of(&s);
        sum.held += bytes.held;
        sum.free += bytes.free;
        sum.lost += bytes.lost;
    }
    shell_printf("%u caches hold %u kB: %u kB in use, %u kB free, %u kB lost\n", caches,
                 sum.held / KiB, (sum.held - sum.free - sum.lost) / KiB, sum.free / KiB,
                 sum.lost / KiB);
}

/* "  87%": what callers of kmalloc asked for, of all that they were given so far; "    -": objects of
 * one kind, which need all their bytes. */
static const char *asked_text(const struct slab_stats *s, char *text, size_t size)
{
    uint64_t given = (s->allocs + s->failures) * s->object_size;

    if (s->requested)
        snprintf(text, size, "%3u%%", percent(s->requested, given));
    else
        strlcpy(text, "-", size);
    return text;
}

static void print_row(const struct slab_stats *s)
{
    char asked[8];
    struct slab_bytes bytes = bytes_of(s);
    uint32_t slabs = s->slabs_full + s->slabs_partial + s->slabs_empty;

    shell_printf("%7u %7u %3u%% %5u %6u %7u %6u %5u ", s->objects_total, s->objects_in_use,
                 percent(s->objects_in_use, s->objects_total), s->object_size, slabs,
                 bytes.held / KiB, bytes.free / KiB, bytes.lost / KiB);
    if (s->magazine_capacity)
        shell_printf("%3u%% ", percent(s->allocs - s->refills, s->allocs));
    else
        shell_printf("   - ");
    shell_printf("%5s %s\n", asked_text(s, asked, sizeof(asked)), s->name);
}

int cmd_slabtop(int argc, char *argv[])
{
    static struct slab_order order; /* too large for the stack */
    uint32_t rows = SLABTOP_ROWS;
    struct slab_stats s;

    if (argc == 2 && shell_parse_number("slabtop", "ROWS", argv[1], 1, SLAB_MAX_CACHES, &rows))
        return -EINVAL;
    sort_caches(&order);
    print_totals();
    shell_printf("   OBJS  ACTIVE  USE  SIZE  SLABS HELD kB   FREE  LOST  HIT ASKED NAME\n");
    for (unsigned row = 0; row < MIN(rows, order.count); row++)
        if (slab_get_stats(order.caches[row].index, &s))
            print_row(&s);
    return 0;
}

/* ---- slab_validate ---- */

int cmd_slab_validate(int argc, char *argv[])
{
    int verdict = argc == 2 ? slab_check_cache(argv[1]) : slab_check();

    if (verdict == -ENOENT) {
        shell_printf("slab_validate: there is no cache '%s'; `slabinfo` lists them\n", argv[1]);
        return verdict;
    }
    shell_printf("%s: %s\n", argc == 2 ? argv[1] : "all caches",
                 verdict ? "sound" : "damaged (the log says where)");
    return verdict ? 0 : -EFAULT;
}

/* ---- leaks ---- */

#define LEAK_SITES_MAX 256u
#define LEAK_COLUMNS 73u /* for the way to an allocation: 79, and it is indented */

static uint32_t mark; /* number of the last event before it (mm/track.h); 0: the start */

static void print_site(const struct leak_site *site)
{
    char text[LEAK_COLUMNS + 1];
    unsigned next = 0;

    shell_printf("%7llu bytes in %u of %s, last %s%#x at %u.%02u s\n", (ull)site->nbytes,
                 site->count, site->what, site->frames ? "frame " : "", site->example,
                 site->track.ticks / TIMER_HZ, site->track.ticks % TIMER_HZ * (100 / TIMER_HZ));
    while (next < TRACK_DEPTH) {
        next = track_format(&site->track, next, text, sizeof(text));
        shell_printf("      %s\n", text);
    }
}

static void print_leaks(const struct leak_list *list, const char *what)
{
    for (unsigned i = 0; i < list->nsites; i++)
        print_site(&list->sites[i]);
    shell_printf("%u %s, %llu bytes, of %u looked at\n", list->count, what, (ull)list->nbytes,
                 list->looked_at);
}

static int list_since(struct leak_list *list, uint32_t upto)
{
    leaks_since(mark, upto, list);
    print_leaks(list, mark ? "in use since the mark" : "in use since the start");
    return 0;
}

static int list_unreachable(struct leak_list *list)
{
    int error = leaks_unreachable(thread_visit_stacks, list);

    if (error == 0)
        print_leaks(list, "out of reach");
    return error;
}

int cmd_leaks(int argc, char *argv[])
{
    struct leak_list list = { .capacity = LEAK_SITES_MAX };

    if (argc == 2 && strcmp(argv[1], "scan") != 0 && strcmp(argv[1], "mark") != 0)
        return shell_usage("leaks", "'%s' is neither mark nor scan", argv[1]);
    if (!leaks_available()) {
        shell_printf("leaks: who allocates is not noted; boot with the kernel parameter "
                     "slab_debug=U\n");
        return -ENOSYS;
    }
    reclaim_all(); /* what is only kept in case it is needed is no leak */
    if (argc == 2 && strcmp(argv[1], "mark") == 0) {
        mark = track_serial();
        return 0;
    }
    uint32_t upto = track_serial(); /* the list is not to find itself */
    list.sites = kmalloc(LEAK_SITES_MAX * sizeof(*list.sites), PAGE_ANY);
    if (!list.sites) {
        shell_printf("leaks: no memory for the list\n");
        return -ENOMEM;
    }
    int error = argc == 1 ? list_since(&list, upto) : list_unreachable(&list);
    kfree(list.sites);
    return error;
}
