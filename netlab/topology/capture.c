// SPDX-License-Identifier: GPL-2.0-or-later
/* What is captured: a list of links, or a mapping that says more. */
#include <assert.h>

#include "topology/reader.h"
#include "util/string.h"

static const char *const clock_names[] = {
	[CAPTURE_CLOCK_LAB] = "lab",
	[CAPTURE_CLOCK_WALL] = "wall",
};
static_assert(ARRAY_SIZE(clock_names) == CAPTURE_CLOCKS, "a clock without a name");

const char *capture_clock_name(enum capture_clock clock)
{
	return clock_names[clock];
}

bool capture_clock_parse(const char *name, enum capture_clock *clock)
{
	for (unsigned i = 0; i < CAPTURE_CLOCKS; i++) {
		if (!streq(name, clock_names[i]))
			continue;
		*clock = i;
		return true;
	}
	return false;
}

/* The links inside hosts, as "HOST/LINK". */
static void label_links(const struct host *host, struct names *labels)
{
	for (size_t i = 0; i < host->n_links + host->n_virtuals; i++) {
		const char *name = i < host->n_links
					   ? host->links[i].name
					   : host->virtuals[i - host->n_links].name;
		_cleanup_free_ char *label = xasprintf("%s/%s", host->name, name);

		names_add(labels, label, host->at, NULL);
	}
}

/* Returns the label, borrowed from @labels; NULL, and reported, where there is no such link. */
static const char *read_label(struct reader *reader, const char *text, struct location at,
			      const struct names *labels)
{
	const struct name *label = names_find(labels, text);
	_cleanup_free_ char *near = NULL;

	if (label)
		return label->text;
	near = names_suggest(labels, text);
	report_add(reader->reports, at, "no host has the link '%s'%s", text, near);
	return NULL;
}

static const char *read_captured_link(struct reader *reader, const struct node *node,
				      const struct names *labels)
{
	const char *text = read_text(reader, "link", node);

	if (text && strchr(text, '/'))
		return read_label(reader, text, node->at, labels);
	return text ? read_known(reader, "link", node, &reader->links) : NULL;
}

static void read_captured(struct reader *reader, const struct node *node,
			  const struct names *labels, struct names *seen, size_t *n)
{
	const char *link = read_captured_link(reader, node, labels);
	const struct name *earlier = link ? names_add(seen, link, node->at, NULL) : NULL;

	if (earlier)
		report_add(reader->reports, node->at,
			   "link '%s' is captured twice; first in line %u", link,
			   earlier->at.line);
	else if (link)
		reader->topology->capture[(*n)++] = xstrdup(link);
}

static void read_links(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	_cleanup_(names_deinit) struct names seen = {0}, labels = {0};
	struct topology *topology = into;
	size_t n = 0;

	if (!is_list(reader, what, node) || !node->n_items)
		return;
	for (size_t i = 0; i < topology->n_hosts; i++)
		label_links(&topology->hosts[i], &labels);
	topology->capture = xcalloc(node->n_items + 1, sizeof(char *));
	for (size_t i = 0; i < node->n_items; i++)
		read_captured(reader, node->items[i], &labels, &seen, &n);
}

static const char *clock_word(unsigned clock)
{
	return capture_clock_name(clock);
}

static void read_clock(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	unsigned clock = CAPTURE_CLOCK_LAB;

	read_one_of(reader, what, node, clock_word, CAPTURE_CLOCKS, &clock);
	*(enum capture_clock *)into = clock;
}

static const struct field capture_fields[] = {
	{"links", read_links, true, 0},
	{"clock", read_clock, false, offsetof(struct topology, capture_clock)},
	{"console", read_switch, false, offsetof(struct topology, capture_console)},
	{NULL},
};

void read_capture(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	const struct node *links = node_value(node, "links");

	if (node->kind != NODE_MAPPING) {
		read_links(reader, what, node, into);
		return;
	}
	read_mapping(reader, "a capture", node, capture_fields, into);
	if (links && !links->n_items && links->kind != NODE_SCALAR)
		report_add(reader->reports, links->at, "links: there is none in it");
}
