/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a guest's kernel have the drivers of the guest's cards? */
#ifndef NETLAB_LAB_DRIVERS_H
#define NETLAB_LAB_DRIVERS_H

#include "image/kernel.h"
#include "topology/topology.h"

/**
 * driver_lacking() - what a card's driver needs that a kernel hasn't got
 * @model: QEMU's name of the card
 * @config: the text of the kernel's configuration
 * Return: the option, as "CONFIG_E100"; NULL where it is there, built in or as a module, and
 * where the model's driver isn't known. A string of ours.
 */
const char *driver_lacking(const char *model, const char *config);

/**
 * drivers_check() - log a warning for each card of @guest that @kernel can't drive
 * Return: an error where the kernel's configuration can't be read. A kernel that was built
 * elsewhere may have none beside it: nothing is known then.
 */
must_use struct error *drivers_check(const struct guest *guest,
				     const struct kernel *kernel);

#endif
