// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives traffic in a namespace of its own, for test_traffic.py. It says "entered", and
 * then takes a line of JSON for each drive and answers with a line of its result:
 *
 *	{"kind": "tcp", "to": ADDRESS, "port": N, "connections": N, "bytes": N,
 *	 "timeout_ms": N, "send": TEXT or null, "expect": TEXT or null}
 *
 * The result gets a "text": what traffic_result_text() makes of it.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "traffic/traffic.h"
#include "util/lines.h"
#include "util/namespace.h"
#include "util/string.h"

static void say_json(json_t *object)
{
	_cleanup_free_ char *line = json_line(object);

	fputs(line, stdout);
	fflush(stdout);
	json_decref(object);
}

static void say_error(struct error *error)
{
	_cleanup_error_ struct error *owned = error;
	_cleanup_free_ char *text = error_text(owned);

	say_json(json_pack("{s:s}", "error", text));
}

static void on_done(struct traffic *traffic, json_t *result, void *userdata)
{
	_cleanup_free_ char *text = traffic_result_text(result);

	json_object_set_new(result, "text", json_string(text));
	say_json(result);
	traffic_free(traffic);
	sd_event_exit(userdata, 0);
}

static bool read_request(const json_t *request, struct drive_spec *spec,
			 struct address *to)
{
	const char *kind, *address;
	json_int_t bytes, timeout_ms;
	int port, connections;

	if (json_unpack((json_t *)request, "{s:s, s:s, s:i, s:i, s:I, s:I, s?s, s?s}",
			"kind", &kind, "to", &address, "port", &port, "connections",
			&connections, "bytes", &bytes, "timeout_ms", &timeout_ms, "send",
			&spec->send, "expect", &spec->expect) < 0)
		return false;
	spec->kind = streq(kind, "udp") ? DRIVE_UDP : DRIVE_TCP;
	spec->to.port = port;
	spec->connections = connections;
	spec->bytes = bytes;
	spec->timeout_ns = timeout_ms * 1000000ull;
	to->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	return inet_pton(to->family, address, &to->v6) == 1;
}

static void drive(const json_t *request)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct drive_spec spec = {0};
	struct traffic *traffic;
	struct address to;
	struct error *error;

	if (!read_request(request, &spec, &to) || sd_event_new(&event) < 0)
		exit(2);
	error = traffic_start(&traffic, event, &spec, &to, on_done, event);
	if (error)
		say_error(error);
	else
		sd_event_loop(event);
}

int main(void)
{
	struct error *error = namespace_enter_new();
	char line[65536];

	if (error) {
		say_error(error);
		return 1;
	}
	puts("entered");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		_cleanup_json_ json_t *request = json_loads(line, 0, NULL);

		drive(request);
	}
	return 0;
}
