// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why: Linux calibrates the TSC in the first milliseconds of its boot, against the PIT. Under
 * TCG on a busy host the vCPU thread is kept from running in between; 1 in 25 boots of a
 * 6.1 kernel at a load of 9 on 2 cores then took 489 MHz for 2595 MHz ("PIT calibration
 * deviates from HPET"), and its clock, timers and retransmissions ran 5 times too fast.
 * QEMU 7.2's TCG hands out the host's own counter, so the host can tell its rate.
 */
#include "vm/tsc.h"

#include <stdint.h>
#include <time.h>

#define INTERVAL_NS 10000000

/* A reading this close is off by less than 200 ppm over the interval. */
#define READING_NS 2000

#define TRIES 64

#ifdef __x86_64__
#include <x86intrin.h>

struct reading {
	uint64_t ns;
	uint64_t ticks;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Both clocks at one moment: 0 where this thread was interrupted between them each time. */
static int read_clocks(struct reading *reading)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now_ns(), after;

		reading->ticks = __rdtsc();
		after = now_ns();
		reading->ns = before + (after - before) / 2;
		if (after - before < READING_NS)
			return 1;
	}
	return 0;
}

static unsigned measure(void)
{
	const struct timespec interval = {.tv_nsec = INTERVAL_NS};
	struct reading first, last;

	if (!read_clocks(&first))
		return 0;
	/* An interruption only makes it longer, and so better. */
	nanosleep(&interval, NULL);
	if (!read_clocks(&last) || last.ns - first.ns < INTERVAL_NS / 2)
		return 0;
	return (last.ticks - first.ticks) * 1000000 / (last.ns - first.ns);
}
#else
static unsigned measure(void)
{
	return 0;
}
#endif

unsigned tsc_frequency(void)
{
	static unsigned khz;

	if (!khz)
		khz = measure();
	return khz;
}
