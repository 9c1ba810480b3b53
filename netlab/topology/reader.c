// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/reader.h"

#include <inttypes.h>

#include "topology/text.h"
#include "util/string.h"

static const char *kind_of(const struct node *node)
{
	return node->is_null ? "nothing" : node_kind_name(node->kind);
}

static bool is_kind(struct reader *reader, const char *what, const struct node *node,
		    enum node_kind kind)
{
	if (node->is_null || node->kind == kind)
		return true;
	report_add(reader->reports, node->at, "%s: %s is wanted here, not %s", what,
		   node_kind_name(kind), kind_of(node));
	return false;
}

bool is_mapping(struct reader *reader, const char *what, const struct node *node)
{
	return is_kind(reader, what, node, NODE_MAPPING);
}

bool is_list(struct reader *reader, const char *what, const struct node *node)
{
	return is_kind(reader, what, node, NODE_SEQUENCE);
}

const char *read_text(struct reader *reader, const char *what, const struct node *node)
{
	if (node->is_null || node->kind != NODE_SCALAR)
		report_add(reader->reports, node->at, "%s: text is wanted here, not %s",
			   what, kind_of(node));
	else if (strlen(node->text) != node->length)
		report_add(reader->reports, node->at, "%s: there is a NUL in it", what);
	else
		return node->text;
	return NULL;
}

const char *read_line(struct reader *reader, const char *what, const struct node *node)
{
	const char *text = read_text(reader, what, node);

	if (text && *text && !text_has_control(text))
		return text;
	if (text)
		report_add(reader->reports, node->at, "%s: %s", what,
			   *text ? "there is a control character in it" : "it is empty");
	return NULL;
}

void read_file_path(struct reader *reader, const char *what, const struct node *node,
		    void *into)
{
	char **path = into;
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	free(*path);
	*path = *text == '/' ? xstrdup(text)
			     : xasprintf("%s/%s", reader->directory, text);
}

void read_count(struct reader *reader, const char *what, const struct node *node,
		uint64_t min, uint64_t max, unsigned *count)
{
	const char *text = read_text(reader, what, node);
	uint64_t value = *count;
	struct error *error = text ? count_parse(text, min, max, &value) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	*count = value;
}

static bool switch_parse(const char *text, bool *on)
{
	*on = streq(text, "on") || streq(text, "true");
	return *on || streq(text, "off") || streq(text, "false");
}

static bool take_switch(struct reader *reader, const char *what, const struct node *node,
			bool *on)
{
	const char *text = read_text(reader, what, node);

	if (!text || switch_parse(text, on))
		return text != NULL;
	report_add(reader->reports, node->at, "%s: '%s' is neither on nor off", what,
		   text);
	return false;
}

void read_switch(struct reader *reader, const char *what, const struct node *node,
		 void *into)
{
	bool on;

	if (take_switch(reader, what, node, &on))
		*(bool *)into = on;
}

void read_choice(struct reader *reader, const char *what, const struct node *node,
		 void *into)
{
	bool on;

	if (take_switch(reader, what, node, &on))
		*(enum choice *)into = on ? CHOICE_ON : CHOICE_OFF;
}

/* In the largest unit that divides it. */
static char *time_format(uint64_t ns)
{
	if (ns % 1000000000 == 0)
		return xasprintf("%" PRIu64 "s", ns / 1000000000);
	if (ns % 1000000 == 0)
		return xasprintf("%" PRIu64 "ms", ns / 1000000);
	return xasprintf("%" PRIu64 "us", ns / 1000);
}

void read_time(struct reader *reader, const char *what, const struct node *node,
	       uint64_t min, uint64_t max, uint64_t *ns)
{
	const char *text = read_text(reader, what, node);
	_cleanup_free_ char *least = time_format(min), *most = time_format(max);
	uint64_t value = *ns;
	struct error *error = text ? duration_parse(text, &value) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (text && (value < min || value > max))
		report_add(reader->reports, node->at, "%s: %s is not from %s to %s", what,
			   text, least, most);
	else
		*ns = value;
}

void read_one_of(struct reader *reader, const char *what, const struct node *node,
		 const char *(*name)(unsigned value), unsigned n, unsigned *value)
{
	const char *text = read_text(reader, what, node);
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *all = NULL;

	for (unsigned i = 0; text && i < n; i++) {
		if (streq(text, name(i))) {
			*value = i;
			return;
		}
		strv_push(&words, xstrdup(name(i)));
	}
	all = strv_join(words, ", ");
	if (text)
		report_add(reader->reports, node->at, "%s: '%s' is none of: %s", what,
			   text, all);
}

const char *read_name(struct reader *reader, const char *what, const struct node *key,
		      struct names *names, const void *value)
{
	const char *text = read_text(reader, what, key);
	const struct name *earlier = text ? names_add(names, text, key->at, value) : NULL;

	if (!earlier)
		return text;
	report_add(reader->reports, key->at, "%s '%s' is given twice; first in line %u",
		   what, text, earlier->at.line);
	return NULL;
}

const void *read_known(struct reader *reader, const char *what, const struct node *node,
		       const struct names *names)
{
	const char *text = read_text(reader, what, node);
	const struct name *name = text ? names_find(names, text) : NULL;
	_cleanup_free_ char *near = NULL;

	if (name || !text)
		return name ? name->value : NULL;
	near = names_suggest(names, text);
	report_add(reader->reports, node->at, "no %s '%s' is defined%s", what, text,
		   near);
	return NULL;
}

static bool has_text(const struct node *node, const char *text)
{
	return node->kind == NODE_SCALAR && node->length == strlen(text) &&
	       memcmp(node->text, text, node->length) == 0;
}

const struct node *node_value(const struct node *node, const char *key)
{
	const struct node *value = NULL;

	for (size_t i = 0; node->kind == NODE_MAPPING && i + 1 < node->n_items; i += 2)
		if (has_text(node->items[i], key))
			value = node->items[i + 1];
	return value;
}

struct location node_place(const struct node *node, const char *key)
{
	const struct node *value = node_value(node, key);

	return value ? value->at : node->at;
}

static size_t find_field(const struct field *fields, const char *key)
{
	size_t i = 0;

	while (fields[i].key && !streq(fields[i].key, key))
		i++;
	return i;
}

static void report_unknown_key(struct reader *reader, const char *what,
			       const struct node *key, const struct field *fields)
{
	_cleanup_free_ char *near = NULL, *all = NULL;
	char *keys[FIELDS_MAX + 1] = {NULL};

	for (size_t i = 0; fields[i].key; i++)
		keys[i] = (char *)fields[i].key;
	near = suggest(key->text, keys);
	all = strv_join(keys, ", ");
	if (*near)
		report_add(reader->reports, key->at, "unknown key '%s'%s", key->text,
			   near);
	else
		report_add(reader->reports, key->at, "unknown key '%s'; %s has: %s",
			   key->text, what, all);
}

/* Which field's key it is; the end of the table, and reported, where none's. */
static size_t read_key(struct reader *reader, const char *what, const struct node *key,
		       const struct field *fields)
{
	const char *text = read_text(reader, "key", key);
	size_t i = find_field(fields, text ?: "");

	if (text && !fields[i].key)
		report_unknown_key(reader, what, key, fields);
	return i;
}

static void collect_fields(struct reader *reader, const char *what,
			   const struct node *node, const struct field *fields,
			   const struct node **values)
{
	struct location first[FIELDS_MAX];

	for (size_t i = 0; i + 1 < node->n_items; i += 2) {
		const struct node *key = node->items[i];
		size_t field = read_key(reader, what, key, fields);

		if (!fields[field].key)
			continue;
		if (values[field])
			report_add(reader->reports, key->at,
				   "key '%s' is given twice; first in line %u", key->text,
				   first[field].line);
		else
			first[field] = key->at;
		values[field] = node->items[i + 1];
	}
}

void read_mapping(struct reader *reader, const char *what, const struct node *node,
		  const struct field *fields, void *into)
{
	const struct node *values[FIELDS_MAX] = {NULL};

	if (!is_mapping(reader, what, node))
		return;
	collect_fields(reader, what, node, fields, values);
	for (size_t i = 0; fields[i].key; i++) {
		if (values[i])
			fields[i].read(reader, fields[i].key, values[i],
				       (char *)into + fields[i].offset);
		else if (fields[i].required)
			report_add(reader->reports, node->at, "%s needs the key '%s'",
				   what, fields[i].key);
	}
}

/* Link-local addresses mean something on one link only: fe80::1 may be on each. */
static void check_unique(struct reader *reader, const struct node *node, const char *link,
			 const struct address *address)
{
	bool is_local = address->family == AF_INET6 &&
			IN6_IS_ADDR_LINKLOCAL(&address->v6);
	char text[ADDRESS_TEXT_SIZE];
	_cleanup_free_ char *key = xasprintf("%s%%%s", address_format_host(address, text),
					     is_local ? link : "");
	const struct name *earlier = names_add(&reader->addresses, key, node->at, NULL);

	if (earlier)
		report_add(reader->reports, node->at,
			   "address %s is given twice; first in line %u", text,
			   earlier->at.line);
}

static void read_address(struct reader *reader, const struct node *node, const char *link,
			 struct address *address)
{
	const char *text = read_text(reader, "address", node);
	struct error *error = text ? address_parse(text, address) : NULL;

	if (text && !error)
		error = address_check_host(address);
	if (error)
		report_error(reader->reports, node->at, "address", error);
	else if (text && !strchr(text, '/'))
		report_add(reader->reports, node->at,
			   "address: '%s' has no prefix length, as in %s", text,
			   address->family == AF_INET ? "192.168.100.1/24"
						      : "fd00:100::1/64");
	else if (text)
		check_unique(reader, node, link, address);
}

void read_addresses(struct reader *reader, const char *what, const struct node *node,
		    const char *link, struct address **addresses, size_t *n)
{
	if (!is_list(reader, what, node))
		return;
	if (node->n_items > LINK_ADDRESSES_MAX) {
		report_add(reader->reports, node->at, "%s: %zu are more than %d", what,
			   node->n_items, LINK_ADDRESSES_MAX);
		return;
	}
	*n = node->n_items;
	*addresses = xcalloc(*n, sizeof(**addresses));
	for (size_t i = 0; i < *n; i++)
		read_address(reader, node->items[i], link, &(*addresses)[i]);
}

bool read_one_address(struct reader *reader, const char *what, const struct node *node,
		      struct address *address)
{
	const char *text = read_text(reader, what, node);
	struct error *error = text ? address_parse(text, address) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (text && strchr(text, '/'))
		report_add(reader->reports, node->at,
			   "%s: '%s' has a prefix length, and one address is meant", what,
			   text);
	else
		return text != NULL;
	return false;
}

bool take_mac(struct reader *reader, const char *what, const struct node *node,
	      uint8_t mac[6])
{
	const char *text = read_text(reader, what, node);
	struct error *error = text ? mac_parse(text, mac) : NULL;
	const struct name *earlier;
	char canonical[MAC_TEXT_SIZE];

	if (error)
		report_error(reader->reports, node->at, what, error);
	if (error || !text)
		return false;
	mac_format(mac, canonical);
	earlier = names_add(&reader->macs, canonical, node->at, NULL);
	if (earlier)
		report_add(reader->reports, node->at,
			   "MAC address %s is given twice; first in line %u", canonical,
			   earlier->at.line);
	return true;
}
