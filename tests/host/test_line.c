// sources: shell/line.c shell/history.c shell/keys.c
/* tests/host/test_line.c - the line editor against a simple model and a one-row terminal.
 * Usage: test_line [SEED] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/line.h"

#define PROMPT "strata> "
#define CHECK(condition, ...)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fprintf(stderr, "\n");                                          \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static uint32_t random_state = 1;

/* xorshift32 (Marsaglia 2003). */
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

/* ---- A terminal that shows the last row, and keeps the rest as text ---- */

static struct {
    char row[LINE_COLUMNS + 1];
    unsigned column;
    char log[4096]; /* rows that were left */
    unsigned bells, clears;
    char sequence[16];
    size_t sequence_length; /* > 0: inside an escape sequence */
} terminal;

static void terminal_clear_row(unsigned from)
{
    memset(terminal.row + from, ' ', LINE_COLUMNS - from);
}

static void terminal_newline(void)
{
    char row[LINE_COLUMNS + 2];
    size_t length = LINE_COLUMNS;

    while (length > 0 && terminal.row[length - 1] == ' ')
        length--;
    snprintf(row, sizeof(row), "%.*s\n", (int)length, terminal.row);
    if (strlen(terminal.log) + strlen(row) < sizeof(terminal.log))
        strcat(terminal.log, row);
    terminal_clear_row(0);
    terminal.column = 0;
}

static void terminal_sequence(char final)
{
    unsigned number = (unsigned)atoi(terminal.sequence + 1);

    if (final == 'K') {
        terminal_clear_row(terminal.column);
    } else if (final == 'C') {
        CHECK(number > 0, "cursor right by 0 means by 1");
        terminal.column += number;
    } else if (final == 'H') {
        terminal.column = 0;
    } else if (final == 'J') {
        CHECK(number == 2, "ED %u", number);
        terminal.clears++;
        terminal_clear_row(0);
    } else {
        CHECK(false, "unknown sequence %s", terminal.sequence);
    }
    terminal.sequence_length = 0;
}

static void terminal_byte(char byte)
{
    if (terminal.sequence_length > 0) {
        terminal.sequence[terminal.sequence_length++ - 1] = byte;
        terminal.sequence[terminal.sequence_length - 1] = '\0';
        if (byte >= '@' && byte != '[')
            terminal_sequence(byte);
        return;
    }
    switch (byte) {
    case '\r':
        terminal.column = 0;
        break;
    case '\n':
        terminal_newline();
        break;
    case '\b':
        CHECK(terminal.column > 0, "backspace at the margin");
        terminal.column--;
        break;
    case '\a':
        terminal.bells++;
        break;
    case 0x1B:
        terminal.sequence_length = 1;
        break;
    default:
        CHECK(byte >= ' ' && byte <= '~', "byte %#x on the terminal", byte);
        CHECK(terminal.column < LINE_COLUMNS - 1, "the last column is in use");
        terminal.row[terminal.column++] = byte;
    }
}

static void terminal_write(const char *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        terminal_byte(bytes[i]);
}

static void terminal_reset(void)
{
    memset(&terminal, 0, sizeof(terminal));
    terminal_clear_row(0);
}

static const char *candidate(const char *before, unsigned index)
{
    static const char *const commands[] = { "meminfo", "memmap", "run", "maps", NULL };
    static const char *const programs[] = { "heap", "hello", NULL };
    bool first = *before == '\0';

    return first ? commands[index] : strcmp(before, "run ") == 0 ? programs[index] : NULL;
}

static const struct line_hooks hooks = { .write = terminal_write, .candidate = candidate };
static struct line_editor editor;

static void restart(void)
{
    terminal_reset();
    line_init(&editor, &hooks, PROMPT);
    line_begin(&editor);
}

/* The row must show the prompt and the line, the marks where it is cut, and the cursor. */
static void check_screen(void)
{
    size_t prompt = strlen(PROMPT), size = LINE_COLUMNS - 1 - prompt, first = editor.first;
    char row[LINE_COLUMNS + 1];

    CHECK(editor.cursor <= editor.length && editor.length <= LINE_LENGTH_MAX &&
              strlen(editor.text) == editor.length,
          "cursor %zu length %zu", editor.cursor, editor.length);
    memset(row, ' ', LINE_COLUMNS);
    row[LINE_COLUMNS] = '\0';
    memcpy(row, PROMPT, prompt);
    for (size_t i = 0; i < size && first + i < editor.length; i++)
        row[prompt + i] = editor.text[first + i];
    if (first > 0)
        row[prompt] = '<';
    if (editor.length > first + size)
        row[prompt + size - 1] = '>';
    CHECK(strcmp(row, terminal.row) == 0, "\nshown  %s\nwanted %s", terminal.row, row);
    CHECK(terminal.column == prompt + editor.cursor - first, "cursor in column %u",
          terminal.column);
    CHECK(first == 0 || editor.cursor > first, "cursor on the left mark");
    CHECK(editor.length <= first + size || editor.cursor < first + size - 1,
          "on the right mark");
}

/* Feed a string; returns the last event that was not LINE_CONTINUE. */
static enum line_event type(const char *bytes)
{
    enum line_event last = LINE_CONTINUE;

    for (; *bytes != '\0'; bytes++) {
        enum line_event event = line_feed(&editor, (uint8_t)*bytes);
        if (event == LINE_CONTINUE)
            check_screen();
        else
            last = event;
    }
    return last;
}

static void expect_line(const char *keys, const char *line)
{
    restart();
    CHECK(type(keys) == LINE_ENTERED, "not entered: %s", line);
    CHECK(strcmp(editor.text, line) == 0, "%s instead of %s", editor.text, line);
}

/* ---- Cases ---- */

static void test_editing(void)
{
    expect_line("abc\r", "abc");
    expect_line("ac\033[Db\r", "abc");
    expect_line("bc\033[Ha\033[Fd\r", "abcd");
    expect_line("bc\033[1~a\033[4~d\r", "abcd");
    expect_line("bc\033OHa\033OFd\r", "abcd");
    expect_line("abx\177c\r", "abc");
    expect_line("abx\bc\r", "abc");
    expect_line("xabc\001\033[3~\r", "abc");
    expect_line("xabc\001\004\r", "abc");
    expect_line("\004abc\r", "abc");
    expect_line("c\001ab\005d\r", "abcd");
    expect_line("ac\002b\006d\r", "abcd");
    expect_line("junk\025abc\r", "abc");
    expect_line("abcdef\002\002\002\013\r", "abc");
    expect_line("one two  \027three\r", "one three");
    expect_line("abc\014\r", "abc");
    expect_line("a\033[1;5Cb\033[20~c\033[Zd\r", "abcd");
    expect_line("a\377\200\001\005b\r", "ab");
    expect_line("ab\033\r", "ab");
    expect_line("ab\033[3\r", "ab");
    restart();
    CHECK(type("abc\003") == LINE_CANCELLED, "Ctrl-C");
    CHECK(strstr(terminal.log, "abc^C\n") != NULL, "%s", terminal.log);
}

/* CR, LF and CR LF end one line each. */
static void test_line_ends(void)
{
    const char *input = "a\nb\rc\r\nd\n\n\r\n";
    const char *lines[] = { "a", "b", "c", "d", "", "" };
    size_t count = 0;

    restart();
    for (; *input != '\0'; input++) {
        if (line_feed(&editor, (uint8_t)*input) != LINE_ENTERED)
            continue;
        CHECK(count < 6 && strcmp(editor.text, lines[count]) == 0, "line %zu", count);
        count++;
        line_begin(&editor);
    }
    CHECK(count == 6, "%zu lines", count);
}

static void test_full_line(void)
{
    restart();
    for (unsigned i = 0; i < LINE_LENGTH_MAX; i++)
        type("x");
    CHECK(terminal.bells == 0 && editor.length == LINE_LENGTH_MAX, "length %zu", editor.length);
    CHECK(type("\r") == LINE_ENTERED, "full line");
    line_begin(&editor);
    type("\020");
    CHECK(editor.length == LINE_LENGTH_MAX, "not in the history");
    type("y");
    CHECK(terminal.bells == 1 && editor.length == LINE_LENGTH_MAX, "bells %u", terminal.bells);
    CHECK(type("\b\r") == LINE_REFUSED, "a line without its y");
    line_begin(&editor);
    CHECK(type("\r") == LINE_ENTERED, "refused for ever");
    line_begin(&editor);
    type("\020y");
    CHECK(type("\025short\r") == LINE_ENTERED, "emptied in between");
}

static void enter(const char *line)
{
    type(line);
    CHECK(line_feed(&editor, '\r') == LINE_ENTERED, "%s", line);
    line_begin(&editor);
}

static void expect_text(const char *keys, const char *text)
{
    type(keys);
    CHECK(strcmp(editor.text, text) == 0, "%s instead of %s", editor.text, text);
}

static void test_history(void)
{
    char name[16];

    restart();
    enter("one");
    enter("two");
    enter("two");
    enter("  ");
    expect_text("draft\033[A", "two");
    expect_text("\033[A", "one");
    expect_text("\020", "one"); /* BEL: there is no older line */
    expect_text("\033[B\033[B", "draft");
    expect_text("\016", "draft");
    expect_text("\025", "");
    for (unsigned i = 0; i < HISTORY_LINES + 5; i++) {
        snprintf(name, sizeof(name), "line %u", i);
        enter(name);
    }
    CHECK(editor.history.count == HISTORY_LINES, "%u lines", editor.history.count);
    for (unsigned i = 0; i < HISTORY_LINES + 9; i++)
        type("\020");
    expect_text("", "line 5");
}

static void test_completion(void)
{
    restart();
    expect_text("mem\t", "mem"); /* meminfo, memmap: nothing is certain */
    CHECK(terminal.bells == 1, "bells %u", terminal.bells);
    type("\t");
    CHECK(strstr(terminal.log, "meminfo  memmap\n") != NULL, "%s", terminal.log);
    expect_text("i\t", "meminfo ");
    restart();
    expect_text("r\t", "run ");
    expect_text("h\t", "run he");
    expect_text("l\t", "run hello ");
    restart();
    expect_text("zz\t\t", "zz");
    restart();
    expect_text("m me\001\006\t", "m me"); /* in the middle: "m" is ambiguous */
    restart();
    expect_text("ru x\002\002\t", "run x");
}

/* ---- Random keys against a model ---- */

static struct {
    char text[LINE_LENGTH_MAX + 1];
    size_t cursor;
} model;

static void model_erase(size_t start, size_t end)
{
    memmove(model.text + start, model.text + end, strlen(model.text) - end + 1);
    model.cursor = start;
}

static void model_insert(char c)
{
    size_t length = strlen(model.text);

    if (length == LINE_LENGTH_MAX)
        return;
    memmove(model.text + model.cursor + 1, model.text + model.cursor,
            length - model.cursor + 1);
    model.text[model.cursor++] = c;
}

static size_t model_word(void)
{
    size_t at = model.cursor;

    while (at > 0 && model.text[at - 1] == ' ')
        at--;
    while (at > 0 && model.text[at - 1] != ' ')
        at--;
    return at;
}

/* One random key, to the model and (as bytes) to the editor. */
static void random_key(void)
{
    static const char *const lefts[] = { "\002", "\033[D", "\033OD" };
    static const char *const rights[] = { "\006", "\033[C", "\033OC" };
    static const char *const homes[] = { "\001", "\033[H", "\033[1~", "\033OH" };
    static const char *const ends[] = { "\005", "\033[F", "\033[4~", "\033OF" };
    size_t length = strlen(model.text), at = model.cursor;
    unsigned choice = random_below(100);

    if (choice < 3) {
        type(homes[random_below(4)]);
        model.cursor = 0;
    } else if (choice < 6) {
        type(ends[random_below(4)]);
        model.cursor = length;
    } else if (choice < 20) {
        type(lefts[random_below(3)]);
        model.cursor -= at > 0;
    } else if (choice < 28) {
        type(rights[random_below(3)]);
        model.cursor += at < length;
    } else if (choice < 38) {
        type(random_below(2) == 0 ? "\177" : "\b");
        model_erase(at - (at > 0), at);
    } else if (choice < 42) {
        type(random_below(2) == 0 ? "\004" : "\033[3~");
        model_erase(at, at + (at < length));
    } else if (choice == 42) {
        type("\025");
        model_erase(0, at);
    } else if (choice == 43) {
        type("\013");
        model_erase(at, length);
    } else if (choice < 46) {
        type("\027");
        model_erase(model_word(), at);
    } else {
        char key[2] = { (char)(random_below(5) == 0 ? ' ' : '!' + random_below(94)), '\0' };
        type(key);
        model_insert(key[0]);
    }
}

static void test_random_keys(void)
{
    for (unsigned round = 0; round < 50; round++) {
        restart();
        memset(&model, 0, sizeof(model));
        for (unsigned i = 0; i < 1000; i++) {
            random_key();
            CHECK(strcmp(model.text, editor.text) == 0 && model.cursor == editor.cursor,
                  "\neditor %zu %s\nmodel  %zu %s", editor.cursor, editor.text, model.cursor,
                  model.text);
        }
    }
}

/* Any bytes at all: the invariants hold and the screen is right. */
static void test_random_bytes(void)
{
    static const char likely[] = "\033[OABCDHF~;0123\t\b\r\n\020\016 mr";

    restart();
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t byte = random_below(2) == 0 ? (uint8_t)likely[random_below(sizeof(likely))]
                                            : (uint8_t)random_below(256);
        if (line_feed(&editor, byte) != LINE_CONTINUE)
            line_begin(&editor);
        check_screen();
    }
}

int main(int argc, char *argv[])
{
    if (argc > 1)
        random_state = (uint32_t)strtoul(argv[1], NULL, 0) | 1;
    test_editing();
    test_line_ends();
    test_full_line();
    test_history();
    test_completion();
    test_random_keys();
    test_random_bytes();
    puts("ok");
    return 0;
}
