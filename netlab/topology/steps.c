// SPDX-License-Identifier: GPL-2.0-or-later
/* What a topology's run does: `drive:` and `debug:`. */
#include <assert.h>

#include "topology/reader.h"
#include "util/string.h"

struct drive_reading {
	struct drive_spec *spec;
	const struct node *to; /* NULL: missing, or wrong in itself */
};

static void read_to(struct reader *reader, const char *what, const struct node *node,
		    void *into)
{
	struct drive_reading *reading = into;
	const char *text = read_text(reader, what, node);
	struct error *error = text ? drive_target_parse(text, &reading->spec->to) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (text)
		reading->to = node;
}

static void read_family(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	struct drive_reading *reading = into;
	const char *text = read_text(reader, what, node);
	struct error *error = text ? family_parse(text, &reading->spec->to.family) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
}

static void read_connections(struct reader *reader, const char *what,
			     const struct node *node, void *into)
{
	struct drive_reading *reading = into;

	read_count(reader, what, node, 1, DRIVE_CONNECTIONS_MAX,
		   &reading->spec->connections);
}

static void read_send(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	struct drive_reading *reading = into;

	reading->spec->send = xstrdup(read_text(reader, what, node));
}

static void read_expect(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	struct drive_reading *reading = into;

	reading->spec->expect = xstrdup(read_text(reader, what, node));
}

static void read_bytes(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct drive_reading *reading = into;
	const char *text = read_text(reader, what, node);
	struct error *error = text ? size_parse(text, &reading->spec->bytes) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
}

static void read_timeout(struct reader *reader, const char *what, const struct node *node,
			 void *into)
{
	struct drive_reading *reading = into;
	const char *text = read_text(reader, what, node);
	struct error *error = text ? duration_parse(text, &reading->spec->timeout_ns)
				   : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
}

/* "to" sets the whole target, so "family" comes behind it. */
static const struct field drive_fields[] = {
	{"to", read_to, true, 0},
	{"family", read_family, false, 0},
	{"connections", read_connections, false, 0},
	{"send", read_send, false, 0},
	{"expect", read_expect, false, 0},
	{"bytes", read_bytes, false, 0},
	{"timeout", read_timeout, false, 0},
	{NULL},
};

static void check_target(struct reader *reader, const struct drive_reading *reading)
{
	const struct drive_target *target = &reading->spec->to;
	const struct name *name = names_find(&reader->guests, target->guest);
	_cleanup_free_ char *near = NULL;
	struct address address;

	if (!name) {
		near = names_suggest(&reader->guests, target->guest);
		report_add(reader->reports, reading->to->at, "no guest '%s' is defined%s",
			   target->guest, near);
	} else if (!guest_address(name->value, target->family, &address)) {
		report_add(reader->reports, reading->to->at,
			   "guest '%s' has no %saddress to drive", target->guest,
			   target->family == AF_INET    ? "IPv4 "
			   : target->family == AF_INET6 ? "IPv6 "
							: "");
	}
}

static void read_traffic(struct reader *reader, const char *what, const struct node *node,
			 struct drive_spec *spec)
{
	struct drive_reading reading = {.spec = spec};
	size_t before = reader->reports->found;
	struct error *error;

	read_mapping(reader, what, node, drive_fields, &reading);
	error = reader->reports->found == before ? drive_spec_check(spec) : NULL;
	if (error)
		report_error(reader->reports, node->at, what, error);
	if (reading.to)
		check_target(reader, &reading);
}

static void read_tcp(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct drive_spec *spec = into;

	spec->kind = DRIVE_TCP;
	read_traffic(reader, what, node, spec);
}

static void read_udp(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct drive_spec *spec = into;

	spec->kind = DRIVE_UDP;
	read_traffic(reader, what, node, spec);
}

static const struct field kind_fields[] = {
	[DRIVE_TCP] = {"tcp", read_tcp, false, 0},
	[DRIVE_UDP] = {"udp", read_udp, false, 0},
	{NULL},
};
static_assert(ARRAY_SIZE(kind_fields) == DRIVE_KINDS + 1, "a kind that is never read");

void read_drive(struct reader *reader, const char *what, const struct node *node,
		void *into)
{
	struct topology *topology = into;

	if (!is_list(reader, what, node))
		return;
	topology->drives = xcalloc(node->n_items, sizeof(*topology->drives));
	for (size_t i = 0; i < node->n_items; i++) {
		const struct node *step = node->items[i];

		drive_spec_init(&topology->drives[topology->n_drives]);
		if (step->kind == NODE_MAPPING && step->n_items == 2)
			read_mapping(reader, "a drive step", step, kind_fields,
				     &topology->drives[topology->n_drives++]);
		else
			report_add(reader->reports, step->at,
				   "a drive step is a mapping of one key, tcp or udp");
	}
}

static const char *const action_names[] = {
	[DEBUG_BACKTRACE] = "backtrace",
};
static_assert(ARRAY_SIZE(action_names) == DEBUG_ACTIONS, "an action without a name");

const char *debug_action_name(enum debug_action action)
{
	return action_names[action];
}

static void read_debugged(struct reader *reader, const char *what,
			  const struct node *node, void *into)
{
	struct debug_step *step = into;
	const struct guest *guest = read_known(reader, what, node, &reader->guests);

	step->guest = xstrdup(guest ? guest->name : NULL);
}

/* It goes into a script of gdb's: a function or FILE:LINE, never a second command. */
static void read_at(struct reader *reader, const char *what, const struct node *node,
		    void *into)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
				      "XYZ0123456789_.:/*+-";
	struct debug_step *step = into;
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	if (text[strspn(text, allowed)] || *text == '-' || strlen(text) > 128)
		report_add(reader->reports, node->at,
			   "%s: '%s' is not a function, nor a FILE:LINE", what, text);
	step->at = xstrdup(text);
}

static void read_action(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	struct debug_step *step = into;
	const char *text = read_text(reader, what, node);
	char *names[DEBUG_ACTIONS + 1] = {NULL};
	_cleanup_free_ char *all = NULL;

	for (size_t i = 0; i < DEBUG_ACTIONS; i++)
		names[i] = (char *)action_names[i];
	for (size_t i = 0; text && i < DEBUG_ACTIONS; i++) {
		if (!streq(text, names[i]))
			continue;
		step->action = i;
		return;
	}
	all = strv_join(names, ", ");
	if (text)
		report_add(reader->reports, node->at, "%s: no action '%s'; there is: %s",
			   what, text, all);
}

static void read_times(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct debug_step *step = into;

	read_count(reader, what, node, 1, DEBUG_TIMES_MAX, &step->times);
}

static const struct field debug_fields[] = {
	{"guest", read_debugged, true, 0},
	{"at", read_at, true, 0},
	{"do", read_action, false, 0},
	{"times", read_times, false, 0},
	{NULL},
};

void read_debug(struct reader *reader, const char *what, const struct node *node,
		void *into)
{
	struct topology *topology = into;

	if (!is_list(reader, what, node))
		return;
	topology->n_debugs = node->n_items;
	topology->debugs = xcalloc(node->n_items, sizeof(*topology->debugs));
	for (size_t i = 0; i < node->n_items; i++) {
		topology->debugs[i].location = node->items[i]->at;
		topology->debugs[i].times = 1;
		read_mapping(reader, "a debug step", node->items[i], debug_fields,
			     &topology->debugs[i]);
	}
}
