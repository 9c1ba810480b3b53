/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Used within debug/ only. */
#ifndef NETLAB_DEBUG_CHECK_H
#define NETLAB_DEBUG_CHECK_H

#include "util/error.h"

/**
 * debug_check_location() - does @at name a function of @vmlinux?
 * @at: FUNCTION, FILE:FUNCTION or FILE:LINE; of the last, only the form is checked
 */
must_use struct error *debug_check_location(const char *vmlinux, const char *at);

#endif
