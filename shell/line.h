/* shell/line.h - a line editor for a VT100: bytes go in, the screen's bytes come out.
 * Pure: it reads and writes only through what it is given; also compiled for the host tests. */
#pragma once

#include "shell/history.h"
#include "shell/keys.h"

#define LINE_COLUMNS 80u /* of the terminal; a longer line scrolls sideways inside its row */

/* The editor's surroundings. */
struct line_hooks {
    /* Show bytes on the terminal. */
    void (*write)(const char *bytes, size_t nbytes);

    /* TAB: the index-th word that may follow the text `before`; NULL past the last one (NULL
     * hook: no completion).  The editor picks those that continue what was typed. */
    const char *(*candidate)(const char *before, unsigned index);
};

enum line_event {
    LINE_CONTINUE, /* go on feeding */
    LINE_ENTERED,  /* Enter: the line is in `text` */
    LINE_REFUSED,  /* Enter, but `text` lacks what did not fit */
    LINE_CANCELLED /* Ctrl-C: forget it */
};

struct line_editor {
    const struct line_hooks *hooks;
    const char *prompt; /* fewer than LINE_COLUMNS / 2 bytes */
    struct history history;

    char text[LINE_LENGTH_MAX + 1]; /* always NUL-terminated */
    size_t length;
    size_t cursor; /* 0 .. length */
    bool cut;      /* something did not fit into `text` */
    size_t first;  /* the first byte that is visible; > 0 when the line has scrolled */

    unsigned age;                    /* 0: the new line; n: the line of n lines ago */
    char draft[LINE_LENGTH_MAX + 1]; /* the new line while the history is looked through */

    struct keys_decoder decoder;
    bool after_cr;  /* a LF now belongs to that CR */
    bool after_tab; /* a second TAB lists the candidates */
};

void line_init(struct line_editor *editor, const struct line_hooks *hooks, const char *prompt);

/* Start a new line: show the prompt. */
void line_begin(struct line_editor *editor);

/* Take one byte.  CR, LF and CR LF each end a line.  What is entered is added to the history.
 * A line that is full, or a key that cannot do anything, answers BEL; a line that was too long
 * once is refused, unless it was emptied since then. */
enum line_event line_feed(struct line_editor *editor, uint8_t byte);
