/* shell/cmd_session.c - help and the commands that concern the session only. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/tty.h"
#include "shell/commands.h"
#include "shell/names.h"

#define SLEEP_MAX_SECONDS 3600u

static const char *const group_titles[SHELL_GROUP_COUNT] = {
    [SHELL_MEMORY] = "Physical memory", [SHELL_PAGING] = "Virtual memory",
    [SHELL_PROGRAMS] = "Programs",      [SHELL_SYSTEM] = "Machine",
    [SHELL_DEBUG] = "Debugging",        [SHELL_SESSION] = "Shell",
};

#define HELP_LEFT 42 /* characters of the left column */

/* One column of the help table: groups [group, last], each a title and its commands. */
struct help_column {
    int group, last;
    unsigned next;    /* in the table, within the group */
    bool title_shown; /* the group's */
    int name_width;   /* of the longest command */
};

/* Format the column's next row; false when there is none. */
static bool help_next_row(struct help_column *column, char *row, size_t size)
{
    for (; column->group <= column->last; column->group++, column->title_shown = false) {
        if (!column->title_shown) {
            column->title_shown = true;
            column->next = 0;
            snprintf(row, size, "%s", group_titles[column->group]);
            return true;
        }
        while (column->next < shell_command_count) {
            const struct shell_command *command = &shell_commands[column->next++];
            if ((int)command->group != column->group)
                continue;
            snprintf(row, size, "  %-*s %s", column->name_width, command->name,
                     command->summary);
            return true;
        }
    }
    row[0] = '\0';
    return false;
}

/* "Debugging: leaks ...": names only, for there are more commands than rows on a screen of 25. */
static void help_names(int group)
{
    shell_printf("%s:", group_titles[group]);
    for (unsigned i = 0; i < shell_command_count; i++)
        if ((int)shell_commands[i].group == group)
            shell_printf(" %s", shell_commands[i].name);
    shell_printf("\n");
}

/* "Programs: args bench ...", in one line: as many as fit. */
static void help_programs(void)
{
    static const char rest[] = " ... (TAB lists all)";
    const char *name;
    int column = shell_printf("Programs:");

    names_refresh();
    for (unsigned i = 0; (name = names_program(i)) != NULL; i++) {
        if (column + 1 + strlen(name) + strlen(rest) >= SHELL_COLUMNS) {
            shell_printf("%s", rest);
            break;
        }
        column += shell_printf(" %s", name);
    }
    shell_printf("\n");
}

static int help_table(void)
{
    struct help_column left = { .group = SHELL_MEMORY, .last = SHELL_MEMORY, .name_width = 13 };
    struct help_column right = { .group = SHELL_PAGING,
                                 .last = SHELL_PROGRAMS,
                                 .name_width = 8 };
    char left_row[HELP_LEFT + 1], right_row[SHELL_COLUMNS - HELP_LEFT];

    for (;;) {
        bool more_left = help_next_row(&left, left_row, sizeof(left_row));
        bool more_right = help_next_row(&right, right_row, sizeof(right_row));
        if (!more_left && !more_right)
            break;
        int width = more_right ? HELP_LEFT : 0;
        shell_printf("%-*s%s\n", width, left_row, right_row);
    }
    for (int group = SHELL_PROGRAMS + 1; group < SHELL_GROUP_COUNT; group++)
        help_names(group);
    help_programs();
    shell_printf(
        "`help COMMAND` tells more, `help help` about keys.  Ctrl-C ends a program.\n");
    return 0;
}

static int help_command(const struct shell_command *command)
{
    shell_printf("%s - %s\nusage: %s%s%s\n", command->name, command->summary, command->name,
                 *command->arguments == '\0' ? "" : " ", command->arguments);
    if (command->details != NULL)
        shell_printf("%s", command->details);
    return 0;
}

static int help_program(const char *name)
{
    shell_printf("%s - a program, not a command\nusage: %s [ARGUMENT...] [&]\n", name, name);
    shell_printf("The same as `run %s`; `help run` tells more.\n", name);
    return 0;
}

int cmd_help(int argc, char *argv[])
{
    if (argc == 1)
        return help_table();
    const struct shell_command *command = names_find_command(argv[1]);
    if (command != NULL)
        return help_command(command);
    if (names_is_program(argv[1]))
        return help_program(argv[1]);
    return shell_usage("help", "there is no command '%s'", argv[1]);
}

int cmd_echo(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        shell_printf("%s%s", i > 1 ? " " : "", argv[i]);
    shell_printf("\n");
    return 0;
}

int cmd_sleep(int argc, char *argv[])
{
    uint32_t seconds;

    (void)argc;
    if (shell_parse_number("sleep", "SECONDS", argv[1], 0, SLEEP_MAX_SECONDS, &seconds) != 0)
        return -EINVAL;
    return tty_sleep_ticks((uint64_t)seconds * TIMER_HZ);
}

int cmd_history(int argc, char *argv[])
{
    const struct history *history = shell_history();

    (void)argc;
    (void)argv;
    for (unsigned age = history->count; age > 0; age--)
        shell_printf("%3u  %s\n", history->count - age + 1, history_get(history, age));
    return 0;
}

int cmd_clear(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    shell_printf("\033[H\033[2J");
    return 0;
}
