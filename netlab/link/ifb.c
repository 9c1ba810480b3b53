// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/kind.h"

const struct link_kind_ops ifb_ops = {
	.type = "ifb",
	.module = "ifb",
	.is_silent = true,
};
