// SPDX-License-Identifier: GPL-2.0-or-later
/* A drive's result as lines for people. Pure. */
#include <stdio.h>

#include "traffic/traffic.h"
#include "util/string.h"

#define EACH_SHOWN     5 /* connections that have lines of their own */
#define OUTCOMES_SHOWN 5 /* different failures that are counted by name */

#define NS_TEXT_SIZE 32

/* "850 ns", "12.3 µs", "4.56 ms", "7.89 s" */
static const char *format_ns(double ns, char text[NS_TEXT_SIZE])
{
	static const char *const units[] = {"ns", "µs", "ms", "s"};
	size_t unit = 0;

	for (; ns >= 999.5 && unit + 1 < ARRAY_SIZE(units); unit++)
		ns /= 1000;
	snprintf(text, NS_TEXT_SIZE, "%.3g %s", ns, units[unit]);
	return text;
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "?";
}

static void print_head(FILE *out, const json_t *result)
{
	const char *to = string(result, "to");
	bool v6 = strchr(to, ':') != NULL;
	char took[NS_TEXT_SIZE];
	json_int_t n = number(result, "connections");

	fprintf(out, "%s to %s%s%s", string(result, "kind"), v6 ? "[" : "", to,
		v6 ? "]" : "");
	fprintf(out,
		":%" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
		" of %" JSON_INTEGER_FORMAT " %s ok, %" JSON_INTEGER_FORMAT
		" bytes sent, %" JSON_INTEGER_FORMAT " received, %s\n",
		number(result, "port"), number(result, "ok_count"), n,
		n == 1 ? "connection" : "connections", number(result, "sent"),
		number(result, "received"),
		format_ns(number(result, "duration_ns"), took));
}

static void print_spread(FILE *out, const char *what, const json_t *spread)
{
	char min[NS_TEXT_SIZE], median[NS_TEXT_SIZE], max[NS_TEXT_SIZE];

	if (!json_is_object(spread))
		return;
	fprintf(out, "  %-10s  min %-8s  median %-8s  max %s\n", what,
		format_ns(number(spread, "min"), min),
		format_ns(number(spread, "median"), median),
		format_ns(number(spread, "max"), max));
}

static void print_time(FILE *out, const char *what, const json_t *ns)
{
	char text[NS_TEXT_SIZE];

	if (json_is_integer(ns))
		fprintf(out, ", %s %s", what, format_ns(json_integer_value(ns), text));
}

static void print_tcp(FILE *out, const json_t *tcp)
{
	json_int_t again = number(tcp, "total_retrans");

	if (json_is_object(tcp) && again)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " retransmitted", again);
}

static void print_connection(FILE *out, const json_t *connection)
{
	fprintf(out, "  %s  %s", string(connection, "local"),
		string(connection, "outcome"));
	print_time(out, "connect", json_object_get(connection, "connect_ns"));
	print_time(out, "round trip", json_object_get(connection, "rtt_ns"));
	print_tcp(out, json_object_get(connection, "tcp"));
	fputc('\n', out);
}

struct tally {
	const char *outcome;
	unsigned count;
};

/* Counts @outcome; false when there is no room for another one. */
static bool count_outcome(struct tally tallies[OUTCOMES_SHOWN], const char *outcome)
{
	for (size_t i = 0; i < OUTCOMES_SHOWN; i++) {
		if (tallies[i].outcome && !streq(tallies[i].outcome, outcome))
			continue;
		tallies[i].outcome = outcome;
		tallies[i].count++;
		return true;
	}
	return false;
}

static void print_failures(FILE *out, const json_t *each)
{
	struct tally tallies[OUTCOMES_SHOWN] = {0};
	const json_t *connection;
	unsigned others = 0;
	size_t i;

	json_array_foreach (each, i, connection)
		if (!json_is_true(json_object_get(connection, "ok")))
			others += !count_outcome(tallies, string(connection, "outcome"));
	for (i = 0; i < OUTCOMES_SHOWN && tallies[i].outcome; i++)
		fprintf(out, "  %u × %s\n", tallies[i].count, tallies[i].outcome);
	if (others)
		fprintf(out, "  %u × something else\n", others);
}

static void print_each(FILE *out, const json_t *each)
{
	const json_t *connection;
	size_t i;

	json_array_foreach (each, i, connection)
		print_connection(out, connection);
}

char *traffic_result_text(const json_t *result)
{
	const json_t *each = json_object_get(result, "each");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return xstrdup("\n");
	print_head(out, result);
	if (json_array_size(each) <= EACH_SHOWN) {
		print_each(out, each);
	} else {
		print_spread(out, "connect", json_object_get(result, "connect_ns"));
		print_spread(out, "round trip", json_object_get(result, "rtt_ns"));
		print_failures(out, each);
	}
	fclose(out);
	return text;
}
