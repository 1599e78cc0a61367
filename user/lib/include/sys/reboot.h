/* sys/reboot.h - the machine's end. */
#pragma once

#define REBOOT_MAGIC1 0xFEE1DEAD
#define REBOOT_MAGIC2 672274793
#define RB_AUTOBOOT 0x01234567
#define RB_POWER_OFF 0x4321FEDC

int reboot(int what);
