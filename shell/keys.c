/* shell/keys.c - decoding of a terminal's special keys.
 * A special key arrives as ESC [ parameters final (ECMA-48, 5.4: parameters 0x30..0x3F, final
 * byte 0x40..0x7E), as ESC [ number ~ (DEC VT220), or as ESC O final (VT100 application
 * mode). */
#include "shell/keys.h"

#define CSI_FINAL_FIRST 0x40
#define NUMBER_MAX 100u /* larger than any key's: means "some other key" */

static uint8_t special_key(uint8_t final)
{
    switch (final) {
    case 'A': /* up */
        return CTRL('P');
    case 'B': /* down */
        return CTRL('N');
    case 'C': /* right */
        return CTRL('F');
    case 'D': /* left */
        return CTRL('B');
    case 'H': /* home */
        return CTRL('A');
    case 'F': /* end */
        return CTRL('E');
    default:
        return 0;
    }
}

/* The keys of the form ESC [ number ~. */
static uint8_t numbered_key(unsigned number)
{
    switch (number) {
    case 1: /* home, VT220 and rxvt */
    case 7:
        return CTRL('A');
    case 3: /* delete */
        return CTRL('D');
    case 4: /* end, VT220 and rxvt */
    case 8:
        return CTRL('E');
    default:
        return 0;
    }
}

/* A second number (";5" = Ctrl held) only makes the number a meaningless one. */
static uint8_t decode_csi(struct keys_decoder *decoder, uint8_t byte)
{
    if (byte < CSI_FINAL_FIRST) {
        if (byte >= '0' && byte <= '9')
            decoder->number = MIN(decoder->number * 10 + (byte - '0'), NUMBER_MAX);
        return 0;
    }
    decoder->state = KEYS_PLAIN;
    return byte == '~' ? numbered_key(decoder->number) : special_key(byte);
}

uint8_t keys_decode(struct keys_decoder *decoder, uint8_t byte)
{
    /* A control byte ends any sequence, so that no Enter is lost in a broken one. */
    bool printable = byte >= ' ' && byte < KEY_RUBOUT;
    enum keys_state state = decoder->state;

    if (byte == KEY_ESCAPE) {
        decoder->state = KEYS_AFTER_ESCAPE;
        return 0;
    }
    if (state == KEYS_CSI && printable)
        return decode_csi(decoder, byte);
    decoder->state = KEYS_PLAIN;
    if (state == KEYS_SS3 && printable)
        return special_key(byte);
    if (state == KEYS_AFTER_ESCAPE && (byte == '[' || byte == 'O')) {
        decoder->state = byte == '[' ? KEYS_CSI : KEYS_SS3;
        decoder->number = 0;
        return 0;
    }
    return byte;
}
