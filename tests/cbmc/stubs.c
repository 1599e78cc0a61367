/* tests/cbmc/stubs.c - what the subjects need from above and below.  An ASSERT that fails is a proof
 * that fails; locks are those of the host tests (tests/host/shim), which check their use. */
#include "kernel/lib/assert.h"
#include "kernel/log.h"
#include "mm/inject.h"
#include "mm/page.h"
#include "tests/cbmc/proof.h"

#include "mm/compact.h"
#include "mm/track.h"
#include "mm/zeroed.h"

struct page *mem_map;
pfn_t max_pfn;
uintptr_t host_direct_map;
bool inject_armed;

void inject_set_notice(void (*notice)(void))
{
    (void)notice;
}

bool inject_decide(unsigned kind)
{
    (void)kind;
    return false;
}

/* In place of mm/track.c: nothing is tracked. */
bool track_pages;

void track_page_alloc(const struct page *head)
{
    (void)head;
}

void track_log_page(const struct page *head)
{
    (void)head;
}

/* In place of mm/zeroed.c and mm/compact.c: nothing is zeroed in advance, nothing can be moved. */
uint32_t zeroed_frames;

struct page *zeroed_exchange(struct page *page)
{
    (void)page;
    return 0;
}

void zeroed_forget(struct pool *pool)
{
    (void)pool;
}

bool compact_units(pfn_t start, uint32_t units)
{
    (void)start, (void)units;
    return false;
}

const char *page_kind_name(enum page_kind kind)
{
    (void)kind;
    return "";
}

void assert_failed(const char *file, int line, const char *function, const char *fmt, ...)
{
    (void)file, (void)line, (void)function, (void)fmt;
    PROVE(!"an assertion of the kernel fails");
    __builtin_trap();
}

void log_write(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}
