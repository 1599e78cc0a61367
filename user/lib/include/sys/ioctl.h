/* sys/ioctl.h - requests to devices. */
#pragma once

#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSBRK 0x5409 /* argument 1: wait until all output is out */
#define TIOCGWINSZ 0x5413

int ioctl(int fd, unsigned long request, ...);
