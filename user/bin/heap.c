/* heap - demand paging made visible.  heap map - malloc's chunks drawn.
 * The heap grows and shrinks step by step.  After each step a line shows where its end is, how
 * many of its pages are resident (mincore), and how many page faults the step took (getrusage).
 * Growing costs nothing; the first touch of each page does.  All figures are relative to the
 * start, so that they are the same on every system that pages on demand.
 * The map shows what malloc() does inside of its heap: one character for 32 bytes.  Blocks outside, in
 * mappings of their own, are counted. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096
#define KIB 1024
#define PAGES 16          /* what the first part plays with */
#define BLOCK (64 * 1024) /* what the second part allocates, */
#define BLOCKS 16         /* so many of them */
#define HEAP_PAGES_MAX 1024

static char *start;          /* the heap's beginning */
static char *blocks[BLOCKS]; /* the second part's */
static struct rusage before, after;
static unsigned char resident[HEAP_PAGES_MAX];

static unsigned resident_pages(void)
{
    size_t nbytes = (size_t)((char *)sbrk(0) - start);
    unsigned count = 0;

    if (mincore(start, nbytes, resident) != 0)
        return 0;
    for (size_t i = 0; i < nbytes / PAGE; i++)
        count += resident[i] & 1;
    return count;
}

static char volatile *page(unsigned number)
{
    return start + number * PAGE;
}

static void nothing(void)
{
}

static void grow(void)
{
    sbrk(PAGES * PAGE);
}

static void read_first(void)
{
    (void)*page(0);
}

static void write_first(void)
{
    *page(0) = 1;
}

static void write_second(void)
{
    *page(1) = 1;
}

static void read_four(void)
{
    for (unsigned i = 2; i < 6; i++)
        (void)*page(i);
}

static void write_all(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        *page(i) = (char)i;
}

static void shrink_half(void)
{
    sbrk(-(PAGES / 2 * PAGE));
}

static void grow_half(void)
{
    sbrk(PAGES / 2 * PAGE);
}

static void read_last(void)
{
    if (*page(PAGES - 1) != 0)
        puts("heap: a page came back with old contents");
}

static void shrink_all(void)
{
    brk(start);
}

static void allocate(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(BLOCK);
}

static void fill_half(void)
{
    for (unsigned i = 0; i < BLOCKS / 2; i++)
        memset(blocks[i], 0x55, BLOCK);
}

static void fill(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        memset(blocks[i], 0x55, BLOCK);
}

static void release(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void trim(void)
{
    malloc_trim(0);
}

struct step {
    void (*run)(void);
    const char *name, *remark;
};

static const struct step sbrk_steps[] = {
    { nothing, "start", "" },
    { grow, "sbrk(+64 KiB)", "an address range, no memory yet" },
    { read_first, "read page 0", "maps the shared page of zeros" },
    { read_first, "read page 0 again", "mapped already" },
    { write_first, "write page 0", "now a page of its own" },
    { write_second, "write page 1", "a page of its own at once" },
    { read_four, "read pages 2 to 5", "four times the same page of zeros" },
    { write_all, "write pages 0 to 15", "2 were there, 14 were not" },
    { write_all, "write them again", "all there" },
    { shrink_half, "sbrk(-32 KiB)", "8 pages go back" },
    { grow_half, "sbrk(+32 KiB)", "the range again, not the pages" },
    { read_last, "read page 15", "zero: nothing of the old contents" },
    { shrink_all, "brk(start)", "everything goes back" },
};

static const struct step malloc_steps[] = {
    { allocate, "malloc, 16 * 64 KiB", "only the headers" },
    { fill_half, "fill the first 8", "" },
    { fill, "fill all", "" },
    { release, "free all", "given back, but for a reserve" },
    { trim, "malloc_trim(0)", "all of it" },
};

static void run_step(const struct step *step)
{
    getrusage(RUSAGE_SELF, &before);
    step->run();
    getrusage(RUSAGE_SELF, &after);
    printf("%-19s %7u %8u %6ld  %s\n", step->name, (unsigned)((char *)sbrk(0) - start) / KIB,
           resident_pages(), after.ru_minflt - before.ru_minflt, step->remark);
}

/* The program's own pages fault too.  Touch them first, so that only the heap's are counted. */
static void warm_up(void)
{
    start = sbrk(0);
    memset(resident, 1, sizeof(resident));
    memset(&before, 1, sizeof(before));
    memset(&after, 1, sizeof(after));
    grow();
    write_all();
    shrink_half();
    grow_half();
    read_last();
    read_four();
    shrink_all();
    resident_pages();
}

/* ---- The map ----------------------------------------------------------------------------- */

#define CELL 32
#define ROW 64      /* cells */
#define PIECES 48   /* blocks in the map */
#define SMALLEST 28 /* one cell with its header */

static char row[ROW + 1];
static unsigned cells;

static void draw_cell(char character)
{
    row[cells++ % ROW] = character;
    if (cells % ROW == 0)
        printf("%6u |%s|\n", (cells - ROW) * CELL, row);
}

/* The first character of a piece is its kind, the others continue it. */
static void draw_piece(const struct malloc_piece *piece, void *unused)
{
    static const char first[] = { 'U', 'H', 'F', 'T' }, more[] = { '=', '-', '.', ' ' };
    size_t count = piece->nbytes / CELL;

    (void)unused;
    if (piece->state == MALLOC_TOP)
        count = ROW - cells % ROW; /* the rest of the row stands for all of it */
    for (size_t i = 0; i < count; i++)
        draw_cell(i == 0 ? first[piece->state] : more[piece->state]);
}

static void draw(const char *title)
{
    struct malloc_stats stats;

    malloc_get_stats(&stats);
    printf("%s: %zu used, %zu held, %zu free\n", title, stats.used_chunks, stats.held_chunks,
           stats.free_chunks);
    if (stats.mapped_blocks > 0) /* with STRATA_MALLOC=guard all of them */
        printf("       outside the heap: %zu blocks in mappings of their own, %zu KiB\n",
               stats.mapped_blocks, stats.mapped_bytes / KIB);
    cells = 0;
    malloc_walk(draw_piece, NULL);
}

static void show_map(void)
{
    static char *pieces[PIECES];

    sbrk((intptr_t)(-(uintptr_t)sbrk(0) & (PAGE - 1))); /* the same on every system */
    puts("U=== used   H--- held   F... free   T top   a character: 32 bytes");
    for (unsigned i = 0; i < PIECES; i++)
        pieces[i] = malloc(SMALLEST + i % 4 * CELL);
    draw("48 blocks of 28 to 124 bytes");
    for (unsigned i = 0; i < PIECES; i += 2)
        free(pieces[i]);
    draw("every second one freed");
    for (unsigned i = 0; i < PIECES / 2; i += 4)
        pieces[i] = malloc(SMALLEST);
    draw("six of 28 bytes: taken from what is held");
    for (unsigned i = PIECES / 2 + 1; i < PIECES; i += 2)
        free(pieces[i]);
    draw("the second half freed, not merged yet");
    malloc_trim(PAGE);
    draw("merged by malloc_trim()");
    free(malloc(20 * CELL));
    draw("20 cells came and went: carved from the end, then held");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "map") == 0) {
        show_map();
        return malloc_check() ? 0 : 1;
    }
    if (argc > 1) {
        puts("usage: heap [map]");
        return 2;
    }
    warm_up();
    puts("step                brk/KiB resident faults");
    for (size_t i = 0; i < sizeof(sbrk_steps) / sizeof(sbrk_steps[0]); i++)
        run_step(&sbrk_steps[i]);

    free(malloc(1)); /* malloc's own variables */
    for (size_t i = 0; i < sizeof(malloc_steps) / sizeof(malloc_steps[0]); i++)
        run_step(&malloc_steps[i]);
    return malloc_check() ? 0 : 1;
}
