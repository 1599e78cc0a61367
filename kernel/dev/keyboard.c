/* PS/2 keyboard: scan codes of set 1 (the 8042 translates to it) become what a terminal would
 * send.
 *
 * A key sends its code when pressed and code | 0x80 when released.  0xE0 announces one of the
 * keys that the AT keyboard added (arrows, right Ctrl, ...); 0xE1 the Pause key, which sends
 * three codes.
 *
 * Reading: IBM PS/2 Technical Reference, keyboard controller; the xterm control sequences. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/irq.h"
#include "kernel/dev/console.h"
#include "kernel/dev/devices.h"

/* 8042 ports, status bits, commands. */
#define KBC_DATA 0x60
#define KBC_STATUS_COMMAND 0x64
#define KBC_OUTPUT_FULL 0x01
#define KBC_INPUT_FULL 0x02
#define KBC_READ_CONFIG 0x20
#define KBC_WRITE_CONFIG 0x60
#define CONFIG_INTERRUPT 0x01
#define CONFIG_DISABLED 0x10
#define CONFIG_TRANSLATE 0x40
#define KBC_POLLS 100000u

#define SCAN_EXTENDED 0xE0
#define SCAN_PAUSE 0xE1
#define PAUSE_BYTES_LEFT 2 /* after 0xE1 */
#define SCAN_RELEASED 0x80

enum scan_code {
    SCAN_ENTER = 0x1C,
    SCAN_CTRL = 0x1D,
    SCAN_LEFT_SHIFT = 0x2A,
    SCAN_SLASH = 0x35,
    SCAN_RIGHT_SHIFT = 0x36,
    SCAN_ALT = 0x38,
    SCAN_CAPS_LOCK = 0x3A,
    SCAN_HOME = 0x47,
    SCAN_DELETE = 0x53,
};

#define ESC "\x1b"
#define CTRL_MASK \
    0x1F /* Ctrl with a letter or one of @ [ \ ] ^ _ : the code without its upper bits */

/* Characters by scan code; 0 = not a character key.  Backspace sends DEL, as terminals do. */
static const char plain[] = "\0\x1b"
                            "1234567890-=\x7f"
                            "\tqwertyuiop[]\r\0"
                            "asdfghjkl;'`\0"
                            "\\zxcvbnm,./\0"
                            "*\0 ";
static const char shifted[] = "\0\x1b"
                              "!@#$%^&*()_+\x7f"
                              "\tQWERTYUIOP{}\r\0"
                              "ASDFGHJKL:\"~\0"
                              "|ZXCVBNM<>?\0"
                              "*\0 ";

/* Navigation keys, and the same keys of the number pad; '-', '5' and '+' lie between them. */
static const char *const navigation[SCAN_DELETE - SCAN_HOME + 1] = {
    ESC "[H", ESC "[A", ESC "[5~", "-",       ESC "[D",  "5",       ESC "[C",
    "+",      ESC "[F", ESC "[B",  ESC "[6~", ESC "[2~", ESC "[3~",
};

static struct {
    bool shift, ctrl, alt, caps_lock;
    bool extended;     /* the last byte was 0xE0 */
    unsigned skipping; /* bytes of the Pause key still to come */
} keyboard;

static void send(const char *bytes)
{
    while (*bytes != '\0')
        console_input((uint8_t)*bytes++);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char translate(uint8_t code)
{
    char c = code < sizeof(plain) ? plain[code] : '\0';
    bool upper = is_letter(c) ? keyboard.shift != keyboard.caps_lock : keyboard.shift;
    if (upper && code < sizeof(shifted))
        c = shifted[code];
    return c;
}

static void character_key(uint8_t code)
{
    char c = translate(code);
    if (c == '\0')
        return;
    if (keyboard.ctrl && (is_letter(c) || (c >= '@' && c <= '_')))
        c &= CTRL_MASK;
    if (keyboard.alt)
        console_input(ESC[0]);
    console_input((uint8_t)c);
}

/* The four modifiers; true if `code` was one. */
static bool modifier_key(uint8_t code, bool extended, bool pressed)
{
    switch (code) {
    case SCAN_LEFT_SHIFT:
    case SCAN_RIGHT_SHIFT:
        if (!extended) /* 0xE0 0x2A comes with some keys and means nothing */
            keyboard.shift = pressed;
        return true;
    case SCAN_CTRL:
        keyboard.ctrl = pressed;
        return true;
    case SCAN_ALT:
        keyboard.alt = pressed;
        return true;
    case SCAN_CAPS_LOCK:
        keyboard.caps_lock ^= pressed;
        return true;
    default:
        return false;
    }
}

static void decode(uint8_t byte)
{
    if (keyboard.skipping > 0) {
        keyboard.skipping--;
        return;
    }
    if (byte == SCAN_EXTENDED || byte == SCAN_PAUSE) {
        keyboard.extended = byte == SCAN_EXTENDED;
        keyboard.skipping = byte == SCAN_PAUSE ? PAUSE_BYTES_LEFT : 0;
        return;
    }
    bool extended = keyboard.extended;
    bool pressed = !(byte & SCAN_RELEASED);
    uint8_t code = byte & (uint8_t)~SCAN_RELEASED;
    keyboard.extended = false;
    if (modifier_key(code, extended, pressed) || !pressed)
        return;
    if (code >= SCAN_HOME && code <= SCAN_DELETE)
        send(navigation[code - SCAN_HOME]);
    else if (!extended || code == SCAN_ENTER || code == SCAN_SLASH)
        character_key(code);
}

static void keyboard_interrupt(void)
{
    while (in8(KBC_STATUS_COMMAND) & KBC_OUTPUT_FULL)
        decode(in8(KBC_DATA));
}

/* Wait until `bit` of the status is `wanted`; gives up where there is no controller. */
static void wait_status(uint8_t bit, uint8_t wanted)
{
    for (unsigned i = 0; i < KBC_POLLS && (in8(KBC_STATUS_COMMAND) & bit) != wanted; i++)
        ;
}

void keyboard_init(void)
{
    for (unsigned i = 0; i < KBC_POLLS && (in8(KBC_STATUS_COMMAND) & KBC_OUTPUT_FULL); i++)
        in8(KBC_DATA); /* keys pressed while the machine booted */
    wait_status(KBC_INPUT_FULL, 0);
    out8(KBC_STATUS_COMMAND, KBC_READ_CONFIG);
    wait_status(KBC_OUTPUT_FULL, KBC_OUTPUT_FULL);
    uint8_t config = in8(KBC_DATA);
    config = (config | CONFIG_INTERRUPT | CONFIG_TRANSLATE) & (uint8_t)~CONFIG_DISABLED;
    wait_status(KBC_INPUT_FULL, 0);
    out8(KBC_STATUS_COMMAND, KBC_WRITE_CONFIG);
    wait_status(KBC_INPUT_FULL, 0);
    out8(KBC_DATA, config);
    irq_set_handler(IRQ_KEYBOARD, keyboard_interrupt);
}
