// sources: shell/line.c shell/history.c shell/keys.c kernel/lib/parse.c tests/host/shim/host.c mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c
/* tests/fuzz/fuzz_line.c - the line editor: the input is what is typed.  Its invariants hold after
 * each byte, and an entered line is in the history. */
#include "host.h"
#include "shell/line.h"
#include "tests/fuzz/fuzz.h"

static size_t written;

static void count_bytes(const char *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        written += bytes[i] != '\0'; /* reads all of them: the sanitizer looks */
    CHECK(written > 0 || nbytes == 0);
}

static const char *word_at(const char *before, unsigned index)
{
    static const char *const words[] = { "free", "frames", "meminfo", "maps" };

    return before[0] == '\0' && index < ARRAY_SIZE(words) ? words[index] : NULL;
}

static void check_editor(const struct line_editor *editor)
{
    CHECK(editor->first <= editor->cursor && editor->cursor <= editor->length);
    CHECK(editor->length <= LINE_LENGTH_MAX && strlen(editor->text) == editor->length);
    CHECK(editor->age <= HISTORY_LINES && editor->history.count <= HISTORY_LINES);
    for (size_t i = 0; i < editor->length; i++)
        CHECK(editor->text[i] >= ' ' && editor->text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    static const struct line_hooks hooks = { count_bytes, word_at };
    struct line_editor *editor = malloc(sizeof(*editor));

    line_init(editor, &hooks, "strata> ");
    line_begin(editor);
    for (size_t i = 0; i < nbytes; i++) {
        enum line_event event = line_feed(editor, bytes[i]);
        if (event != LINE_REFUSED)
            check_editor(editor);
        if (event != LINE_CONTINUE)
            line_begin(editor);
    }
    free(editor);
    return 0;
}
