/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where QEMU enters a kernel: a vmlinux by its PVH entry, at once, or a bzImage by the boot
 * protocol, which unpacks itself first.
 *
 * With KASAN the PVH entry ends in a triple fault: what it runs before the shadow memory is there
 * is instrumented as well (arch/x86/platform/pvh/enlighten.c, Linux 6.1).
 */
#ifndef NETLAB_IMAGE_ENTRY_H
#define NETLAB_IMAGE_ENTRY_H

#include "image/kernel.h"

/** entry_has_kasan() - does this .config switch it on? A file that can't be read doesn't. */
bool entry_has_kasan(const char *config);

/**
 * entry_judge() - set @kernel->lacks_pvh of a kernel that netlab didn't configure
 *
 * By its note and symbols; where those are stripped, KASAN is known from a .config that lies
 * beside it.
 * Return: an error where vmlinux is no ELF file for x86-64, or where it can't be started as it
 * is and there is no bzImage.
 */
must_use struct error *entry_judge(struct kernel *kernel);

#endif
