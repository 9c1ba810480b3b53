/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests' code is run: what was asked for, and what it comes to. */
#ifndef NETLAB_LAB_ACCEL_H
#define NETLAB_LAB_ACCEL_H

#include "util/error.h"
#include "vm/machine.h"

enum accel_choice {
	ACCEL_CHOICE_AUTO,
	ACCEL_CHOICE_KVM,
	ACCEL_CHOICE_TCG,
};

/** accel_choice_parse() - "auto", "kvm", "tcg". */
must_use struct error *accel_choice_parse(const char *text, enum accel_choice *choice);

/** accel_choose() - KVM where it is wanted and there is one; that there is none is logged. */
must_use struct error *accel_choose(enum accel_choice choice, enum accel *accel);

#endif
