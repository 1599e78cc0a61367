/* tests/cbmc/every.c - runs proof() once for each sequence of choices.
 *
 * The choices of a run are kept with their limits, like the digits of a number whose base differs
 * from place to place.  The next run repeats them with the last digit that can grow one larger, and
 * begins afresh behind it:  0 0 0, 0 0 1, 0 1 0 ...  When none can grow, every sequence has been run.
 * Usage: every-NAME.  Prints the number of runs; exits with 1 at the first claim that does not hold,
 * with the choices that lead to it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/cbmc/proof.h"

enum { CHOICES_MAX = 64 };

static struct {
    uint32_t value, limit;
} choices[CHOICES_MAX];
static unsigned made, known; /* in this run; of those, taken over from the last one */

uint32_t choose_below(uint32_t limit)
{
    if (made == CHOICES_MAX) {
        fputs("more choices than CHOICES_MAX\n", stderr);
        exit(1);
    }
    if (made == known) {
        choices[made].value = 0;
        choices[made].limit = limit;
        known++;
    }
    return choices[made++].value;
}

void every_prove(bool condition, const char *text)
{
    if (condition)
        return;
    fprintf(stderr, "does not hold: %s\nchoices:", text);
    for (unsigned i = 0; i < made; i++)
        fprintf(stderr, " %u", choices[i].value);
    fputc('\n', stderr);
    exit(1);
}

static bool next_sequence(void)
{
    known = made;
    while (known > 0 && choices[known - 1].value + 1 == choices[known - 1].limit)
        known--;
    if (known == 0)
        return false;
    choices[known - 1].value++;
    return true;
}

int main(void)
{
    unsigned long runs = 0;

    do {
        made = 0;
        proof();
        runs++;
    } while (next_sequence());
    printf("%lu sequences\n", runs);
    return 0;
}
