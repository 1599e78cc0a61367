/* mm/inject.h - make allocations fail on purpose, to see what callers do then.
 * Below: nothing of mm.  Above: buddy and slab ask it; proc, the kernel's command line and the
 * shell tell it.  Lock: "inject", innermost; any context; does not sleep. */
#pragma once

#include "kernel/lib/types.h"

/* Kinds of allocation, as bits. */
#define INJECT_PAGE (1u << 0) /* buddy_alloc() */
#define INJECT_SLAB (1u << 1) /* slab_alloc(), and so kmalloc() up to 8 KiB */
#define INJECT_KINDS 2u

enum inject_mode {
    INJECT_NTH,   /* the n-th one from now on, and no other */
    INJECT_EVERY, /* the n-th, the 2n-th, ... */
    INJECT_RANDOM /* one in n on average, at random; the same ones for the same seed */
};

struct inject_rule {
    unsigned what; /* INJECT_PAGE | INJECT_SLAB; 0: nothing fails */
    enum inject_mode mode;
    uint32_t n;    /* at least 1 */
    uint32_t seed; /* INJECT_RANDOM */
};

/* Replace the rule; counting starts again. */
void inject_set(const struct inject_rule *rule);

struct inject_stats {
    struct inject_rule rule;
    uint32_t candidates; /* requests of the rule's kinds since inject_set() */
    uint32_t failed;     /* those of them that the rule made fail */
    uint32_t countdowns; /* failures that a thread's countdown caused, since boot */
};
void inject_get_stats(struct inject_stats *stats);

/* Read a rule:
 *     off
 *     KIND[,KIND]:nth=N   KIND[,KIND]:every=N   KIND[,KIND]:random=N[,seed=S]
 * with KIND = page or slab, N >= 1.  0, or -EINVAL: then `problem` says what is wrong, for a
 * person, and *rule is as it was. */
int inject_parse(const char *text, struct inject_rule *rule, char *problem, size_t size);

/* The rule in the kernel parameter inject=, if there is one; a wrong one is logged and ignored.
 * Called when the kernel is up: what it needs to come up is not to fail. */
void inject_init(const char *cmdline);

/* The running thread's countdown, as Linux's /proc/PID/fail-nth: N means that the N-th request
 * (of either kind) from now on fails, and then it is 0, which means off.  The scheduler calls
 * this at each switch; whoever changes the running thread's countdown calls it, too.  NULL: the
 * thread has none. */
void inject_switch(uint32_t *countdown);

/* ---- for the allocators ---- */

extern bool inject_armed; /* a request may have to fail, ask inject_decide() */

/* From now on inject_armed stays set, so that no request takes a shortcut: for who wants to see
 * them all (mm/track.h). */
void inject_show_all(void);

void inject_set_notice(void (*notice)(void)); /* be told when inject_armed has changed */
bool inject_decide(unsigned kind);

/* Must this request fail?  One comparison as long as nothing is to be injected. */
static inline bool inject_hits(unsigned kind)
{
    return unlikely(inject_armed) && inject_decide(kind);
}
