/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a link's netem and tbf are told: as a topology wants it, and as the kernel has it. */
#ifndef NETLAB_LINK_SHAPING_H
#define NETLAB_LINK_SHAPING_H

#include <netlink/attr.h>

#include "topology/settings.h"

struct shaping {
	bool netem;
	int64_t delay_ns;
	int64_t jitter_ns;
	uint32_t loss; /* these four as parts of UINT32_MAX */
	uint32_t duplicate;
	uint32_t corrupt;
	uint32_t reorder;
	bool tbf;
	uint64_t rate;  /* bytes per second */
	uint32_t limit; /* bytes that wait at most, with the burst */
	uint32_t burst; /* bytes; 0 where the kernel was asked, which counts it in time */
};

/** shaping_wanted() - what link_impair() asks for. */
struct shaping shaping_wanted(const struct link_settings *settings);

/**
 * shaping_read() - take in one qdisc that the kernel has on a link
 * @kind: "netem" and "tbf" are taken, others are not
 * @options: its TCA_OPTIONS; NULL: none
 */
void shaping_read(struct shaping *shaping, const char *kind, struct nlattr *options);

/** shaping_equal() - do frames see the same? The burst doesn't count. */
bool shaping_equal(const struct shaping *a, const struct shaping *b);

/** shaping_text() - "delay 10ms, loss 1%, rate 1mbit"; "none". A new string. */
char *shaping_text(const struct shaping *shaping);

#endif
