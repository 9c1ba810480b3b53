/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long work that cleans up behind itself: from interrupt_begin() to interrupt_end() SIGINT,
 * SIGTERM and SIGHUP don't end the process, but make interrupt_check() return an error.
 */
#ifndef NETLAB_IMAGE_INTERRUPT_H
#define NETLAB_IMAGE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

#include "util/error.h"

struct interrupt {
	int fd; /* readable once a signal came; -1: not begun */
	sigset_t before;
};

#define INTERRUPT_INIT   \
	{                \
		.fd = -1 \
	}

must_use struct error *interrupt_begin(struct interrupt *interrupt);

/** interrupt_check() - EINTR where a signal came since the last check, naming it. */
must_use struct error *interrupt_check(struct interrupt *interrupt);

/** interrupt_end() - signals act as before; harmless where it did not begin. */
void interrupt_end(struct interrupt *interrupt);
#define _cleanup_interrupt_ _cleanup_(interrupt_end)

#endif
