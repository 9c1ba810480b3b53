// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/drive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "topology/text.h"
#include "topology/topology.h"
#include "util/string.h"

static const char *const kind_names[] = {
	[DRIVE_TCP] = "tcp",
	[DRIVE_UDP] = "udp",
};
static_assert(ARRAY_SIZE(kind_names) == DRIVE_KINDS, "a kind of traffic without a name");

const char *drive_kind_name(enum drive_kind kind)
{
	return kind_names[kind];
}

struct error *drive_kind_parse(const char *text, enum drive_kind *kind)
{
	for (size_t i = 0; i < DRIVE_KINDS; i++)
		if (streq(text, kind_names[i]))
			return *kind = i, NULL;
	return error_new(EINVAL, "'%s' is no kind of traffic; there are tcp and udp",
			 text);
}

struct error *drive_target_parse(const char *text, struct drive_target *target)
{
	const char *colon = strrchr(text, ':');
	_cleanup_free_ char *guest = NULL;
	uint64_t port;

	if (!colon)
		return error_new(EINVAL, "'%s' is not GUEST:PORT, as in server:7777",
				 text);
	guest = xstrndup(text, colon - text);
	if (!lab_name_valid(guest))
		return error_new(EINVAL, "'%s' can't be a guest's name", guest);
	try(error_prefix(count_parse(colon + 1, 1, UINT16_MAX, &port), "port"));
	*target = (struct drive_target){steal_ptr(guest), port, AF_UNSPEC};
	return NULL;
}

/* The digits at the beginning of @text; false where there is none, or too many. */
static bool read_digits(const char *text, const char **end, uint64_t *value)
{
	*value = 0;
	for (*end = text; **end >= '0' && **end <= '9'; (*end)++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, **end - '0', value))
			return false;
	return *end > text;
}

struct error *count_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number;
	const char *end;

	if (!read_digits(text, &end, &number) || *end || number < min || number > max)
		return error_new(EINVAL,
				 "'%s' is not a number from %" PRIu64 " to %" PRIu64,
				 text, min, max);
	*value = number;
	return NULL;
}

struct error *size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *end, *unit;
	uint64_t size;

	if (!read_digits(text, &end, &size))
		return error_new(EINVAL, "'%s' is not a size, as in 64K or 256M", text);
	unit = *end ? strchr(units, *end) : NULL;
	if (*end && (!unit || end[1]))
		return error_new(
			EINVAL, "'%s' is not a size: a number of bytes, or of K, M, G, T",
			text);
	if (unit && __builtin_mul_overflow(size, 1ull << 10 * (unit - units + 1), &size))
		return error_new(ERANGE, "'%s' is too large a size", text);
	*bytes = size;
	return NULL;
}

struct error *duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", 1000000000}, {"s", 1000000000},    {"ms", 1000000},
		{"us", 1000},     {"min", 60000000000},
	};
	const char *end;
	uint64_t number;

	if (!read_digits(text, &end, &number))
		return error_new(EINVAL, "'%s' is not a time, as in 10s or 250ms", text);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!streq(end, units[i].name))
			continue;
		if (__builtin_mul_overflow(number, units[i].ns, &number))
			return error_new(ERANGE, "'%s' is too long a time", text);
		*ns = number;
		return NULL;
	}
	return error_new(EINVAL, "'%s' is not a time: it has a unit of us, ms, s or min",
			 text);
}

static const struct {
	const char *name;
	int family;
} families[] = {
	{"any", AF_UNSPEC},
	{"ipv4", AF_INET},
	{"ipv6", AF_INET6},
};

const char *family_name(int family)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].family == family)
			return families[i].name;
	return "?";
}

struct error *family_parse(const char *text, int *family)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (streq(text, families[i].name))
			return *family = families[i].family, NULL;
	return error_new(EINVAL, "'%s' is no family; there are ipv4, ipv6 and any", text);
}

void drive_spec_init(struct drive_spec *spec)
{
	*spec = (struct drive_spec){
		.kind = DRIVE_TCP,
		.connections = 1,
		.timeout_ns = DRIVE_TIMEOUT_DEFAULT_NS,
	};
}

void drive_spec_deinit(struct drive_spec *spec)
{
	free(spec->to.guest);
	free(spec->send);
	free(spec->expect);
	*spec = (struct drive_spec){0};
}

static struct error *check_text(const char *what, const char *text)
{
	if (text && strlen(text) > DRIVE_TEXT_MAX)
		return error_new(EINVAL, "%s is longer than %u bytes", what,
				 DRIVE_TEXT_MAX);
	if (text && !utf8_valid(text, strlen(text)))
		return error_new(EINVAL, "%s is not UTF-8 text", what);
	return NULL;
}

static struct error *check_range(const char *what, uint64_t value, uint64_t min,
				 uint64_t max)
{
	if (value < min || value > max)
		return error_new(ERANGE, "%s must be from %" PRIu64 " to %" PRIu64, what,
				 min, max);
	return NULL;
}

static struct error *check_datagram(const struct drive_spec *spec)
{
	uint64_t size = spec->bytes + (spec->send ? strlen(spec->send) : 0);

	if (size == 0)
		return error_new(EINVAL,
				 "udp has nothing to send: it needs send or bytes");
	if (size > DRIVE_DATAGRAM_MAX)
		return error_new(
			EINVAL,
			"udp sends one datagram, of at most %d bytes, not %" PRIu64,
			DRIVE_DATAGRAM_MAX, size);
	return NULL;
}

struct error *drive_spec_check(const struct drive_spec *spec)
{
	try(check_range("connections", spec->connections, 1, DRIVE_CONNECTIONS_MAX));
	try(check_range("bytes", spec->bytes, 0, DRIVE_BYTES_MAX));
	if (spec->timeout_ns < 1 || spec->timeout_ns > DRIVE_TIMEOUT_MAX_NS)
		return error_new(ERANGE, "timeout must be more than 0 and at most a day");
	try(check_text("send", spec->send));
	try(check_text("expect", spec->expect));
	return spec->kind == DRIVE_UDP ? check_datagram(spec) : NULL;
}
