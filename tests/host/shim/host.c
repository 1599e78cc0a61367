/* tests/host/shim/host.c - see host.h. */
#include "host.h"

#include <stdarg.h>
#include <sys/mman.h>

#include "kernel/lib/assert.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/track.h"
#include "mm/zeroed.h"

#define HOST_FRAMES_MAX 12288u
#define BLOCK_BYTES (PAGE_SIZE << BUDDY_MAX_ORDER)

/* From the kernel's linker script; memmap_init(), which no host test calls, reserves what is between. */
uint8_t kernel_start[1], kernel_end[1];

uintptr_t host_direct_map;
jmp_buf host_panic_jump;

static struct {
    uint32_t seed, random;
    bool panic_armed, panic_caught;
    char message[256];
} host;

void host_init(int argc, char *argv[])
{
    host.seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1;
    host.random = host.seed * 2654435761u | 1;
}

uint32_t host_random(void)
{
    host.random ^= host.random << 13; /* Marsaglia, Xorshift RNGs, 2003 */
    host.random ^= host.random >> 17;
    host.random ^= host.random << 5;
    return host.random;
}

uint32_t host_random_below(uint32_t limit)
{
    return host_random() % limit;
}

void host_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: failed with seed %u: %s\n", file, line, host.seed, what);
    exit(1);
}

void host_machine(uint32_t nframes)
{
    static struct page map[HOST_FRAMES_MAX];
    static uint8_t *memory;

    if (memory == NULL) {
        memory = mmap(NULL, HOST_FRAMES_MAX * PAGE_SIZE + BLOCK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            host_fail(__FILE__, __LINE__, "no memory");
        host_direct_map = ALIGN_UP((uintptr_t)memory, BLOCK_BYTES);
    }
    if (nframes > HOST_FRAMES_MAX)
        host_fail(__FILE__, __LINE__, "the machine is too large");
    memset(map, 0, sizeof(map));
    mem_map = map;
    max_pfn = nframes;
    buddy_reset();
    buddy_add_range(1, nframes);
}

/* In place of mm/track.c: events are counted, but nobody's name is known. */
bool track_pages;

void track_note(struct track *track)
{
    static uint32_t serial;

    memset(track, 0, sizeof(*track));
    track->serial = ++serial;
}

void track_log(const char *what, const struct track *track)
{
    log_err("  %s: event %u", what, track->serial);
}

void track_page_alloc(const struct page *head)
{
    (void)head;
}

void track_log_page(const struct page *head)
{
    (void)head;
}

void host_panic_arm(void)
{
    host.panic_armed = true;
    host.panic_caught = false;
}

void host_panic_expect(const char *part, const char *file, int line)
{
    host.panic_armed = false;
    if (!host.panic_caught)
        host_fail(file, line, "expected a panic, got none");
    if (strstr(host.message, part) == NULL)
        host_fail(file, line, host.message);
}

static void catch_panic(const char *fmt, va_list args)
{
    vsnprintf(host.message, sizeof(host.message), fmt, args);
    if (host.panic_armed) {
        host.panic_armed = false;
        host.panic_caught = true;
        longjmp(host_panic_jump, 1);
    }
}

void assert_failed(const char *file, int line, const char *function, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    catch_panic(fmt, args);
    va_end(args);
    fprintf(stderr, "%s: ", function);
    host_fail(file, line, host.message);
}

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    catch_panic(fmt, args);
    va_end(args);
    host_fail("panic", 0, host.message);
}

/* The kernel's log: shown, because a test that passes causes none. */
void log_write(enum log_level level, const char *fmt, ...)
{
    va_list args;
    if (level > LOG_WARNING)
        return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}

/* The host has no idle loop that would zero frames in advance. */
uint32_t zeroed_frames;

struct page *zeroed_exchange(struct page *page)
{
    (void)page;
    return NULL;
}

void zeroed_forget(struct pool *pool)
{
    (void)pool;
}

/* Nor programs, whose frames could be moved out of the way. */
bool compact_units(pfn_t start, uint32_t units)
{
    (void)start;
    (void)units;
    return false;
}
