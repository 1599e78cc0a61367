/* kernel/proc/loadavg.h - how many threads of programs could run, on average over the last 1, 5 and 15
 * minutes (getloadavg(3)). */
#pragma once

#include "kernel/lib/types.h"

#define LOADAVG_SHIFT \
    16 /* loads are fixed-point numbers with so many binary places (sysinfo(2)) */
#define LOADAVG_TICKS 500u /* loadavg_sample() is to be called every so many ticks */

void loadavg_get(uint32_t loads[3]);
void loadavg_sample(void);
