// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/drivers.h"

#include <errno.h>

#include "util/file.h"
#include "util/log.h"
#include "util/string.h"

#define CONFIG_SIZE_LIMIT (4u << 20) /* bytes; a whole x86 .config has 300 KiB */

/* Drivers of QEMU's cards, by the beginning of the model's name; the first that fits counts.
 * The options are those of Linux 6.1. */
static const struct {
	const char *model;
	const char *option, *otherwise; /* either will do */
} drivers[] = {
	{"e1000e", "CONFIG_E1000E", NULL},
	{"e1000", "CONFIG_E1000", NULL},
	{"igb", "CONFIG_IGB", NULL},
	{"virtio-net-pci", "CONFIG_VIRTIO_NET", NULL},
	{"rtl8139", "CONFIG_8139CP", "CONFIG_8139TOO"},
	{"vmxnet3", "CONFIG_VMXNET3", NULL},
	{"pcnet", "CONFIG_PCNET32", NULL},
	{"ne2k_pci", "CONFIG_NE2K_PCI", NULL},
	{"tulip", "CONFIG_TULIP", NULL},
	{"i82", "CONFIG_E100", NULL},
};

static bool has_option(const char *config, const char *option)
{
	size_t length = strlen(option);

	for (const char *at = config; (at = strstr(at, option)); at += length)
		if ((at == config || at[-1] == '\n') && at[length] == '=' &&
		    (at[length + 1] == 'y' || at[length + 1] == 'm'))
			return true;
	return false;
}

const char *driver_lacking(const char *model, const char *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (!string_after(model, drivers[i].model))
			continue;
		if (has_option(config, drivers[i].option) ||
		    (drivers[i].otherwise && has_option(config, drivers[i].otherwise)))
			return NULL;
		return drivers[i].option;
	}
	return NULL;
}

static void warn_of(const struct guest *guest, size_t nic, const char *option,
		    const struct kernel *kernel)
{
	log_warning(
		"%s: its kernel (%s) has no driver for card %zu, %s: %s is not set; the "
		"guest won't see it",
		guest->name, kernel->flavour ?: kernel->vmlinux, nic,
		guest->nics[nic].model, option);
}

struct error *drivers_check(const struct guest *guest, const struct kernel *kernel)
{
	_cleanup_free_ char *path = xasprintf("%s/config", kernel->directory);
	_cleanup_free_ char *config = NULL;
	struct error *error = file_read(path, CONFIG_SIZE_LIMIT, &config, NULL);

	if (error && error->code == ENOENT) {
		error_ignore(error);
		return NULL;
	}
	try(error);
	for (size_t i = 0; i < guest->n_nics; i++) {
		const char *option = driver_lacking(guest->nics[i].model, config);

		if (option)
			warn_of(guest, i, option, kernel);
	}
	return NULL;
}
