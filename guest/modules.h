/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules: first the drivers of what devices there are, out of /lib/modules/RELEASE/,
 * then what /modules/load names, line by line: "/modules/NAME.ko PARAMETERS" is a file, "NAME
 * PARAMETERS" one of the kernel's own.
 */
#ifndef GUEST_MODULES_H
#define GUEST_MODULES_H

#include <stdbool.h>

#define MODULES_FAILED "/run/netlab.modules"

/**
 * modules_load() - load them, in an initramfs where nothing is mounted
 * @say: gets a message about each that was named and can't be loaded
 */
void modules_load(void (*say)(const char *format, ...));

/**
 * modules_report() - write MODULES_FAILED, once it can be: for each that was named and can't be
 * loaded, a line "NAME: WHY" in printable ASCII; no file where there is none
 * Return: false with errno.
 */
bool modules_report(void);

#endif
