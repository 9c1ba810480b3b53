// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as what rtnetlink tells: it is refused, or is told on as printable text and JSON. */
#include <stddef.h>
#include <stdint.h>

#include "diag/event.h"
#include "fuzz.h"
#include "topology/text.h"
#include "util/lines.h"
#include "util/string.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_event(const struct net_event *event, const struct link_states *states,
			void *userdata)
{
	_cleanup_free_ char *text = net_event_text(event, states), *line = NULL;
	_cleanup_json_ json_t *json = net_event_to_json(event, states);

	(void)userdata;
	must(*text && utf8_valid(text, strlen(text)) && !text_has_control(text));
	must(json && *json_string_value(json_object_get(json, "event")));
	line = json_line(json);
	must(strchr(line, '\n') == line + strlen(line) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_link_states_ struct link_states states = {0};
	/* Where netlink messages lie, they are aligned. */
	_cleanup_free_ void *copy = xcalloc(size, 1);
	_cleanup_error_ struct error *error = NULL;

	memcpy(copy, data, size);
	error = net_events_take(&states, copy, size, check_event, NULL);
	must(!error || error->code > 0);
	for (size_t i = 0; i < states.n; i++)
		must(link_states_find(&states, states.list[i].index) == &states.list[i]);
	return 0;
}
