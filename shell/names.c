/* shell/names.c - commands and programs by name. */
#include "shell/names.h"

#include "kernel/lib/string.h"
#include "kernel/proc/initrd.h"

/* Suggest only what is at most so many slips of the finger away. */
#define SUGGEST_MAX_DISTANCE 2u
#define SUGGEST_NAME_MAX 24u /* longer words are not compared */

const struct shell_command *names_find_command(const char *name)
{
    for (unsigned i = 0; i < shell_command_count; i++)
        if (strcmp(shell_commands[i].name, name) == 0)
            return &shell_commands[i];
    return NULL;
}

bool names_is_program(const char *name)
{
    struct cpio_entry file;

    return initrd_find(name, &file);
}

const char *names_program(unsigned index)
{
    struct cpio_entry file;

    if (!initrd_program(index, &file))
        return NULL;
    const char *slash = strrchr(file.name, '/');
    return slash == NULL ? file.name : slash + 1;
}

/* ---- Completion ---- */

static const char *command_name(unsigned index)
{
    return index < shell_command_count ? shell_commands[index].name : NULL;
}

/* What a line may begin with: commands, and programs that no command hides. */
static const char *first_word(unsigned index)
{
    if (index < shell_command_count)
        return shell_commands[index].name;
    index -= shell_command_count;
    for (unsigned i = 0;; i++) {
        const char *program = names_program(i);
        if (program == NULL)
            return NULL;
        if (names_find_command(program) == NULL && index-- == 0)
            return program;
    }
}

/* Start of the command at the end of the text: behind the last separator. */
static const char *last_command(const char *text)
{
    const char *start = text;

    for (; *text != '\0'; text++)
        if (*text == ';' || *text == '&')
            start = text + 1;
    while (*start == ' ')
        start++;
    return start;
}

/* Is `text` the word `word` alone (blanks may follow)? */
static bool is_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(text, word, length) != 0)
        return false;
    for (text += length; *text == ' '; text++)
        ;
    return *text == '\0';
}

const char *names_candidate(const char *before, unsigned index)
{
    const char *command = last_command(before);

    if (*command == '\0')
        return first_word(index);
    if (is_word(command, "run"))
        return names_program(index);
    if (is_word(command, "help"))
        return first_word(index);
    if (strncmp(command, "watch ", strlen("watch ")) == 0)
        return command_name(index);
    return NULL;
}

/* ---- Spelling ---- */

/* The edit distance with transpositions ("optimal string alignment": Damerau 1964, Wagner and
 * Fischer 1974): the fewest insertions, deletions, replacements and swaps of neighbours that
 * make b of a.
 * Three rows of the table are enough; both names have at most SUGGEST_NAME_MAX characters. */
static unsigned distance(const char *a, const char *b)
{
    uint8_t rows[3][SUGGEST_NAME_MAX + 1];
    uint8_t *before_last = rows[0], *last = rows[1], *row = rows[2];
    unsigned a_length = (unsigned)strlen(a), b_length = (unsigned)strlen(b);

    for (unsigned j = 0; j <= b_length; j++)
        last[j] = (uint8_t)j;
    for (unsigned i = 1; i <= a_length; i++) {
        row[0] = (uint8_t)i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = MIN(best, MIN(last[j], row[j - 1]) + 1u);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, before_last[j - 2] + 1u);
            row[j] = (uint8_t)best;
        }
        uint8_t *oldest = before_last;
        before_last = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

/* The nearest of the names that `list` enumerates. */
static const char *nearest_name(const char *name, const char *(*list)(unsigned index))
{
    const char *candidate, *nearest = NULL;
    unsigned best = MIN(SUGGEST_MAX_DISTANCE + 1, (unsigned)strlen(name));

    if (strlen(name) > SUGGEST_NAME_MAX)
        return NULL;
    for (unsigned i = 0; (candidate = list(i)) != NULL; i++) {
        unsigned d = strlen(candidate) <= SUGGEST_NAME_MAX ? distance(name, candidate) : best;
        if (d < best) {
            best = d;
            nearest = candidate;
        }
    }
    return nearest;
}

const char *names_suggest(const char *name)
{
    return nearest_name(name, first_word);
}

const char *names_suggest_program(const char *name)
{
    return nearest_name(name, names_program);
}
