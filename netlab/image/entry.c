// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/entry.h"

#include <errno.h>

#include "image/elf.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/string.h"

#define CONFIG_LIMIT (4u << 20)

/* Of arch/x86/mm/kasan_init_64.c, which is compiled with CONFIG_KASAN alone. */
#define KASAN_SYMBOL "kasan_init"

bool entry_has_kasan(const char *path)
{
	_cleanup_free_ char *config = NULL;
	_cleanup_error_ struct error *error =
		file_read(path, CONFIG_LIMIT, &config, NULL);
	const char *option = error ? NULL : strstr(config, "CONFIG_KASAN=y\n");

	return option && (option == config || option[-1] == '\n');
}

static bool has_kasan(const struct kernel *kernel)
{
	_cleanup_free_ char *hidden = xasprintf("%s/.config", kernel->directory);
	_cleanup_free_ char *config = xasprintf("%s/config", kernel->directory);
	bool stripped, has;

	error_ignore(elf_has_section(kernel->vmlinux, ".symtab", &has));
	stripped = !has;
	if (stripped)
		return entry_has_kasan(hidden) || entry_has_kasan(config);
	error_ignore(elf_has_symbol(kernel->vmlinux, KASAN_SYMBOL, &has));
	return has;
}

struct error *entry_judge(struct kernel *kernel)
{
	struct error *error;
	bool has_entry;

	try(elf_has_pvh_entry(kernel->vmlinux, &has_entry));
	kernel->lacks_pvh = !has_entry || has_kasan(kernel);
	if (!kernel->lacks_pvh || kernel->bzimage)
		return NULL;
	error = has_entry ? error_new(ENOEXEC,
				      "%s has KASAN, with which its PVH entry crashes",
				      kernel->vmlinux)
			  : error_new(ENOEXEC, "%s has no PVH entry (CONFIG_PVH)",
				      kernel->vmlinux);
	return error_hint(error, "give the bzImage of that build, too: it is what is "
				 "started then");
}
