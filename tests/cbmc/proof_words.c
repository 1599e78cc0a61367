// sources: kernel/lib/parse.c
// cbmc: --unwind 9 --bounds-check --pointer-check
/* tests/cbmc/proof_words.c - parse_words() on every line of up to LENGTH bytes: nothing outside the
 * line is read or written, every word lies in the line and is terminated there, and there are at most
 * as many as were asked for. */
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "tests/cbmc/proof.h"

enum { LENGTH = 6, WORDS = 3 };

void proof(void)
{
    char line[LENGTH + 1], *words[WORDS];

    line[LENGTH] = '\0'; /* the others are any bytes, a NUL too */
    int count = parse_words(line, words, WORDS);
    PROVE(count == -E2BIG || count == -EINVAL || (count >= 0 && count <= WORDS));
    for (int i = 0; i < count; i++) {
        const char *end = words[i];
        while (end <= line + LENGTH && *end)
            end++;
        PROVE(words[i] >= line && end <= line + LENGTH);
    }
}
