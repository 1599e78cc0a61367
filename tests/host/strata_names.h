/* tests/host/strata_names.h - put in front of every file of a host test whose subjects have the
 * same names as the host's C library: `memcpy` in such a program is Strata's, and both can be
 * linked. */
#pragma once

#define memset strata_memset
#define memcpy strata_memcpy
#define memmove strata_memmove
#define memcmp strata_memcmp
#define memchr strata_memchr
#define strlen strata_strlen
#define strnlen strata_strnlen
#define strcmp strata_strcmp
#define strncmp strata_strncmp
#define strchr strata_strchr
#define strrchr strata_strrchr
#define strstr strata_strstr
#define strlcpy strata_strlcpy
#define snprintf strata_snprintf
#define vsnprintf strata_vsnprintf

/* libasan itself divides before it is ready to run instrumented code. */
#define __udivmoddi4 strata_udivmoddi4
#define __udivdi3 strata_udivdi3
#define __umoddi3 strata_umoddi3
#define __divdi3 strata_divdi3
#define __moddi3 strata_moddi3
