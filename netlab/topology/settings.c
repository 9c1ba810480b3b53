// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/settings.h"

#include <assert.h>
#include <errno.h>

#include "topology/drive.h"
#include "util/string.h"

static const char *const offload_names[] = {
	[OFFLOAD_RX_CHECKSUM] = "rx-checksum",
	[OFFLOAD_TX_CHECKSUM] = "tx-checksum",
	[OFFLOAD_SG] = "sg",
	[OFFLOAD_TSO] = "tso",
	[OFFLOAD_GSO] = "gso",
	[OFFLOAD_GRO] = "gro",
};
static_assert(ARRAY_SIZE(offload_names) == OFFLOADS, "an offload without a name");

const char *offload_name(enum offload offload)
{
	return offload_names[offload];
}

static const char *const macvlan_names[] = {
	[MACVLAN_BRIDGE] = "bridge",
	[MACVLAN_PRIVATE] = "private",
	[MACVLAN_VEPA] = "vepa",
	[MACVLAN_PASSTHRU] = "passthru",
};
static_assert(ARRAY_SIZE(macvlan_names) == MACVLAN_MODES, "a mode without a name");

const char *macvlan_mode_name(enum macvlan_type mode)
{
	return macvlan_names[mode];
}

bool impairment_is_none(const struct impairment *impairment)
{
	return !impairment->delay_ns && !impairment->jitter_ns &&
	       !(impairment->loss > 0) && !(impairment->duplicate > 0) &&
	       !(impairment->corrupt > 0) && !(impairment->reorder > 0) &&
	       !impairment->rate;
}

#define PERCENT_DECIMALS 6
#define PERCENT_ONE      1000000u /* 10 to the power of that */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At most @most digits, as a number that is as if all @most of them were written. */
static const char *read_decimals(const char *text, unsigned most, unsigned *value)
{
	for (unsigned scale = PERCENT_ONE / 10; most-- && is_digit(*text); scale /= 10)
		*value += (*text++ - '0') * scale;
	return text;
}

struct error *percent_parse(const char *text, double *percent)
{
	unsigned millionths = 0, whole = 0;
	const char *at = text;

	for (unsigned most = 3; most-- && is_digit(*at); at++)
		whole = whole * 10 + (*at - '0');
	if (at > text && *at == '.' && is_digit(at[1]))
		at = read_decimals(at + 1, PERCENT_DECIMALS, &millionths);
	if (at == text || !streq(at, "%") || whole > 100 || (whole == 100 && millionths))
		return error_new(
			EINVAL, "'%s' is not a percentage from 0%% to 100%%, as in 0.1%%",
			text);
	*percent = whole + (double)millionths / PERCENT_ONE;
	return NULL;
}

struct error *rate_parse(const char *text, uint64_t *rate)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} units[] = {
		{"bit", 1},
		{"kbit", 1000},
		{"mbit", 1000000},
		{"gbit", 1000000000},
	};
	size_t digits = strspn(text, "0123456789");
	_cleanup_free_ char *number = xstrndup(text, digits);
	uint64_t value;

	for (size_t i = 0; digits && i < ARRAY_SIZE(units); i++) {
		if (!streq(text + digits, units[i].name))
			continue;
		try(count_parse(number, 0, UINT64_MAX, &value));
		if (__builtin_mul_overflow(value, units[i].bits, rate))
			return error_new(ERANGE, "'%s' is too large a rate", text);
		return NULL;
	}
	return error_new(EINVAL, "'%s' is not a rate, as in 100kbit, 10mbit or 1gbit",
			 text);
}

bool port_vlans_are_named(const struct port_vlans *vlans)
{
	return vlans->pvid || vlans->n_untagged || vlans->n_tagged;
}

bool vlans_contain(const uint16_t *list, size_t n, uint16_t vlan)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == vlan)
			return true;
	return false;
}
