/* shell/keys.h - which key was pressed, from the bytes a terminal sends for it.
 * Pure: no kernel underneath; also compiled for the host tests. */
#pragma once

#include "kernel/lib/types.h"

#define CTRL(letter) ((letter)&0x1F)
#define KEY_ESCAPE 0x1B
#define KEY_RUBOUT 0x7F

/* How far into a key's escape sequence the input is. */
enum keys_state {
    KEYS_PLAIN,
    KEYS_AFTER_ESCAPE,
    KEYS_CSI, /* after ESC [ : a number, then the byte that says which key */
    KEYS_SS3  /* after ESC O : the byte that says which key */
};

struct keys_decoder {
    enum keys_state state;
    unsigned number; /* of a CSI sequence */
};

/* Take a byte.  Returns the key it completes, else 0 (inside a sequence, or a key without a
 * meaning here).  Special keys come as the control key that does the same: up is Ctrl-P, home
 * is Ctrl-A, ... */
uint8_t keys_decode(struct keys_decoder *decoder, uint8_t byte);
