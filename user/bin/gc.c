/* gc - a program that handles its own page faults, as a garbage collector does.
 *
 * Problem   Most cells die young.  So new cells are made in a small nursery, and a collection moves
 *           those that something still points to into the old generation; the rest is gone with one
 *           assignment.  The pointers to look at: the roots, and those in old cells.  But the old
 *           generation is large, and hardly any of it points into the nursery: only what was written
 *           to since the last collection can.  Which cells were?
 * Answer    Ask the page tables.  Between collections the old generation is read-only.  The first
 *           write to a page of it, a "card", is a fault, and the kernel sends SIGSEGV with the
 *           address in si_addr.  The handler notes the card as dirty, allows writes to it with
 *           mprotect(), and returns; the instruction runs again and succeeds.  A write costs nothing
 *           but for the first one in each card; reads and the nursery never cost anything.
 * Moving    Cheney's method: promoted cells are appended to the old generation, and a second pointer
 *           runs after the end of it, promoting what they point to, until it has caught up.  A moved
 *           cell leaves its new address behind.
 * Limits    The old generation is never collected here.
 * Reading   Appel, Li: Virtual memory primitives for user programs (1991).  Ungar: Generation
 *           scavenging (1984).  Cheney: A nonrecursive list compacting algorithm (1970). */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CARD 4096 /* bytes: what mprotect() can tell apart */
#define CARD_CELLS (CARD / sizeof(struct cell))
#define OLD_CARDS 64
#define NURSERY_CARDS 4
#define NURSERY_CELLS (NURSERY_CARDS * CARD_CELLS)
#define LISTS 8
#define COLLECTIONS 16
#define DEEP_EVERY 512   /* one insertion in so many is far down its list */
#define MOVED UINT32_MAX /* as a value: the cell is now at `next` */
#define VALUE_MAX 1000u

struct cell {
    struct cell *next;
    uint32_t value;
};

static struct cell *old, *old_end;         /* [old, old_end) is in use */
static struct cell *nursery, *nursery_end; /* the same */
static struct cell *lists[LISTS];          /* the roots */

/* Set by the handler. */
static volatile bool dirty[OLD_CARDS];
static volatile unsigned faults;

/* What the lists must contain, whatever was moved where. */
static struct {
    unsigned length, sum;
} expected[LISTS];

static unsigned collections, promoted, scanned;

/* --- the write barrier -------------------------------------------------------------------------- */

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    size_t card = ((uintptr_t)info->si_addr - (uintptr_t)old) / CARD;

    if ((uintptr_t)info->si_addr < (uintptr_t)old || card >= OLD_CARDS || dirty[card]) {
        /* Not ours, a plain bug: without a handler the same instruction ends the program. */
        struct sigaction standard = { .sa_handler = SIG_DFL };
        sigaction(number, &standard, NULL);
        return;
    }
    dirty[card] = true;
    faults++;
    if (mprotect((char *)old + card * CARD, CARD, PROT_READ | PROT_WRITE) != 0)
        _exit(1);
}

static void protect_old(int protection)
{
    if (mprotect(old, OLD_CARDS * CARD, protection) != 0) {
        perror("gc: mprotect");
        exit(1);
    }
}

/* --- the collector ------------------------------------------------------------------------------ */

static bool is_young(const struct cell *cell)
{
    return cell >= nursery && cell < nursery + NURSERY_CELLS;
}

/* Where the cell is from now on. */
static struct cell *promote(struct cell *cell)
{
    if (!is_young(cell))
        return cell;
    if (cell->value != MOVED) {
        if (old_end == old + OLD_CARDS * CARD_CELLS) {
            puts("gc: the old generation is full");
            exit(1);
        }
        *old_end = *cell;
        *cell = (struct cell){ .next = old_end++, .value = MOVED };
        promoted++;
    }
    return cell->next;
}

/* The last card in use may be half empty, and grow meanwhile. */
static void scan_card(unsigned card)
{
    struct cell *cell = old + card * CARD_CELLS;
    for (unsigned i = 0; i < CARD_CELLS && &cell[i] < old_end; i++)
        cell[i].next = promote(cell[i].next);
}

static void collect(void)
{
    unsigned young = (unsigned)(nursery_end - nursery), already = promoted, dirty_cards = 0;
    struct cell *first_new = old_end;

    protect_old(PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < LISTS; i++)
        lists[i] = promote(lists[i]);
    for (unsigned card = 0; card < OLD_CARDS; card++) {
        if (!dirty[card])
            continue;
        scan_card(card);
        dirty[card] = false;
        dirty_cards++;
    }
    for (struct cell *cell = first_new; cell < old_end; cell++)
        cell->next = promote(cell->next);
    protect_old(PROT_READ);

    memset(nursery, 0xFF, NURSERY_CARDS * CARD); /* whoever still looks there will notice */
    nursery_end = nursery;
    scanned += dirty_cards;
    unsigned old_cards = (unsigned)((size_t)(first_new - old) + CARD_CELLS - 1) / CARD_CELLS;
    printf(
        "collection %2u: %4u of %u young cells lived on; %2u of %2u old cards were written\n",
        ++collections, promoted - already, young, dirty_cards, old_cards);
}

/* --- the program that makes garbage ------------------------------------------------------------- */

static struct cell *make_cell(void)
{
    if (nursery_end == nursery + NURSERY_CELLS)
        collect();
    *nursery_end = (struct cell){ .value = (uint32_t)rand() % VALUE_MAX };
    return nursery_end++;
}

/* Behind the head of a list, or far down: then most likely in a card that nobody else writes to. */
enum place { FRONT, DEEP };

static void insert(unsigned list, enum place place)
{
    struct cell *cell = make_cell(), *before = lists[list];
    unsigned steps = place == DEEP ? (unsigned)rand() % expected[list].length : 0;

    while (steps-- > 0)
        before = before->next;
    cell->next = before->next;
    before->next = cell;
    expected[list].length++;
    expected[list].sum += cell->value;
}

static bool verify(void)
{
    for (unsigned i = 0; i < LISTS; i++) {
        unsigned length = 0, sum = 0;
        for (struct cell *cell = lists[i]; cell != NULL; cell = cell->next) {
            length++;
            sum += cell->value;
        }
        if (length != expected[i].length || sum != expected[i].sum) {
            printf("list %u: %u cells, sum %u; should be %u, %u\n", i, length, sum,
                   expected[i].length, expected[i].sum);
            return false;
        }
    }
    return true;
}

static void *map(size_t nbytes)
{
    void *start = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    if (start == MAP_FAILED) {
        perror("gc: mmap");
        exit(1);
    }
    return start;
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

    old = old_end = map(OLD_CARDS * CARD);
    nursery = nursery_end = map(NURSERY_CARDS * CARD);
    if (sigaction(SIGSEGV, &action, NULL) != 0) {
        perror("gc: sigaction");
        return 1;
    }
    for (unsigned i = 0; i < LISTS; i++) {
        lists[i] = make_cell();
        expected[i].length = 1;
        expected[i].sum = lists[i]->value;
    }
    bool good = true;
    for (unsigned step = 0; good && collections < COLLECTIONS; step++) {
        unsigned before = collections;
        for (unsigned garbage = (unsigned)rand() % 6; garbage > 0; garbage--)
            make_cell();
        insert((unsigned)rand() % LISTS, step % DEEP_EVERY == 0 ? DEEP : FRONT);
        good = collections == before || verify();
    }
    printf("%u cells kept, %u cards looked at, %u faults taken: ", promoted, scanned, faults);
    puts(good ? "every list is intact" : "a list is damaged");
    return good ? 0 : 1;
}
