/* shell/shell.c - from a line of text to running commands.
 *
 * Grammar     line    = command { (";" | "&") command } [ "#" comment ]
 *             command = { NAME=VALUE } { word };  quotes and backslashes as in kernel/lib/parse.h
 * A command's first word is looked up in the table in commands.c, then among the programs of
 * the initrd: `heap` is short for `run heap`, and so is what begins with NAME=VALUE.  A line with a
 * pipe, a redirection or && outside quotes is refused as a whole: half of it would not be what was
 * meant. */
#include "shell/shell.h"

#include "kernel/dev/console.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/proc/tty.h"
#include "shell/jobs.h"
#include "shell/line.h"
#include "shell/names.h"

static struct {
    struct line_editor editor;
    format_sink sink; /* where output goes; NULL: the console */
    void *sink_context;
} shell;

/* ---- Output ---- */

static int shell_vprintf(const char *fmt, va_list args)
{
    if (shell.sink == NULL)
        return console_vprintf(fmt, args); /* in one go: a program may be writing, too */
    return format_to(shell.sink, shell.sink_context, fmt, args);
}

int shell_printf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int nbytes = shell_vprintf(fmt, args);
    va_end(args);
    return nbytes;
}

void shell_redirect(format_sink sink, void *context)
{
    shell.sink = sink;
    shell.sink_context = context;
}

/* ---- Arguments ---- */

int shell_usage(const char *name, const char *fmt, ...)
{
    const struct shell_command *command = names_find_command(name);
    const char *arguments = command == NULL ? "" : command->arguments;
    va_list args;

    int columns = shell_printf("%s: ", name);
    va_start(args, fmt);
    columns += shell_vprintf(fmt, args);
    va_end(args);
    columns += (int)(strlen("; usage:  ") + strlen(name) + strlen(arguments));
    shell_printf("%susage: %s%s%s\n", columns < SHELL_COLUMNS ? "; " : "\n", name,
                 *arguments == '\0' ? "" : " ", arguments);
    return -EINVAL;
}

int shell_parse_number(const char *name, const char *what, const char *text, uint32_t min,
                       uint32_t max, uint32_t *value)
{
    uint32_t number;
    int error = parse_u32(text, &number);

    if (error == -EINVAL)
        return shell_usage(name, "%s is a number, not '%s'", what, text);
    if (max == UINT32_MAX && error != 0)
        return shell_usage(name, "%s has at most 32 bits, not %s", what, text);
    if (error != 0 || number < min || number > max)
        return shell_usage(name, "%s is %u to %u, not %s", what, min, max, text);
    *value = number;
    return 0;
}

int shell_call(const struct shell_command *command, int argc, char *argv[])
{
    if (argc - 1 < command->min_arguments)
        return shell_usage(command->name, "an argument is missing");
    if (argc - 1 > command->max_arguments)
        return shell_usage(command->name, "'%s' is too much", argv[command->max_arguments + 1]);
    return command->run(argc, argv);
}

/* ---- Commands ---- */

/* What people try who want to leave. */
static bool means_poweroff(const char *name)
{
    return strcmp(name, "exit") == 0 || strcmp(name, "quit") == 0 ||
           strcmp(name, "logout") == 0;
}

int shell_no_process(const char *command, uint32_t pid)
{
    shell_printf("%s: there is no process %u; `ps` lists them\n", command, pid);
    return -ESRCH;
}

static int unknown_command(const char *name)
{
    const char *suggestion = names_suggest(name);

    if (means_poweroff(name))
        shell_printf("%s: unknown command; to end: `poweroff`\n", name);
    else if (suggestion != NULL)
        shell_printf("%s: unknown command; did you mean `%s`?\n", name, suggestion);
    else
        shell_printf("%s: unknown command; type `help`\n", name);
    return -ENOENT;
}

char shell_ampersand[] = "&";

bool shell_is_assignment(const char *word)
{
    const char *c = word;

    while (*c == '_' || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
           (c > word && *c >= '0' && *c <= '9'))
        c++;
    return c > word && *c == '=';
}

/* Find and run the command in words[]; words[count] is free for one more word. */
static int execute_words(int count, char *words[], bool background)
{
    static char run[] = "run";
    const struct shell_command *command = names_find_command(words[0]);

    if (shell_is_assignment(words[0]) || (command == NULL && names_is_program(words[0]))) {
        memmove(words + 1, words, (size_t)count * sizeof(words[0]));
        words[0] = run;
        count++;
        command = names_find_command(run);
    }
    if (command == NULL)
        return unknown_command(words[0]);
    if (background) {
        if ((command->flags & SHELL_BACKGROUND) == 0)
            return shell_usage(command->name, "only programs run in the background");
        words[count++] = shell_ampersand;
    }
    return shell_call(command, count, words);
}

/* Run the `length` bytes at `text`, which are one command or blank. */
static int execute_text(const char *text, size_t length, bool background)
{
    char line[SHELL_LINE_MAX], *words[SHELL_WORDS_MAX + 2]; /* room for "run" and "&" */

    if (length >= sizeof(line)) {
        shell_printf("shell: a command has at most %u bytes\n", SHELL_LINE_MAX - 1);
        return -E2BIG;
    }
    memcpy(line, text, length);
    line[length] = '\0';
    int count = parse_words(line, words, SHELL_WORDS_MAX);
    if (count == -E2BIG)
        shell_printf("shell: a command has at most %d words\n", SHELL_WORDS_MAX);
    else if (count < 0)
        shell_printf("shell: a quotation mark is not closed\n");
    else if (count == 0 && background)
        shell_printf("shell: a program's name must stand before '&'\n");
    if (count <= 0)
        return count < 0 ? count : background ? -EINVAL : 0;
    return execute_words(count, words, background);
}

/* Where the command at `text` ends: outside quotes at a ';' or '&', a comment or one of what we
 * do not have, or at the NUL. */
static const char *command_end(const char *text)
{
    char quote = 0, previous = ' ';

    for (; *text != '\0'; previous = *text++) {
        if (*text == '\\' && quote != '\'' && text[1] != '\0')
            text++;
        else if (quote != 0)
            quote = *text == quote ? 0 : quote;
        else if (*text == '\'' || *text == '"')
            quote = *text;
        else if (strchr(";&|<>", *text) != NULL || (*text == '#' && previous == ' '))
            break;
    }
    return text;
}

/* Does the line hold what only other shells can do? */
static bool is_beyond_us(const char *line)
{
    const char *end = command_end(line);

    for (; *end != '\0' && *end != '#'; end = command_end(end + 1))
        if (strchr("|<>", *end) != NULL || (end[0] == '&' && end[1] == '&'))
            return true;
    return false;
}

int shell_execute(const char *line)
{
    if (is_beyond_us(line)) {
        shell_printf("shell: no pipes, redirection or && here; nothing was run\n");
        return -EINVAL;
    }
    for (;;) {
        const char *end = command_end(line);
        int result = execute_text(line, (size_t)(end - line), *end == '&');
        bool last = *end == '\0' || *end == '#' || end[1] == '\0';
        if (last || result == -EINTR)
            return result;
        line = end + 1;
    }
}

/* ---- Interaction ---- */

static const struct line_hooks hooks = {
    .write = console_write,
    .candidate = names_candidate,
};

const struct history *shell_history(void)
{
    return &shell.editor.history;
}

void shell_main(void *unused)
{
    (void)unused;
    line_init(&shell.editor, &hooks, SHELL_PROMPT);
    for (;;) {
        enum line_event event;
        jobs_report();
        line_begin(&shell.editor);
        do {
            event = line_feed(&shell.editor, (uint8_t)tty_read_byte());
        } while (event == LINE_CONTINUE);
        if (event == LINE_ENTERED)
            shell_execute(shell.editor.text);
        else if (event == LINE_REFUSED)
            shell_printf("shell: line longer than %u characters, not run\n", LINE_LENGTH_MAX);
    }
}
