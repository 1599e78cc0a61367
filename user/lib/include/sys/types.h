/* sys/types.h - POSIX's names for integers, as wide as on Linux i386 (file offsets: 64 bits). */
#pragma once

#include <stddef.h>

typedef long ssize_t;
typedef int pid_t;
typedef long time_t;
typedef long long off_t;
typedef unsigned mode_t;
