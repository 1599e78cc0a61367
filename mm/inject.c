/* Failure injection.
 *
 * Problem     The path that a kernel takes when memory runs out is the one that is hardly ever
 *             taken, and so the one with the bugs.
 * Idea        Do not wait for memory to run out: let one request fail as if it had.  What each
 *             caller does then can be tried, one request after the other: fail the first, the
 *             second, ... until an operation goes through untouched.
 * Two ways    a rule for the whole system (kernel parameter inject=, shell), and a countdown of
 *             each thread, with which a test aims at one system call and nothing else.
 * Cost        inject_armed is false while there is neither: one comparison for each allocation.
 * Random      xorshift from a seed, so that a failure that was found can be found again.
 * Lock        "inject": the rule and the counts.
 * Reading     Linux, Documentation/fault-injection/fault-injection.rst; G. Marsaglia,
 *             "Xorshift RNGs", 2003. */
#include "mm/inject.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define WORD_MAX 16u /* longest word of a rule, with its end */

static struct {
    struct spinlock lock;
    struct inject_rule rule;
    uint32_t candidates, failed, countdowns;
    uint32_t random;
    uint32_t *countdown; /* of the running thread; NULL: it has none */
    bool show_all;       /* stay armed */
    void (*notice)(void);
} state = { .lock = SPINLOCK_INIT("inject") };

bool inject_armed;

static __attribute__((noinline)) void set_armed(uint32_t armed)
{
    inject_armed = armed;
    if (state.notice)
        state.notice();
}

/* Lock held. */
static ALWAYS_INLINE void arm(void)
{
    uint32_t armed = state.show_all || state.rule.what != 0 ||
                     (state.countdown && *state.countdown != 0);

    if (unlikely(armed != inject_armed))
        set_armed(armed);
}

void inject_show_all(void)
{
    uint32_t irq = spin_lock(&state.lock);

    state.show_all = true;
    arm();
    spin_unlock(&state.lock, irq);
}

void inject_set_notice(void (*notice)(void))
{
    state.notice = notice;
}

void inject_set(const struct inject_rule *rule)
{
    ASSERT(rule->what == 0 || rule->n > 0, "a rule of every 0th request");
    uint32_t irq = spin_lock(&state.lock);

    state.rule = *rule;
    state.candidates = state.failed = 0;
    state.random = rule->seed | 1; /* xorshift stays at 0 for ever */
    arm();
    spin_unlock(&state.lock, irq);
}

void inject_switch(uint32_t *countdown)
{
    uint32_t irq = spin_lock(&state.lock);

    state.countdown = countdown;
    arm();
    spin_unlock(&state.lock, irq);
}

void inject_get_stats(struct inject_stats *stats)
{
    uint32_t irq = spin_lock(&state.lock);

    *stats = (struct inject_stats){ .rule = state.rule,
                                    .candidates = state.candidates,
                                    .failed = state.failed,
                                    .countdowns = state.countdowns };
    spin_unlock(&state.lock, irq);
}

static uint32_t next_random(void)
{
    state.random ^= state.random << 13;
    state.random ^= state.random >> 17;
    state.random ^= state.random << 5;
    return state.random;
}

/* Lock held.  Does the rule want this request of one of its kinds? */
static bool rule_decides(void)
{
    state.candidates++;
    switch (state.rule.mode) {
    case INJECT_NTH:
        return state.candidates == state.rule.n;
    case INJECT_EVERY:
        return state.candidates % state.rule.n == 0;
    case INJECT_RANDOM:
        return next_random() % state.rule.n == 0;
    }
    return false;
}

bool inject_decide(unsigned kind)
{
    bool by_countdown = false, by_rule = false;
    uint32_t irq = spin_lock(&state.lock);

    if (state.countdown && *state.countdown != 0)
        by_countdown = --*state.countdown == 0;
    if (state.rule.what & kind)
        by_rule = rule_decides();
    state.countdowns += by_countdown;
    state.failed += by_rule;
    arm();
    spin_unlock(&state.lock, irq);
    return by_countdown || by_rule;
}

/* ---- text ---- */

/* Copy the characters up to one of `stops` (or the end) to `word`, cut if it is too long;
 * returns the rest. */
static const char *next_word(const char *text, const char *stops, char word[WORD_MAX])
{
    size_t length = 0;

    for (; *text && !strchr(stops, *text); text++)
        if (length + 1 < WORD_MAX)
            word[length++] = *text;
    word[length] = '\0';
    return text;
}

/* KIND[,KIND] up to the colon or the end; returns the rest, NULL if a word is no kind. */
static const char *parse_kinds(const char *text, unsigned *what, char word[WORD_MAX])
{
    *what = 0;
    for (;; text++) {
        text = next_word(text, ",:", word);
        if (!strcmp(word, "page"))
            *what |= INJECT_PAGE;
        else if (!strcmp(word, "slab"))
            *what |= INJECT_SLAB;
        else
            return NULL;
        if (*text != ',')
            return text;
    }
}

/* The mode of a name; -1 if it is none. */
static int parse_mode(const char *word)
{
    static const char *const names[] = {
        [INJECT_NTH] = "nth", [INJECT_EVERY] = "every", [INJECT_RANDOM] = "random"
    };

    for (unsigned mode = 0; mode < ARRAY_SIZE(names); mode++)
        if (!strcmp(word, names[mode]))
            return (int)mode;
    return -1;
}

/* ",seed=S" or nothing, at the end of a rule. */
static bool parse_seed(const char *text, uint32_t *seed)
{
    static const char key[] = ",seed=";

    *seed = 1;
    if (*text == '\0')
        return true;
    return !strncmp(text, key, sizeof(key) - 1) && parse_u32(text + sizeof(key) - 1, seed) == 0;
}

int inject_parse(const char *text, struct inject_rule *rule, char *problem, size_t size)
{
    struct inject_rule new = { 0 };
    char word[WORD_MAX];
    const char *rest = text;
    int mode;

    if (!strcmp(text, "off"))
        goto good;
    rest = parse_kinds(text, &new.what, word);
    if (!rest) {
        snprintf(problem, size, "'%s' is neither page nor slab", word);
        return -EINVAL;
    }
    rest = next_word(*rest == ':' ? rest + 1 : rest, "=", word);
    mode = parse_mode(word);
    if (mode < 0) {
        snprintf(problem, size, "'%s' is none of nth, every and random", word);
        return -EINVAL;
    }
    new.mode = (enum inject_mode)mode;
    rest = next_word(*rest == '=' ? rest + 1 : rest, ",", word);
    if (parse_u32(word, &new.n) != 0 || new.n == 0) {
        snprintf(problem, size, "'%s' is no number from 1 up", word);
        return -EINVAL;
    }
    if (*rest != '\0' && (new.mode != INJECT_RANDOM || !parse_seed(rest, &new.seed))) {
        snprintf(problem, size, "'%s' is too much", rest);
        return -EINVAL;
    }
good:
    *rule = new;
    return 0;
}

void inject_init(const char *cmdline)
{
    char text[64], problem[64];
    struct inject_rule rule;

    if (!parse_option(cmdline, "inject", text, sizeof(text)))
        return;
    if (inject_parse(text, &rule, problem, sizeof(problem)) != 0) {
        log_warning("inject=%s: %s", text, problem);
        return;
    }
    inject_set(&rule);
    log_info("inject: %s", text);
}
