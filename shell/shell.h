/* shell/shell.h - the interactive monitor.
 * A command is one row in the table in commands.c: what it is called, how many arguments it
 * takes, what help says about it, and its function. */
#pragma once

#include "kernel/lib/format.h"
#include "shell/history.h"

#define SHELL_PROMPT "strata> "
#define SHELL_LINE_MAX \
    1024u /* bytes in one command; run="..." may be longer than a typed line */
#define SHELL_WORDS_MAX 32
#define SHELL_COLUMNS 80 /* of the terminal; the last one stays free */

/* Subjects, in the order in which help shows them. */
enum shell_group {
    SHELL_MEMORY, /* the left column */
    SHELL_PAGING, /* the right column */
    SHELL_PROGRAMS,
    SHELL_SYSTEM, /* from here on below the columns, by name only */
    SHELL_DEBUG,
    SHELL_SESSION,
    SHELL_GROUP_COUNT
};

#define SHELL_NO_WATCH (1u << 0)   /* makes no sense under `watch` */
#define SHELL_BACKGROUND (1u << 1) /* may end with '&', which is then its last argument */

struct shell_command {
    const char *name;
    const char *arguments; /* as shown by help: "ADDRESS [PID]" */
    const char *summary;   /* at most 26 characters: the table in help has two columns */
    const char *details;   /* help COMMAND: lines that fit; may be NULL */
    enum shell_group group;
    int min_arguments, max_arguments; /* the name not counted */
    unsigned flags;
    int (*run)(int argc, char *argv[]); /* 0, or -errno after it has printed what is wrong */
};

extern const struct shell_command shell_commands[];
extern const unsigned shell_command_count;

/* Print to wherever the running command's output goes: the console, or what shell_redirect()
 * set. */
int shell_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Send the output of shell_printf() to `sink`; NULL: to the console again. */
void shell_redirect(format_sink sink, void *context);

/* Print "NAME: what is wrong; usage: NAME ARGUMENTS", in two lines if one is too short, and
 * return -EINVAL. */
int shell_usage(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Read the argument `text`, called `what` in the usage, of command `name`: a number in min ..
 * max. 0, or -EINVAL after it has printed what is wrong. */
int shell_parse_number(const char *name, const char *what, const char *text, uint32_t min,
                       uint32_t max, uint32_t *value);

/* Print that there is no such process and return the error for it. */
int shell_no_process(const char *command, uint32_t pid);

/* Run a line: commands separated by ';', programs that go on in the background ended by '&',
 * comments behind '#'.  A command that returns -EINTR (Ctrl-C) ends the line.  Result of the last
 * command: 0, -errno, or a program's exit status. */
int shell_execute(const char *line);

/* Check the number of arguments and run a command. */
int shell_call(const struct shell_command *command, int argc, char *argv[]);

/* Read and run lines for ever (the shell's thread). */
void shell_main(void *unused);

/* The lines entered so far. */
const struct history *shell_history(void);

/* The last argument of a program that is to run in the background.  Known by its address: a quoted
 * "&" is an argument like any other. */
extern char shell_ampersand[];

/* Is a word NAME=VALUE, with a name that a variable can have? */
bool shell_is_assignment(const char *word);
