// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/clock.h"

#include <time.h>

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

uint64_t monotonic_now(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t realtime_now(void)
{
	return now(CLOCK_REALTIME);
}
