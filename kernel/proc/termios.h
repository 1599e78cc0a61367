/* kernel/proc/termios.h - settings of a terminal, as ioctl(TCGETS) gives them (termios(3), Linux
 * i386). */
#pragma once

#include "kernel/lib/types.h"

#define TERMIOS_KEYS 19u

struct termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t keys[TERMIOS_KEYS];
};
_Static_assert(sizeof(struct termios) == 36, "struct termios of the kernel's interface");

/* keys[]; 0: there is no such key. */
enum termios_key {
    VINTR,
    VQUIT,
    VERASE,
    VKILL,
    VEOF,
    VTIME,
    VMIN,
    VSWTC,
    VSTART,
    VSTOP,
    VSUSP,
    VEOL,
    VREPRINT,
    VDISCARD,
    VWERASE,
    VLNEXT,
    VEOL2,
};

/* iflag */
#define ISTRIP 0x0020u
#define INLCR 0x0040u
#define IGNCR 0x0080u
#define ICRNL 0x0100u
/* oflag */
#define OPOST 0x0001u
#define ONLCR 0x0004u
/* cflag */
#define B38400 0x000Fu
#define CS8 0x0030u
#define CREAD 0x0080u
#define HUPCL 0x0400u
/* lflag */
#define ISIG 0x0001u
#define ICANON 0x0002u
#define ECHO 0x0008u
#define ECHOE 0x0010u
#define ECHOK 0x0020u
#define ECHONL 0x0040u
#define NOFLSH 0x0080u
#define TOSTOP 0x0100u
#define ECHOCTL 0x0200u
#define ECHOKE 0x0800u
#define IEXTEN 0x8000u

/* Requests of ioctl(2). */
#define TCGETS 0x5401u
#define TCSETS 0x5402u
#define TCSETSW 0x5403u
#define TCSETSF 0x5404u
#define TCSBRK 0x5409u
#define TCXONC 0x540Au
#define TCFLSH 0x540Bu
#define TIOCSCTTY 0x540Eu
#define TIOCGPGRP 0x540Fu
#define TIOCSPGRP 0x5410u
#define TIOCOUTQ 0x5411u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define FIONREAD 0x541Bu
#define TIOCNOTTY 0x5422u
#define TCSBRKP 0x5425u
#define TIOCGSID 0x5429u
#define TCGETS2 0x802C542Au /* struct termios with two speeds behind it */
#define TCSETS2 0x402C542Bu
#define TCSETSW2 0x402C542Cu
#define TCSETSF2 0x402C542Du

/* TCFLSH */
#define TCIFLUSH 0u
#define TCOFLUSH 1u
#define TCIOFLUSH 2u

struct winsize {
    uint16_t rows, columns, x_pixels, y_pixels;
};
