/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks, in nanoseconds. */
#ifndef NETLAB_UTIL_CLOCK_H
#define NETLAB_UTIL_CLOCK_H

#include <stdint.h>

/** monotonic_now() - ns of a clock that no one sets: for deadlines, and how long things took. */
uint64_t monotonic_now(void);

/** realtime_now() - ns since 1970-01-01 UTC, the clock of the kernel's and QEMU's stamps. */
uint64_t realtime_now(void);

#endif
