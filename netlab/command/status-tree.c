// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/status-tree.h"

#include <stdio.h>

#include "command/command.h"
#include "command/node.h"
#include "topology/describe.h"
#include "util/string.h"

#define COLUMNS  80 /* lines are broken so that they fit, where a single word does */
#define TEXT_MAX 4096

/* A line that is being put together: words with ", " or " " between them. */
struct line {
	unsigned indent; /* of what follows on lines of its own */
	unsigned used;
};

/* What comes from a guest or the kernel is made fit for a terminal. */
static char *shown(const char *text)
{
	return printable(text, TEXT_MAX);
}

static void begin(struct line *line, unsigned indent, const char *name)
{
	_cleanup_free_ char *text = shown(name);

	line->indent = indent + 2;
	line->used = printf("%*s%s", (int)indent, "", text);
}

static void word(struct line *line, const char *separator, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void word(struct line *line, const char *separator, const char *format, ...)
{
	_cleanup_free_ char *raw = NULL, *text = NULL;
	size_t length;
	va_list args;

	va_start(args, format);
	raw = xvasprintf(format, args);
	va_end(args);
	text = shown(raw);
	length = strlen(separator) + strlen(text);
	if (line->used + length >= COLUMNS && line->used > line->indent) {
		/* The comma stays behind, the blank goes. */
		printf("%s\n%*s", *separator == ',' ? "," : "", (int)line->indent + 2,
		       "");
		separator += strlen(separator);
		line->used = line->indent + 2;
	}
	line->used += printf("%s%s", separator, text);
}

static void words_of(struct line *line, const char *first, const json_t *array)
{
	json_t *element;
	size_t i;

	json_array_foreach (array, i, element)
		word(line, i ? " " : first, "%s", json_string_value(element) ?: "");
}

static void end(void)
{
	putchar('\n');
}

/* "3 s", "12 min", "5 h 2 min". */
static char *age_text(long long ns)
{
	long long seconds = ns / 1000000000, minutes = seconds / 60;

	if (minutes >= 60)
		return xasprintf("%lld h %lld min", minutes / 60, minutes % 60);
	return minutes >= 2 ? xasprintf("%lld min", minutes)
			    : xasprintf("%lld s", seconds);
}

/* --- links ------------------------------------------------------------------------------- */

static const char *link_state_text(const json_t *live)
{
	if (!json_is_true(json_object_get(live, "up")))
		return "down";
	return json_is_true(json_object_get(live, "carrier")) ? "up" : "no carrier";
}

static void print_counters(const json_t *live, unsigned indent)
{
	static const char *const directions[][2] = {{"rx", "in"}, {"tx", "out"}};
	struct line line;

	if (!json_object_get(live, "rx"))
		return;
	begin(&line, indent, "");
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		const json_t *c = json_object_get(live, directions[i][0]);

		word(&line, i ? ", " : "", "%s %lld frames %lld bytes", directions[i][1],
		     status_number(c, "frames"), status_number(c, "bytes"));
		if (status_number(c, "dropped"))
			word(&line, " ", "%lld dropped", status_number(c, "dropped"));
		if (status_number(c, "errors"))
			word(&line, " ", "%lld errors", status_number(c, "errors"));
	}
	end();
}

static void add_link_state(struct line *line, const json_t *link)
{
	const json_t *live = json_object_get(link, "live");

	if (json_is_null(live))
		word(line, ", ", "GONE");
	if (!json_is_object(live))
		return;
	word(line, ", ", "%s", link_state_text(live));
	word(line, ", ", "mtu %lld", status_number(live, "mtu"));
}

static void print_link(const json_t *link, unsigned indent)
{
	const json_t *peer = json_object_get(link, "peer");
	struct line line;

	begin(&line, indent, status_text(link, "name"));
	word(&line, "  ", "%s", status_text(link, "kind"));
	if (*status_text(link, "guest"))
		word(&line, " ", "of %s", status_text(link, "guest"));
	if (*status_text(link, "owner"))
		word(&line, " ", "for %s", status_text(link, "owner"));
	if (*status_text(link, "lower"))
		word(&line, " ", "on %s", status_text(link, "lower"));
	if (json_is_object(peer))
		word(&line, " ", "to %s/%s", status_text(peer, "node"),
		     status_text(peer, "name"));
	add_link_state(&line, link);
	words_of(&line, "  ", json_object_get(link, "addresses"));
	end();
	print_counters(json_object_get(link, "live"), indent + 2);
}

static bool is_at(const json_t *link, const char *node, const char *bridge)
{
	return streq(status_text(link, "node"), node) &&
	       streq(status_text(link, "bridge"), bridge);
}

/* The links of a node: each bridge, its ports below it. */
static void print_links(const json_t *links, const char *node, unsigned indent)
{
	json_t *link, *port;
	size_t i, j;

	json_array_foreach (links, i, link) {
		if (!is_at(link, node, ""))
			continue;
		print_link(link, indent);
		if (!streq(status_text(link, "kind"), "bridge"))
			continue;
		json_array_foreach (links, j, port)
			if (is_at(port, node, status_text(link, "name")))
				print_link(port, indent + 2);
	}
}

/* --- hosts and guests -------------------------------------------------------------------- */

static void print_host(const json_t *host, const json_t *links)
{
	struct line line;

	begin(&line, 2, status_text(host, "name"));
	word(&line, "  ", "%s",
	     json_is_true(json_object_get(host, "forward")) ? "router" : "host");
	end();
	print_links(links, status_text(host, "name"), 4);
}

static void print_hosts(const json_t *nodes, const json_t *links)
{
	json_t *node;
	size_t i;

	json_array_foreach (nodes, i, node)
		if (!streq(status_text(node, "name"), HOST_SIDE))
			print_host(node, links);
}

static void print_nic(const json_t *nic)
{
	const char *bridge = status_text(nic, "bridge");
	struct line line;

	begin(&line, 4, status_text(nic, "model"));
	word(&line, "  ", "%s", status_text(nic, "mac"));
	if (*bridge)
		word(&line, " ", "on %s", bridge);
	word(&line, *bridge ? " " : " on ", *bridge ? "by %s" : "%s",
	     status_text(nic, "tap"));
	words_of(&line, "  ", json_object_get(nic, "addresses"));
	end();
}

static void print_reach(const char *lab, const char *guest)
{
	struct line line;

	begin(&line, 4, "reach it:");
	word(&line, " ", "netlab exec|console|gdb %s/%s,", lab, guest);
	word(&line, " ", "netlab drive %s/%s:PORT", lab, guest);
	end();
}

static void print_command(const json_t *argv)
{
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *line = NULL;
	json_t *argument;
	size_t i;

	json_array_foreach (argv, i, argument)
		strv_push(&words, xstrdup(json_string_value(argument) ?: ""));
	line = shell_quote(words);
	printf("    %s\n", line);
}

static void print_state(const json_t *guest)
{
	long long boot = status_number(guest, "boot_ns");
	struct line line;

	begin(&line, 2, status_text(guest, "name"));
	word(&line, "  ", "guest, %s%s", status_text(guest, "state"),
	     json_is_true(json_object_get(guest, "halted")) ? ", halted" : "");
	word(&line, ", ", "%s", status_text(guest, "accel"));
	if (status_number(guest, "pid"))
		word(&line, ", ", "pid %lld", status_number(guest, "pid"));
	if (boot) {
		word(&line, ", ", "Linux %s", status_text(guest, "kernel"));
		word(&line, ", ", "booted in %.2f s", boot / 1e9);
	}
	end();
}

static void print_guest(const json_t *guest, const char *lab)
{
	_cleanup_free_ char *panic = shown(status_text(guest, "panic"));
	json_t *nic, *module;
	size_t i;

	print_state(guest);
	if (*panic)
		printf("    %s\n    see why: netlab gdb %s/%s\n", panic, lab,
		       status_text(guest, "name"));
	json_array_foreach (json_object_get(guest, "modules_failed"), i, module)
		printf("    module not loaded: %s\n", json_string_value(module));
	json_array_foreach (json_object_get(guest, "nics"), i, nic)
		print_nic(nic);
	printf("    console log %s\n", status_text(guest, "console"));
	if (!streq(status_text(guest, "state"), "gone"))
		print_reach(lab, status_text(guest, "name"));
	if (is_verbose())
		print_command(json_object_get(guest, "qemu"));
}

/* --- the lab ----------------------------------------------------------------------------- */

static void print_capture(const json_t *capture)
{
	json_t *link;
	size_t i;

	if (!capture)
		return;
	printf("  capture  %s%s%s", status_text(capture, "file"),
	       streq(status_text(capture, "clock"), "wall") ? ", wall clock" : "",
	       json_is_true(json_object_get(capture, "running")) ? "" : " (ended)");
	if (json_object_get(capture, "failure"))
		printf(": %s", status_text(capture, "failure"));
	putchar('\n');
	json_array_foreach (json_object_get(capture, "links"), i, link)
		printf("    %s: %lld frames, %lld dropped\n", status_text(link, "name"),
		       status_number(link, "written"), status_number(link, "dropped"));
}

static void print_holders(struct line *line, const json_t *holders)
{
	json_t *holder;
	size_t i;

	json_array_foreach (holders, i, holder)
		word(line, i ? ", " : ": held by ", "%s (%s)",
		     status_text(holder, "guest"), status_text(holder, "why"));
}

/* Nothing is said of a lab whose time could stand still, and never has. */
static void print_lockstep(const json_t *lockstep)
{
	const json_t *skew = json_object_get(lockstep, "skew_ns");
	long long halts = status_number(lockstep, "halts");
	bool halted = json_is_true(json_object_get(lockstep, "halted"));
	struct line line;

	if (!json_is_true(json_object_get(lockstep, "enabled"))) {
		printf("  lockstep is off: guests halt alone, and time runs\n");
		return;
	}
	if (!halts)
		return;
	begin(&line, 2, halted ? "time stands still" : "time runs");
	print_holders(&line, json_object_get(lockstep, "holders"));
	word(&line, "; ", "%lld halt%s of %.3f s in all", halts, halts == 1 ? "" : "s",
	     status_number(lockstep, "halted_ns") / 1e9);
	word(&line, ", ", "skew %.2f ms, at most %.2f ms",
	     status_number(skew, "median") / 1e6, status_number(skew, "worst") / 1e6);
	end();
}

/* How the host as a peer of the guests is kept from noticing. */
static void print_halts(const json_t *halts)
{
	const char *host = status_text(halts, "host");
	struct line line;

	if (!*host || streq(host, "off"))
		return;
	begin(&line, 2, "in halts");
	word(&line, " ", "the host is held by its %s", host);
	if (streq(host, "filter"))
		word(&line, ": ", "%lld repeated segments dropped",
		     status_number(halts, "dropped"));
	if (json_object_get(halts, "reason"))
		word(&line, ": ", "%s", status_text(halts, "reason"));
	end();
}

static void print_head(const json_t *status)
{
	_cleanup_free_ char *age = age_text(status_number(status, "uptime_ns"));
	struct line line = {.indent = 0};

	line.used = printf("lab %s", status_text(status, "lab"));
	word(&line, ", ", "%s", status_text(status, "state"));
	word(&line, ", ", "%s old", age);
	word(&line, ", ", "pid %lld", status_number(status, "pid"));
	word(&line, ", ", "from %s", status_text(status, "topology"));
	if (streq(status_text(status, "netns"), "host"))
		word(&line, ", ", "in the network namespace that it was started in");
	end();
}

static void print_dead(const char *lab, const json_t *links)
{
	struct line line = {.indent = 0};
	json_t *link;
	size_t i;

	line.used = printf("lab %s", lab);
	word(&line, ", ", "dead: its supervisor was killed");
	end();
	begin(&line, 2, "left in this network namespace:");
	json_array_foreach (links, i, link)
		word(&line, i ? ", " : " ", "%s", status_text(link, "name"));
	end();
	printf("  'netlab down %s' removes that\n", lab);
}

void status_tree_print(const json_t *status)
{
	const json_t *links = json_object_get(status, "links");
	const char *lab = status_text(status, "lab");
	json_t *guest;
	size_t i;

	if (streq(status_text(status, "state"), "dead"))
		return print_dead(lab, links);
	print_head(status);
	print_lockstep(json_object_get(status, "lockstep"));
	print_links(links, HOST_SIDE, 2);
	print_hosts(json_object_get(status, "nodes"), links);
	json_array_foreach (json_object_get(status, "guests"), i, guest)
		print_guest(guest, lab);
	print_halts(json_object_get(status, "halts"));
	print_capture(json_object_get(status, "capture"));
	printf("  reach its host side: netlab exec %s/host -- COMMAND\n", lab);
}
