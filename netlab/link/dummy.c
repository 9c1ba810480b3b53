// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/kind.h"

const struct link_kind_ops dummy_ops = {
	.type = "dummy",
	.module = "dummy",
};
