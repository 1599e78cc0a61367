/* shell/names.h - commands and programs by name: look-up, completion, spelling. */
#pragma once

#include "shell/shell.h"

/* The command called `name`; NULL if there is none. */
const struct shell_command *names_find_command(const char *name);

/* Is there such a program: a path, or the name of a file in /bin? */
bool names_is_program(const char *name);

/* Look at /bin again.  The functions below do it themselves before they begin. */
void names_refresh(void);

/* The index-th program in /bin as of the last names_refresh(), until the next one; NULL past the
 * last. */
const char *names_program(unsigned index);

/* For the line editor: the index-th word that may follow the text `before`; NULL past the
 * last. */
const char *names_candidate(const char *before, unsigned index);

/* What `name` was probably meant to be, a command or a program (or: a program); NULL if nothing
 * is close. */
const char *names_suggest(const char *name);
const char *names_suggest_program(const char *name);
