/* shell/names.h - commands and programs by name: look-up, completion, spelling. */
#pragma once

#include "shell/shell.h"

/* The command called `name`; NULL if there is none. */
const struct shell_command *names_find_command(const char *name);

/* Is there such a program in the initrd? */
bool names_is_program(const char *name);

/* A program's name without its directory; index-th; NULL past the last. */
const char *names_program(unsigned index);

/* For the line editor: the index-th word that may follow the text `before`; NULL past the
 * last. */
const char *names_candidate(const char *before, unsigned index);

/* What `name` was probably meant to be, a command or a program (or: a program); NULL if nothing
 * is close. */
const char *names_suggest(const char *name);
const char *names_suggest_program(const char *name);
