/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF kernel says of itself (elfutils). */
#ifndef NETLAB_IMAGE_SYMBOLS_H
#define NETLAB_IMAGE_SYMBOLS_H

#include "util/error.h"

/**
 * symbols_functions() - the names of all functions of @vmlinux, sorted, each once
 *
 * A compiler's clones (foo.isra.0, foo.constprop.0, foo.part.0, foo.cold) count as foo.
 */
must_use struct error *symbols_functions(const char *vmlinux, char ***names);

/**
 * symbols_check_function() - is there a function @name to stop at?
 * Return: an error that names near ones where there is none. An inlined function has no
 * symbol; then DWARF is asked too.
 */
must_use struct error *symbols_check_function(const char *vmlinux, const char *name);

#endif
