// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module with a bug: its init function writes to NULL. It shows the whole way from a source
 * file to the line that crashed a kernel; README.md beside it goes that way.
 *
 * With where=0, the default, loading it is a kernel's oops; with another number that is where
 * the module writes: in memory of its own.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

static int where;
module_param(where, int, 0444);
MODULE_PARM_DESC(where, "0: write to NULL; else: write to a variable");

static int harmless;

/* A function of its own, under its own name, so that the path has two frames of ours. */
static noinline __noclone void crash_write(int *target, int value)
{
	*target = value;
}

static int __init crash_init(void)
{
	int *target = where ? &harmless : NULL;

	pr_info("oops: about to write to %s\n", where ? "a variable" : "NULL");
	crash_write(target, 42);
	pr_info("oops: wrote %d\n", harmless);
	return 0;
}

static void __exit crash_exit(void)
{
	pr_info("oops: gone\n");
}

module_init(crash_init);
module_exit(crash_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Writes to NULL when it is loaded");
