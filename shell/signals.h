/* shell/signals.h - the signals that end a program, by name and number (signal(7)). */
#pragma once

/* "SIGKILL" for 9; NULL if it ends no program. */
const char *signals_name(int number);

/* The number for "9", "-9", "KILL", "-KILL" or "SIGKILL"; 0 if it ends no program. */
int signals_parse(const char *text);
