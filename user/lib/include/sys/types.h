/* sys/types.h - POSIX's names for integers, as wide as on Linux i386. */
#pragma once

#include <stddef.h>

typedef long ssize_t;
typedef int pid_t;
typedef long time_t;
