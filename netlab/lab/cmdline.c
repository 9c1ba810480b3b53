// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/cmdline.h"

#include <errno.h>

#include "image/overlay.h"
#include "lab/panic.h"
#include "util/string.h"

static char *nic_parameter(const struct nic *nic)
{
	char mac[MAC_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
	_cleanup_strv_ char **parts = NULL;

	strv_push(&parts, xstrdup(mac_format(nic->mac, mac)));
	if (nic->settings.mtu)
		strv_pushf(&parts, "mtu=%u", nic->settings.mtu);
	for (size_t i = 0; i < nic->n_addresses; i++)
		strv_push(&parts, xstrdup(address_format(&nic->addresses[i], address)));
	return strv_join(parts, ",");
}

/* The kernel splits at blanks outside of double quotes (next_arg() in lib/cmdline.c); the
 * topology's loader refuses words with a double quote in them. */
static void push_word(char ***words, const char *word)
{
	if (*word && !strpbrk(word, " \t"))
		strv_push(words, xstrdup(word));
	else
		strv_pushf(words, "\"%s\"", word);
}

/* The user's own initramfs may have an init as well: the kernel is told of ours. */
static void push_root(char ***words, const struct guest *guest)
{
	bool read_only = guest->root == ROOT_DISK && !guest->disk.writable;

	if (guest->root == ROOT_INITRAMFS)
		strv_push(words, xstrdup("rdinit=" OVERLAY_FOLDER "/init"));
	if (guest->root != ROOT_BUSYBOX)
		strv_pushf(words, "netlab.root=%s%s", guest_root_name(guest->root),
			   read_only ? ",ro" : "");
}

struct error *cmdline_build(const struct guest *guest, bool watched, char **line)
{
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *joined = NULL;

	strv_push(&words, xstrdup("console=ttyS0"));
	if (watched)
		strv_push(&words, xstrdup("console_msg_format=syslog"));
	strv_push(&words, xstrdup("nokaslr"));
	/* Else a kernel that sees too few ticks of a QEMU whose turn it isn't takes its timer
	 * for broken, and panics; under KVM, kernels set this by themselves (paravirt_ops_setup()
	 * in arch/x86/kernel/kvm.c, Linux 6.1 and 6.12). */
	strv_push(&words, xstrdup("no_timer_check"));
	if (watched && guest->on_panic == ON_PANIC_HALT)
		strv_push(&words, xstrdup(PANIC_ARGUMENTS));
	strv_pushf(&words, "netlab.name=%s", guest->name);
	push_root(&words, guest);
	for (size_t i = 0; i < guest->n_nics; i++) {
		_cleanup_free_ char *nic = nic_parameter(&guest->nics[i]);

		strv_pushf(&words, "netlab.nic=%s", nic);
	}
	if (guest->kernel_arguments)
		strv_push(&words, xstrdup(guest->kernel_arguments));
	if (guest->run)
		strv_push(&words, xstrdup("--"));
	strv_foreach (word, guest->run)
		push_word(&words, *word);
	joined = strv_join(words, " ");
	if (strlen(joined) >= CMDLINE_SIZE)
		return error_object(error_new(E2BIG,
					      "the kernel's command line would have %zu "
					      "bytes; it takes %d",
					      strlen(joined), CMDLINE_SIZE - 1),
				    guest->name);
	*line = steal_ptr(joined);
	return NULL;
}
