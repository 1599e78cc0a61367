// sources: kernel/lib/parse.c tests/host/shim/host.c mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c
/* tests/fuzz/fuzz_words.c - text from outside: the shell's words, the kernel's command line, numbers,
 * rules for fault injection.  The input is the text. */
#include "host.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "mm/inject.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS = 4 };

/* In memory of exactly its size, so that a read or write too far is seen. */
static char *copy_text(const uint8_t *bytes, size_t nbytes)
{
    char *text = malloc(nbytes + 1);

    memcpy(text, bytes, nbytes);
    text[nbytes] = '\0';
    return text;
}

static void check_words(char *line, size_t length)
{
    char *words[WORDS];
    int count = parse_words(line, words, WORDS);

    CHECK(count == -E2BIG || count == -EINVAL || (count >= 0 && count <= WORDS));
    for (int i = 0; i < count; i++) {
        CHECK(words[i] >= line && words[i] + strlen(words[i]) <= line + length);
        CHECK(i == 0 || words[i] == words[i - 1] + strlen(words[i - 1]) + 1);
    }
}

static void check_option(const char *text, size_t length)
{
    char value[16], whole[4096];

    if (length >= sizeof(whole))
        return;
    bool found = parse_option(text, "run", value, sizeof(value));
    CHECK(found == parse_option(text, "run", whole, sizeof(whole)));
    CHECK(!found || !strncmp(value, whole, sizeof(value) - 1));
}

/* The same number, whichever way it is read. */
static void check_numbers(const char *text)
{
    uint64_t wide = 0, nbytes = 0;
    uint32_t narrow = 0;
    int error = parse_u64(text, &wide), narrow_error = parse_u32(text, &narrow);

    CHECK(error == 0 || error == -EINVAL || error == -ERANGE);
    CHECK((narrow_error == 0) == (error == 0 && wide <= UINT32_MAX));
    CHECK(narrow_error != 0 || narrow == wide);
    int size_error = parse_size(text, &nbytes);
    CHECK(error == -EINVAL || (size_error == error && nbytes == wide));
}

static void check_rule(const char *text)
{
    struct inject_rule rule = { .n = 1 };
    char problem[64];

    if (inject_parse(text, &rule, problem, sizeof(problem)) == 0)
        CHECK(rule.what == 0 || rule.n > 0);
    else
        CHECK(rule.n == 1 && strlen(problem) < sizeof(problem));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    char *text = copy_text(bytes, nbytes);

    check_numbers(text);
    check_rule(text);
    check_option(text, nbytes);
    check_words(text, nbytes);
    free(text);
    return 0;
}
