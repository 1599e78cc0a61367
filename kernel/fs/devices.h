/* kernel/fs/devices.h - the devices that are no hardware: /dev/null, zero, full, random, urandom.
 * Below: inode, cpu/random.  Above: inode.c's fs_init(). */
#pragma once

void devices_init(void); /* puts them into /dev */
