// SPDX-License-Identifier: GPL-2.0-or-later
#include "traffic/result.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "diag/tcp.h"
#include "util/string.h"

void connection_report_init(struct connection_report *report)
{
	*report = (struct connection_report){
		.connect_ns = NS_UNKNOWN,
		.rtt_ns = NS_UNKNOWN,
		.duration_ns = NS_UNKNOWN,
	};
}

void connection_report_deinit(struct connection_report *report)
{
	free(steal_ptr(report->outcome));
}

static int compare_values(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool spread_of(uint64_t *values, size_t n, struct spread *spread)
{
	if (n == 0)
		return false;
	qsort(values, n, sizeof(*values), compare_values);
	*spread = (struct spread){values[0], values[(n - 1) / 2], values[n - 1]};
	return true;
}

static const void *host_of(const union endpoint *endpoint)
{
	if (endpoint->any.sa_family == AF_INET6)
		return &endpoint->v6.sin6_addr;
	return &endpoint->v4.sin_addr;
}

/* The port stands at the same place in both. */
static uint16_t port_of(const union endpoint *endpoint)
{
	return ntohs(endpoint->v4.sin_port);
}

char *endpoint_format(const union endpoint *endpoint, char text[ENDPOINT_TEXT_SIZE])
{
	bool v6 = endpoint->any.sa_family == AF_INET6;
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(endpoint->any.sa_family, host_of(endpoint), host, sizeof(host));
	snprintf(text, ENDPOINT_TEXT_SIZE, v6 ? "[%s]:%u" : "%s:%u", host,
		 port_of(endpoint));
	return text;
}

static json_t *endpoint_json(const union endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (endpoint->any.sa_family == AF_UNSPEC)
		return json_null();
	return json_string(endpoint_format(endpoint, text));
}

static json_t *ns_json(uint64_t ns)
{
	return ns == NS_UNKNOWN ? json_null() : json_integer(ns);
}

static json_t *tcp_json(const struct connection_report *report)
{
	const struct tcp_info *tcp = &report->tcp;

	if (!report->has_tcp)
		return json_null();
	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"state", diag_tcp_state_name(report->tcp_state),      /* as ss says it */
		"rtt_us", (json_int_t)tcp->tcpi_rtt,                  /* smoothed */
		"rttvar_us", (json_int_t)tcp->tcpi_rttvar,            /* its variation */
		"rto_us", (json_int_t)tcp->tcpi_rto,                  /* timeout */
		"mss", (json_int_t)tcp->tcpi_snd_mss,                 /* bytes */
		"pmtu", (json_int_t)tcp->tcpi_pmtu,                   /* bytes */
		"snd_cwnd", (json_int_t)tcp->tcpi_snd_cwnd,           /* segments */
		"lost", (json_int_t)tcp->tcpi_lost,                   /* segments, now */
		"retrans", (json_int_t)tcp->tcpi_retrans,             /* segments, now */
		"total_retrans", (json_int_t)tcp->tcpi_total_retrans, /* segments */
		"bytes_acked", (json_int_t)tcp->tcpi_bytes_acked, "segs_out",
		(json_int_t)tcp->tcpi_segs_out, /* segments */
		"segs_in", (json_int_t)tcp->tcpi_segs_in);
}

static json_t *connection_json(const struct connection_report *report)
{
	return json_pack("{s:b, s:s, s:s?, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "ok",
			 report->ok, "outcome", report->outcome ?: "unknown", "closed",
			 report->closed, "local", endpoint_json(&report->local), "remote",
			 endpoint_json(&report->remote), "sent", (json_int_t)report->sent,
			 "received", (json_int_t)report->received, "connect_ns",
			 ns_json(report->connect_ns), "rtt_ns", ns_json(report->rtt_ns),
			 "duration_ns", ns_json(report->duration_ns), "tcp",
			 tcp_json(report));
}

/* The spread of the value at @offset in each report, of those that have it. */
static json_t *spread_at(const struct drive_report *report, size_t offset)
{
	_cleanup_free_ uint64_t *values = xcalloc(report->n + 1, sizeof(*values));
	struct spread spread;
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		memcpy(&values[n], (const char *)&report->each[i] + offset,
		       sizeof(*values));
		n += values[n] != NS_UNKNOWN;
	}
	if (!spread_of(values, n, &spread))
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "min", (json_int_t)spread.min, "median",
			 (json_int_t)spread.median, "max", (json_int_t)spread.max);
}

#define spread_json(report, member) \
	spread_at(report, offsetof(struct connection_report, member))

static json_t *each_json(const struct drive_report *report)
{
	json_t *each = json_array();

	for (size_t i = 0; i < report->n; i++)
		json_array_append_new(each, connection_json(&report->each[i]));
	return each;
}

struct totals {
	uint64_t ok;
	uint64_t sent;
	uint64_t received;
};

static struct totals sum(const struct drive_report *report)
{
	struct totals totals = {0};

	for (size_t i = 0; i < report->n; i++) {
		totals.ok += report->each[i].ok;
		totals.sent += report->each[i].sent;
		totals.received += report->each[i].received;
	}
	return totals;
}

json_t *drive_result(const struct drive_report *report)
{
	struct totals totals = sum(report);
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(report->to.any.sa_family, host_of(&report->to), host, sizeof(host));
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:o, s:o, s:I, s:o}",
		"kind", report->kind, "to", host, "port",
		(json_int_t)port_of(&report->to), "connections", (json_int_t)report->n,
		"ok_count", (json_int_t)totals.ok, "failed_count",
		(json_int_t)(report->n - totals.ok), "ok", totals.ok == report->n, "sent",
		(json_int_t)totals.sent, "received", (json_int_t)totals.received,
		"connect_ns", spread_json(report, connect_ns), "rtt_ns",
		spread_json(report, rtt_ns), "duration_ns",
		(json_int_t)report->duration_ns, "each", each_json(report));
}
