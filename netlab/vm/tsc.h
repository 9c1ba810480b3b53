/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate of the host's time stamp counter, which is that of a guest under TCG too. */
#ifndef NETLAB_VM_TSC_H
#define NETLAB_VM_TSC_H

/**
 * tsc_frequency() - measure it against CLOCK_MONOTONIC_RAW; takes 10 ms, once per process
 * Return: kHz; 0 where it can't be told: the host has no such counter, or it is too busy.
 */
unsigned tsc_frequency(void);

#endif
