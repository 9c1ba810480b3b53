/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an option of a kernel's configuration isn't what was asked for. */
#ifndef NETLAB_IMAGE_KCONFIGWHY_H
#define NETLAB_IMAGE_KCONFIGWHY_H

/**
 * kconfig_why() - look an option up in the Kconfig files of a tree
 * @source: the tree
 * @config: the text of the .config that came out
 * @name: "CONFIG_X"
 * Return: what its "depends on" lines ask for and which of those are off; that it has no prompt,
 * so that only others decide it; that there is none of that name. A new string. What encloses
 * it (`if`, `menu`) is not looked at.
 */
char *kconfig_why(const char *source, const char *config, const char *name);

/** kconfig_why_in() - as kconfig_why(), from the text of one Kconfig file; NULL where it doesn't
 * have the option. Pure. */
char *kconfig_why_in(const char *kconfig, const char *config, const char *name);

#endif
