/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * on_panic: halt. A guest whose kernel panics is stopped by QEMU where its kernel gives up:
 *
 * With panic=-1 the kernel's last act is to reset the machine, from within panic(), when it has
 * said all that it has to say, before it lets interrupts in again (kernel/panic.c, Linux 6.1 and
 * 6.12). QEMU, told that a reset is a shutdown (-no-reboot) and a shutdown a pause, stops the
 * vCPU at the very instruction: nothing of the guest runs on, and its stack leads back to where
 * the bug is. This needs no driver in the guest, as pvpanic would. From the run state `shutdown`
 * QEMU lets no one continue: neither gdb that leaves, nor QMP.
 *
 * A guest that powers off or reboots without a panic then pauses, too, and has to be ended.
 */
#ifndef NETLAB_LAB_PANIC_H
#define NETLAB_LAB_PANIC_H

#include <stdbool.h>

#include "vm/qmp.h"

/* An oops becomes a panic. */
#define PANIC_ARGUMENTS "oops=panic panic=-1"

/** panic_find() - the kernel's words in a line of the console that begins a panic, or NULL */
const char *panic_find(const char *line);

/**
 * panic_words() - where in @tail, a console's last lines, begins what tells of a panic
 *
 * The oops, or without one some lines before the panic; where there is neither, @tail.
 */
const char *panic_words(const char *tail);

/** panic_prepare() - a guest that shuts down or resets itself is to be paused. */
void panic_prepare(struct qmp *qmp);

/** panic_shutdown() - QMP's SHUTDOWN came of such a guest: end QEMU, unless it @panicked. */
void panic_shutdown(struct qmp *qmp, bool panicked);

#endif
