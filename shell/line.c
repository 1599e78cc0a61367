/* shell/line.c - the line editor.
 *
 * Problem     Edit one line on a terminal that may be a real VT100, our own VGA console, or a
 *             pipe that only delivers lines.
 * Words       window = the part of the line that is visible in the row.
 * State       the text with a cursor; the line from the history that is shown instead.
 * Invariants  1. first <= cursor <= length <= LINE_LENGTH_MAX, text[length] = NUL.
 *             2. The row shows the prompt and the window, the terminal's cursor at `cursor`.
 * Drawing     Every change redraws the row: CR, prompt, window, erase to the end of the row,
 *             cursor to its column.  The two most frequent changes, typing and rubbing out at
 *             the end of the line, send only the byte (BS blank BS): so piped input reads like
 *             a plain echo.
 * Scrolling   The row's last column stays free (terminals differ in when they wrap).  A cursor
 *             that leaves the window puts the window around it: "<" and ">" mark what is cut.
 * Limits      Printable ASCII only. */
#include "shell/line.h"

#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

#define BEL "\a"
#define ERASE_TO_END "\033[K"
#define CLEAR_SCREEN "\033[H\033[2J"

/* ---- The screen ---- */

static void put(struct line_editor *editor, const char *bytes, size_t nbytes)
{
    editor->hooks->write(bytes, nbytes);
}

static void put_string(struct line_editor *editor, const char *string)
{
    put(editor, string, strlen(string));
}

/* Bytes of the line that fit into the row. */
static size_t window_size(const struct line_editor *editor)
{
    return LINE_COLUMNS - 1 - strlen(editor->prompt);
}

/* Keep the cursor inside the window, and off its markers.  Returns true if the window moved. */
static bool window_follow(struct line_editor *editor)
{
    size_t size = window_size(editor), first = editor->first;
    size_t lowest = first > 0 ? first + 1 : 0, highest = first + size - 2;

    if (editor->cursor >= lowest && editor->cursor <= highest)
        return false;
    editor->first = editor->cursor > size / 2 ? editor->cursor - size / 2 : 0;
    return true;
}

static void draw_window(struct line_editor *editor)
{
    char row[LINE_COLUMNS];
    size_t size = window_size(editor), rest = editor->length - editor->first;
    size_t shown = MIN(size, rest);

    memcpy(row, editor->text + editor->first, shown);
    if (editor->first > 0)
        row[0] = '<';
    if (rest > size)
        row[shown - 1] = '>';
    put(editor, row, shown);
    put_string(editor, ERASE_TO_END);
}

static void redraw(struct line_editor *editor)
{
    char move[16];

    window_follow(editor);
    put_string(editor, "\r");
    put_string(editor, editor->prompt);
    draw_window(editor);
    if (editor->cursor == editor->length)
        return;
    size_t column = strlen(editor->prompt) + editor->cursor - editor->first;
    snprintf(move, sizeof(move), column > 0 ? "\r\033[%uC" : "\r", (unsigned)column);
    put_string(editor, move);
}

/* ---- Changing the text ---- */

static void insert(struct line_editor *editor, char c)
{
    char *at = editor->text + editor->cursor;

    if (editor->length == LINE_LENGTH_MAX) {
        editor->cut = true;
        put_string(editor, BEL);
        return;
    }
    memmove(at + 1, at, editor->length - editor->cursor + 1);
    *at = c;
    editor->length++;
    editor->cursor++;
    if (editor->cursor == editor->length && !window_follow(editor))
        put(editor, &c, 1);
    else
        redraw(editor);
}

/* Take [start, end) out and leave the cursor there. */
static void erase(struct line_editor *editor, size_t start, size_t end)
{
    bool rubbed_out = end == editor->length && end - start == 1 && editor->cursor == end;

    if (start == end) {
        put_string(editor, BEL);
        return;
    }
    memmove(editor->text + start, editor->text + end, editor->length - end + 1);
    editor->length -= end - start;
    editor->cursor = start;
    editor->cut = editor->cut && editor->length > 0;
    if (rubbed_out && !window_follow(editor))
        put_string(editor, "\b \b");
    else
        redraw(editor);
}

static void move_to(struct line_editor *editor, size_t cursor)
{
    editor->cursor = cursor;
    redraw(editor);
}

/* Start of the word that ends at or before the cursor. */
static size_t word_start(const struct line_editor *editor)
{
    size_t at = editor->cursor;

    while (at > 0 && editor->text[at - 1] == ' ')
        at--;
    while (at > 0 && editor->text[at - 1] != ' ')
        at--;
    return at;
}

/* Show the line of `age` lines ago instead of the present one. */
static void show_history(struct line_editor *editor, unsigned age)
{
    const char *line = age == 0 ? editor->draft : history_get(&editor->history, age);

    if (line == NULL || age == editor->age) {
        put_string(editor, BEL);
        return;
    }
    if (editor->age == 0)
        memcpy(editor->draft, editor->text, editor->length + 1);
    editor->age = age;
    editor->cut = false; /* the draft, too: what is shown now is what will run */
    editor->length = editor->cursor = strlen(line);
    memcpy(editor->text, line, editor->length + 1);
    redraw(editor);
}

/* ---- Completion ---- */

/* The word in front of the cursor, and what may stand in its place. */
struct completion {
    const char *word;
    size_t length;                    /* of the word */
    char before[LINE_LENGTH_MAX + 1]; /* the line up to the word */
    char common[LINE_LENGTH_MAX + 1]; /* what all candidates begin with */
    unsigned count;                   /* candidates */
    size_t longest;
};

static const char *next_candidate(struct line_editor *editor, const struct completion *c,
                                  unsigned *index)
{
    const char *name;

    while ((name = editor->hooks->candidate(c->before, (*index)++)) != NULL)
        if (strncmp(name, c->word, c->length) == 0 && strlen(name) <= LINE_LENGTH_MAX)
            return name;
    return NULL;
}

static void find_candidates(struct line_editor *editor, struct completion *c)
{
    size_t start = editor->cursor;
    unsigned index = 0;
    const char *name;

    while (start > 0 && strchr(" ;&", editor->text[start - 1]) == NULL)
        start--;
    memcpy(c->before, editor->text, start);
    c->before[start] = '\0';
    c->word = editor->text + start;
    c->length = editor->cursor - start;
    c->count = 0;
    c->longest = 0;
    while ((name = next_candidate(editor, c, &index)) != NULL) {
        size_t same = 0;
        if (c->count++ == 0)
            memcpy(c->common, name, strlen(name) + 1);
        while (name[same] != '\0' && name[same] == c->common[same])
            same++;
        c->common[same] = '\0';
        c->longest = MAX(c->longest, strlen(name));
    }
}

static void list_candidates(struct line_editor *editor, const struct completion *c)
{
    static const char blanks[] = "                ";
    const size_t gap = 2, width = c->longest + gap;
    unsigned index = 0;
    size_t column = 0;
    const char *name;

    put_string(editor, "\n");
    while ((name = next_candidate(editor, c, &index)) != NULL) {
        if (column > 0 && column + width > LINE_COLUMNS) {
            put_string(editor, "\n");
            column = 0;
        }
        put_string(editor, name);
        for (size_t left = width - strlen(name); left > 0;
             left -= MIN(left, sizeof(blanks) - 1))
            put(editor, blanks, MIN(left, sizeof(blanks) - 1));
        column += width;
    }
    put_string(editor, "\n");
    redraw(editor);
}

/* TAB: insert what is certain; a second TAB lists the choice. */
static void complete(struct line_editor *editor, bool second)
{
    static struct completion c; /* half a KiB: not on the kernel stack */

    if (editor->hooks->candidate == NULL)
        return;
    find_candidates(editor, &c);
    size_t certain = c.count > 0 ? strlen(c.common) : 0;
    if (c.count > 1 && certain <= c.length && second) {
        list_candidates(editor, &c);
        return;
    }
    if (c.count != 1 && certain <= c.length)
        put_string(editor, BEL);
    for (size_t i = c.length; i < certain; i++)
        insert(editor, c.common[i]);
    if (c.count == 1 && editor->text[editor->cursor] != ' ')
        insert(editor, ' ');
}

/* ---- Keys ---- */

static enum line_event enter(struct line_editor *editor)
{
    put_string(editor, "\n");
    if (editor->cut)
        return LINE_REFUSED;
    history_add(&editor->history, editor->text);
    return LINE_ENTERED;
}

static enum line_event press(struct line_editor *editor, uint8_t key, bool second_tab)
{
    size_t cursor = editor->cursor, length = editor->length;

    switch (key) {
    case CTRL('A'):
        move_to(editor, 0);
        break;
    case CTRL('E'):
        move_to(editor, length);
        break;
    case CTRL('B'):
        move_to(editor, cursor > 0 ? cursor - 1 : 0);
        break;
    case CTRL('F'):
        move_to(editor, MIN(cursor + 1, length));
        break;
    case CTRL('P'):
        show_history(editor, editor->age + 1);
        break;
    case CTRL('N'):
        show_history(editor, editor->age > 0 ? editor->age - 1 : 0);
        break;
    case CTRL('H'):
    case KEY_RUBOUT:
        erase(editor, cursor > 0 ? cursor - 1 : 0, cursor);
        break;
    case CTRL('D'):
        erase(editor, cursor, MIN(cursor + 1, length));
        break;
    case CTRL('U'):
        erase(editor, 0, cursor);
        break;
    case CTRL('K'):
        erase(editor, cursor, length);
        break;
    case CTRL('W'):
        erase(editor, word_start(editor), cursor);
        break;
    case CTRL('L'):
        put_string(editor, CLEAR_SCREEN);
        redraw(editor);
        break;
    case CTRL('I'):
        complete(editor, second_tab);
        break;
    case CTRL('C'):
        put_string(editor, "^C\n");
        return LINE_CANCELLED;
    case '\r':
    case '\n':
        return enter(editor);
    default:
        if (key >= ' ' && key < KEY_RUBOUT)
            insert(editor, (char)key);
    }
    return LINE_CONTINUE;
}

/* ---- Interface ---- */

void line_init(struct line_editor *editor, const struct line_hooks *hooks, const char *prompt)
{
    memset(editor, 0, sizeof(*editor));
    editor->hooks = hooks;
    editor->prompt = prompt;
}

void line_begin(struct line_editor *editor)
{
    editor->text[0] = '\0';
    editor->length = editor->cursor = editor->first = 0;
    editor->age = 0;
    editor->cut = false;
    editor->decoder.state = KEYS_PLAIN;
    editor->after_tab = false;
    put_string(editor, editor->prompt);
}

enum line_event line_feed(struct line_editor *editor, uint8_t byte)
{
    bool second_half = byte == '\n' && editor->after_cr;
    bool second_tab = editor->after_tab;
    uint8_t key = second_half ? 0 : keys_decode(&editor->decoder, byte);

    editor->after_cr = byte == '\r';
    if (key == 0)
        return LINE_CONTINUE;
    editor->after_tab = key == CTRL('I');
    return press(editor, key, second_tab);
}
