/* shell/names.c - commands and programs by name. */
#include "shell/names.h"

#include "kernel/fs/path.h"
#include "kernel/lib/string.h"
#include "kernel/procfs/text.h"

/* Suggest only what is at most so many slips of the finger away. */
#define SUGGEST_MAX_DISTANCE 2u
#define SUGGEST_NAME_MAX 24u /* longer words are not compared */
#define PROGRAM_FOLDER "/bin"

const struct shell_command *names_find_command(const char *name)
{
    for (unsigned i = 0; i < shell_command_count; i++)
        if (strcmp(shell_commands[i].name, name) == 0)
            return &shell_commands[i];
    return NULL;
}

/* ---- Programs: the files of /bin ---- */

static struct inode *find_inode(const char *path)
{
    struct inode *inode;
    return path_lookup(fs_root(), path, PATH_FOLLOW, &inode) == 0 ? inode : NULL;
}

static bool is_file(const char *folder, const char *name)
{
    char path[SHELL_LINE_MAX];

    snprintf(path, sizeof(path), "%s%s", folder, name);
    struct inode *inode = find_inode(path);
    bool file = inode && inode_is(inode, S_IFREG);
    if (inode)
        inode_put(inode);
    return file;
}

bool names_is_program(const char *name)
{
    return (strchr(name, '/') && is_file("", name)) || is_file(PROGRAM_FOLDER "/", name);
}

/* The names in /bin as they were when the list was asked for from its beginning, each with its
 * NUL. */
static struct text programs;

void names_refresh(void)
{
    static struct dir_entry entry; /* the shell is one thread */
    struct inode *folder = find_inode(PROGRAM_FOLDER);
    uint64_t position = 0;

    text_free(&programs);
    if (!folder)
        return;
    fs_lock();
    while (folder->ops->readdir(folder, &position, &entry) == 1)
        if ((entry.mode & S_IFMT) != S_IFDIR)
            text_append(&programs, entry.name, strlen(entry.name) + 1);
    fs_unlock();
    inode_put(folder);
}

const char *names_program(unsigned index)
{
    const char *name = programs.bytes, *end = programs.bytes + programs.length;

    while (name < end && index-- > 0)
        name += strlen(name) + 1;
    return name < end ? name : NULL;
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

    if (index == 0)
        names_refresh();
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
    names_refresh();
    return nearest_name(name, first_word);
}

const char *names_suggest_program(const char *name)
{
    names_refresh();
    return nearest_name(name, names_program);
}
