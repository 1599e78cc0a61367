/* assert.h - ISO C 7.2. */
#pragma once

_Noreturn void assert_fail(const char *condition, const char *file, int line);

#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) ((condition) ? (void)0 : assert_fail(#condition, __FILE__, __LINE__))
#endif
