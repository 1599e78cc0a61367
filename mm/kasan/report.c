/* The address sanitizer: saying what was wrong.
 *
 * The message of the panic has all in a line: what was done where, and which object, variable or block
 * lies there.  Behind panic()'s own report come the backtraces of the allocation and the free, and the
 * shadow around the address.
 *
 * The value in the shadow says what kind of memory it is; in a granule that may be used in part, the
 * one behind it does.  Whose memory it is, is known by others: slab.c for objects, struct page and the
 * notes for frames, the compiler's tables for variables. */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/symbols.h"
#include "mm/kasan/internal.h"
#include "mm/page.h"
#include "mm/slab_internal.h"

#define WHERE_MAX 160
#define ROW_BYTES 16u /* of shadow in a row: 128 of memory */
#define ROWS_AROUND 2

/* The compiler puts at the bottom of a frame: this word, the description, the function. */
#define FRAME_MAGIC 0x41B58AB3u
#define FRAME_SEARCH_MAX (2 * PAGE_SIZE) /* no frame is larger */

struct stack_frame {
    uint32_t magic;
    const char *variables; /* "COUNT" and for each "OFFSET SIZE LENGTH NAME[:LINE]" */
    uintptr_t function;
};

/* What the report that is under way is about. */
static struct {
    uintptr_t bad; /* the first byte that may not be used */
    const struct kasan_track *track;
} current;

/* ---- whose memory it is ---- */

/* "3 bytes behind", "12 bytes into": from `bad` to [start, start + nbytes). */
static int distance_to(uintptr_t bad, uintptr_t start, size_t nbytes, char *text, size_t size)
{
    bool before = bad < start, behind = bad >= start + nbytes;
    uint32_t distance = before ? start - bad : behind ? bad - (start + nbytes) : bad - start;

    return snprintf(text, size, "%u bytes %s", distance,
                    before   ? "before"
                    : behind ? "behind"
                             : "into");
}

/* The object that an address in a slab belongs to: of the one below and the one above a redzone, the
 * nearer. */
static uint8_t *object_near(const struct slab_cache *cache, const struct page *slab)
{
    uintptr_t base = (uintptr_t)slab_base(cache, slab);
    uint32_t offset = current.bad > base ? current.bad - base : 0;
    uint32_t index = MIN(offset / cache->slot_size, slab_slots(cache, slab) - 1);
    uint32_t below = offset - index * cache->slot_size, above = cache->slot_size - below;
    bool upper = index + 1 < slab_slots(cache, slab) && below >= cache->object_size &&
                 above < below - cache->object_size;

    return (uint8_t *)base + (index + upper) * cache->slot_size;
}

static void describe_object(char *text, size_t size)
{
    struct page *slab = slab_block_of((void *)current.bad);

    if (!slab || slab->kind != PAGE_SLAB) {
        snprintf(text, size, "in what was a slab");
        return;
    }
    struct slab_cache *cache = slab_owner(slab);
    uint8_t *object = object_near(cache, slab);
    current.track = kasan_track_of(cache, object);
    int used = distance_to(current.bad, (uintptr_t)object, current.track->nbytes, text, size);
    snprintf(text + used, size - (size_t)used, " object %p of %u bytes (cache %s)",
             (void *)object, current.track->nbytes, cache->name);
}

static void describe_frames(char *text, size_t size)
{
    paddr_t paddr = virt_to_paddr((void *)current.bad);
    struct page *head = page_block_head(pfn_to_page(paddr >> PAGE_SHIFT));

    current.track = kasan_frame_track(paddr);
    if (head->kind == PAGE_KMALLOC) {
        uintptr_t start = (uintptr_t)page_to_virt(head);
        int used = distance_to(current.bad, start, head->nbytes, text, size);
        snprintf(text + used, size - (size_t)used, " block %#x of %u bytes (kmalloc)",
                 (unsigned)start, head->nbytes);
    } else {
        snprintf(text, size, "in pfn %#x (%s)", paddr >> PAGE_SHIFT,
                 page_kind_name(head->kind));
    }
}

static void describe_global(char *text, size_t size)
{
    const struct asan_global *global = kasan_global_near(current.bad);

    if (!global) {
        snprintf(text, size, "near no variable");
        return;
    }
    int used = distance_to(current.bad, global->start, global->nbytes, text, size);
    used += snprintf(text + used, size - (size_t)used, " variable %s of %u bytes",
                     global->name[0] == '*' ? "(constant)" : global->name,
                     (unsigned)global->nbytes);
    snprintf(text + used, size - (size_t)used, " (%s:%d)", global->module,
             global->location ? global->location->line : 0);
}

/* The frame that an address on the stack lies in: downwards to its left redzone, and to the first word
 * of that. */
static const struct stack_frame *frame_below(uintptr_t address)
{
    uintptr_t limit = address - FRAME_SEARCH_MAX;
    uintptr_t at = ALIGN_DOWN(address, GRANULE);

    while (at > limit && *shadow_of(at) != SHADOW_STACK_LEFT)
        at -= GRANULE;
    while (at > limit && *shadow_of(at - GRANULE) == SHADOW_STACK_LEFT)
        at -= GRANULE;
    const struct stack_frame *frame = (const struct stack_frame *)at;
    return at > limit && frame->magic == FRAME_MAGIC ? frame : NULL;
}

static uint32_t read_number(const char **text)
{
    uint32_t number = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++)
        number = number * 10 + (uint32_t)(**text - '0');
    *text += **text == ' ';
    return number;
}

struct variable {
    uint32_t offset, nbytes;
    const char *name;
    int length;
};

/* The variable of a frame that `offset` lies in or behind, or the first one. */
static struct variable find_variable(const struct stack_frame *frame, uint32_t offset)
{
    struct variable found = { 0, 0, "?", 1 };
    const char *text = frame->variables;

    for (uint32_t i = read_number(&text); i > 0; i--) {
        struct variable next = { .offset = read_number(&text), .nbytes = read_number(&text) };
        uint32_t nchars = read_number(&text);
        const char *colon = memchr(text, ':', nchars); /* then the line */
        next.name = text;
        next.length = (int)(colon ? (uint32_t)(colon - text) : nchars);
        text += nchars + (text[nchars] == ' ');
        if (found.nbytes == 0 || next.offset <= offset)
            found = next;
    }
    return found;
}

static void describe_stack(char *text, size_t size)
{
    const struct stack_frame *frame = frame_below(current.bad);
    char function[64];

    if (!frame) {
        snprintf(text, size, "in no function's frame");
        return;
    }
    struct variable variable = find_variable(frame, current.bad - (uintptr_t)frame);
    int used = distance_to(current.bad, (uintptr_t)frame + variable.offset, variable.nbytes,
                           text, size);
    snprintf(text + used, size - (size_t)used, " variable %.*s of %u bytes (%s)",
             variable.length, variable.name, variable.nbytes,
             symbols_format(frame->function, function, sizeof(function)));
}

/* ---- the report ---- */

struct kind_of_bug {
    uint8_t shadow;
    const char *name;
    void (*describe)(char *text, size_t size);
};

static const struct kind_of_bug kinds[] = {
    { SHADOW_STACK_LEFT, "stack-out-of-bounds", describe_stack },
    { SHADOW_STACK_MID, "stack-out-of-bounds", describe_stack },
    { SHADOW_STACK_RIGHT, "stack-out-of-bounds", describe_stack },
    { SHADOW_STACK_SCOPE, "use-after-scope", describe_stack },
    { SHADOW_GLOBAL, "global-out-of-bounds", describe_global },
    { SHADOW_SLAB_FREE, "use-after-free", describe_object },
    { SHADOW_SLAB_REDZONE, "slab-out-of-bounds", describe_object },
    { SHADOW_PAGE_REDZONE, "kmalloc-out-of-bounds", describe_frames },
    { SHADOW_PAGE_FREE, "use-after-free", describe_frames },
};
static const struct kind_of_bug unknown = { 0, "bad access", describe_frames };

static const struct kind_of_bug *kind_of(uintptr_t bad)
{
    uint8_t shadow = *shadow_of(bad);

    if (shadow < GRANULE)
        shadow = *shadow_of(bad + GRANULE);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].shadow == shadow)
            return &kinds[i];
    return &unknown;
}

static void print_trace(const char *title, trace_id id)
{
    const uintptr_t *pcs;
    unsigned depth = kasan_load_trace(id, &pcs);
    char name[64];

    if (depth == 0)
        return;
    log_write(LOG_EMERG, "%s by:", title);
    for (unsigned i = 0; i < depth; i++)
        log_write(LOG_EMERG, "     %#010x %s", (unsigned)pcs[i],
                  symbols_format_return(pcs[i], name, sizeof(name)));
}

/* A row of the shadow, the byte of `bad` in brackets. */
static void print_row(uintptr_t row)
{
    char text[4 * ROW_BYTES];
    int used = 0;

    for (uintptr_t at = row; at < row + ROW_BYTES * GRANULE; at += GRANULE) {
        bool here = at == ALIGN_DOWN(current.bad, GRANULE);
        used += snprintf(text + used, sizeof(text) - (size_t)used, here ? "[%02x]" : " %02x ",
                         *shadow_of(at));
    }
    log_write(LOG_EMERG, "%c %08x %s",
              ALIGN_DOWN(current.bad, ROW_BYTES * GRANULE) == row ? '>' : ' ', (unsigned)row,
              text);
}

/* Nothing runs but the panic any more: no checks, so that it comes to its end. */
static void print_details(void)
{
    uintptr_t row = ALIGN_DOWN(current.bad, ROW_BYTES * GRANULE);

    kasan_stop();
    if (current.track) {
        print_trace("allocated", current.track->allocated);
        print_trace("freed", current.track->freed);
    }
    log_write(LOG_EMERG, "shadow (a byte stands for 8 of memory):");
    for (int i = -ROWS_AROUND; i <= ROWS_AROUND; i++)
        print_row(row + (uintptr_t)i * ROW_BYTES * GRANULE);
}

void kasan_report(uintptr_t address, size_t nbytes, enum access_kind kind)
{
    char where[WHERE_MAX];

    current.bad = kasan_first_bad(address, nbytes);
    current.track = NULL;
    const struct kind_of_bug *bug = kind_of(current.bad);
    bug->describe(where, sizeof(where));
    kasan_unpoison_stack(); /* a catcher may leave the frames above by a jump */
    panic_set_details(print_details);
    panic("kasan: %s: %s of %u bytes at %#x, %s", bug->name,
          kind == ACCESS_READ ? "read" : "write", (unsigned)nbytes, (unsigned)address, where);
}

void kasan_report_double_free(struct slab_cache *cache, void *object)
{
    current.bad = (uintptr_t)object;
    current.track = kasan_track_of(cache, object);
    kasan_unpoison_stack();
    panic_set_details(print_details);
    panic("slab %s: double free of %p", cache->name, object);
}
