// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/shaping.h"

#include <limits.h>
#include <linux/pkt_sched.h>

#include "util/string.h"

#define FRAME_OVERHEAD 22 /* bytes: Ethernet header with two VLAN tags */
#define BURST_FRAMES   2
#define BURST_PART     1000 /* 1 ms of the rate */
#define QUEUE_FRAMES   32
#define QUEUE_PART     10 /* 100 ms of the rate */

static uint32_t probability(double percent)
{
	return (uint32_t)(percent / 100 * UINT32_MAX + 0.5);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t clamp_to_int(uint64_t value)
{
	return value < INT_MAX ? value : INT_MAX;
}

/* Large frames are cut to fit into the burst (tbf_segment()); the queue is bytes. */
static void want_tbf(const struct link_settings *settings, struct shaping *shaping)
{
	uint64_t frame = (settings->mtu ?: LINK_MTU_DEFAULT) + FRAME_OVERHEAD;
	uint64_t rate = max_u64(settings->impair.rate / 8, 1);
	uint64_t burst = max_u64(rate / BURST_PART, BURST_FRAMES * frame);
	uint64_t queue = max_u64(rate / QUEUE_PART, QUEUE_FRAMES * frame);

	shaping->tbf = true;
	shaping->rate = rate;
	shaping->burst = clamp_to_int(burst);
	shaping->limit = clamp_to_int(burst + queue);
}

struct shaping shaping_wanted(const struct link_settings *settings)
{
	const struct impairment *impair = &settings->impair;
	struct impairment rest = *impair;
	struct shaping shaping = {
		.delay_ns = impair->delay_ns,
		.jitter_ns = impair->jitter_ns,
		.loss = probability(impair->loss),
		.duplicate = probability(impair->duplicate),
		.corrupt = probability(impair->corrupt),
		.reorder = probability(impair->reorder),
	};

	rest.rate = 0;
	shaping.netem = !impairment_is_none(&rest);
	if (impair->rate)
		want_tbf(settings, &shaping);
	return shaping;
}

static bool has(const struct nlattr *attribute, size_t size)
{
	return attribute && nla_len(attribute) >= (int)size;
}

/* Its options are a struct, with attributes behind it: net/sched/sch_netem.c, netem_dump(). */
static void read_netem(struct shaping *shaping, struct nlattr *options)
{
	struct nlattr *tb[TCA_NETEM_MAX + 1] = {0};
	struct tc_netem_qopt qopt;
	int size = nla_len(options);

	if (size < (int)sizeof(qopt))
		return;
	memcpy(&qopt, nla_data(options), sizeof(qopt));
	shaping->loss = qopt.loss;
	shaping->duplicate = qopt.duplicate;
	nla_parse(tb, TCA_NETEM_MAX,
		  (struct nlattr *)((char *)nla_data(options) + NLA_ALIGN(sizeof(qopt))),
		  size - (int)NLA_ALIGN(sizeof(qopt)), NULL);
	if (has(tb[TCA_NETEM_LATENCY64], sizeof(int64_t)))
		shaping->delay_ns = nla_get_u64(tb[TCA_NETEM_LATENCY64]);
	if (has(tb[TCA_NETEM_JITTER64], sizeof(int64_t)))
		shaping->jitter_ns = nla_get_u64(tb[TCA_NETEM_JITTER64]);
	if (has(tb[TCA_NETEM_REORDER], sizeof(struct tc_netem_reorder)))
		shaping->reorder = nla_get_u32(tb[TCA_NETEM_REORDER]);
	if (has(tb[TCA_NETEM_CORRUPT], sizeof(struct tc_netem_corrupt)))
		shaping->corrupt = nla_get_u32(tb[TCA_NETEM_CORRUPT]);
}

static void read_tbf(struct shaping *shaping, struct nlattr *options)
{
	struct nlattr *tb[TCA_TBF_MAX + 1] = {0};
	struct tc_tbf_qopt qopt;

	nla_parse_nested(tb, TCA_TBF_MAX, options, NULL);
	if (!has(tb[TCA_TBF_PARMS], sizeof(qopt)))
		return;
	memcpy(&qopt, nla_data(tb[TCA_TBF_PARMS]), sizeof(qopt));
	shaping->rate = qopt.rate.rate;
	shaping->limit = qopt.limit;
	if (has(tb[TCA_TBF_RATE64], sizeof(uint64_t)))
		shaping->rate = nla_get_u64(tb[TCA_TBF_RATE64]);
}

void shaping_read(struct shaping *shaping, const char *kind, struct nlattr *options)
{
	if (streq(kind, "netem")) {
		shaping->netem = true;
		if (options)
			read_netem(shaping, options);
	} else if (streq(kind, "tbf")) {
		shaping->tbf = true;
		if (options)
			read_tbf(shaping, options);
	}
}

bool shaping_equal(const struct shaping *a, const struct shaping *b)
{
	return a->netem == b->netem && a->delay_ns == b->delay_ns &&
	       a->jitter_ns == b->jitter_ns && a->loss == b->loss &&
	       a->duplicate == b->duplicate && a->corrupt == b->corrupt &&
	       a->reorder == b->reorder && a->tbf == b->tbf && a->rate == b->rate &&
	       a->limit == b->limit;
}

static void say_time(char ***words, const char *what, int64_t ns)
{
	if (ns >= 1000000)
		strv_pushf(words, "%s %gms", what, (double)ns / 1e6);
	else if (ns > 0)
		strv_pushf(words, "%s %gus", what, (double)ns / 1e3);
}

static void say_part(char ***words, const char *what, uint32_t part)
{
	if (part)
		strv_pushf(words, "%s %.4g%%", what, 100.0 * part / UINT32_MAX);
}

static void say_rate(char ***words, uint64_t rate)
{
	double bits = 8.0 * (double)rate;

	if (bits >= 1e6)
		strv_pushf(words, "rate %gmbit", bits / 1e6);
	else
		strv_pushf(words, "rate %gkbit", bits / 1e3);
}

char *shaping_text(const struct shaping *shaping)
{
	_cleanup_strv_ char **words = NULL;

	say_time(&words, "delay", shaping->delay_ns);
	say_time(&words, "jitter", shaping->jitter_ns);
	say_part(&words, "loss", shaping->loss);
	say_part(&words, "duplicate", shaping->duplicate);
	say_part(&words, "corrupt", shaping->corrupt);
	say_part(&words, "reorder", shaping->reorder);
	if (shaping->tbf)
		say_rate(&words, shaping->rate);
	return words ? strv_join(words, ", ")
		     : xstrdup(shaping->netem ? "netem" : "none");
}
