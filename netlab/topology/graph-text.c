// SPDX-License-Identifier: GPL-2.0-or-later
/* What is written on a graph's boxes and lines. */
#include "topology/graph-text.h"

#include "util/string.h"

void out_format(struct buffer *out, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	buffer_append(out, text, strlen(text));
}

void label_init(struct graph_label *label, const char *name)
{
	label->name = printable(name, GRAPH_TEXT_MAX);
}

void label_deinit(struct graph_label *label)
{
	for (size_t i = 0; i < label->n_lines; i++)
		free(label->lines[i].text);
	free(label->lines);
	free(label->name);
}

void label_add(struct graph_label *label, enum graph_tone tone, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	if (!*text)
		return;
	grow(label->lines, label->n_lines);
	label->lines[label->n_lines++] =
		(struct graph_line){tone, printable(text, GRAPH_TEXT_MAX)};
}

const char *get_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static json_int_t get_count(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void label_add_addresses(struct graph_label *label, const json_t *addresses)
{
	json_t *address;
	size_t i;

	json_array_foreach (addresses, i, address)
		label_add(label, TONE_ADDRESS, "%s", json_string_value(address) ?: "");
}

/* --- settings ---------------------------------------------------------------------------- */

/* "10,20,30"; "" where there are none. */
static char *joined_ids(const json_t *ids)
{
	_cleanup_strv_ char **words = NULL;
	json_t *id;
	size_t i;

	json_array_foreach (ids, i, id)
		strv_pushf(&words, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	return strv_join(words, ",");
}

static void add_vlans(struct graph_label *label, const json_t *vlans)
{
	_cleanup_free_ char *untagged = joined_ids(json_object_get(vlans, "untagged"));
	_cleanup_free_ char *tagged = joined_ids(json_object_get(vlans, "tagged"));
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *line = NULL;

	if (get_count(vlans, "pvid"))
		strv_pushf(&words, "pvid %" JSON_INTEGER_FORMAT,
			   get_count(vlans, "pvid"));
	if (*untagged)
		strv_pushf(&words, "untagged %s", untagged);
	if (*tagged)
		strv_pushf(&words, "tagged %s", tagged);
	line = strv_join(words, ", ");
	label_add(label, TONE_PLAIN, "%s", line);
}

static char *duration_text(json_int_t ns)
{
	if (ns % 1000000 == 0)
		return xasprintf("%" JSON_INTEGER_FORMAT " ms", ns / 1000000);
	return xasprintf("%.6g ms", ns / 1e6);
}

static char *rate_text(json_int_t bits)
{
	if (bits >= 1000000)
		return xasprintf("%.4g Mbit/s", bits / 1e6);
	return xasprintf("%.4g kbit/s", bits / 1e3);
}

static void add_delay(struct graph_label *label, const char *what, const json_t *impair)
{
	_cleanup_free_ char *delay = duration_text(get_count(impair, "delay_ns"));
	_cleanup_free_ char *jitter = duration_text(get_count(impair, "jitter_ns"));

	if (get_count(impair, "delay_ns"))
		label_add(label, TONE_IMPAIR, "%s: delay %s", what, delay);
	if (get_count(impair, "jitter_ns"))
		label_add(label, TONE_IMPAIR, "%s: jitter %s", what, jitter);
}

/* A line for each, so that a box does not become wide. */
static void add_impairment(struct graph_label *label, const char *what,
			   const json_t *impair)
{
	static const char *const percents[] = {"loss", "duplicate", "corrupt", "reorder"};
	_cleanup_free_ char *rate = rate_text(get_count(impair, "rate"));

	add_delay(label, what, impair);
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		const json_t *percent = json_object_get(impair, percents[i]);

		if (json_is_number(percent))
			label_add(label, TONE_IMPAIR, "%s: %s %.4g %%", what, percents[i],
				  json_number_value(percent));
	}
	if (get_count(impair, "rate"))
		label_add(label, TONE_IMPAIR, "%s: at most %s", what, rate);
}

void label_add_settings(struct graph_label *label, const json_t *link)
{
	label_add(label, TONE_PLAIN, "%s", get_text(link, "mac"));
	if (get_count(link, "mtu"))
		label_add(label, TONE_PLAIN, "MTU %" JSON_INTEGER_FORMAT,
			  get_count(link, "mtu"));
	if (json_is_true(json_object_get(link, "stp")))
		label_add(label, TONE_PLAIN, "STP");
	if (json_is_true(json_object_get(link, "vlan_filtering")))
		label_add(label, TONE_PLAIN, "VLAN filtering");
	add_vlans(label, json_object_get(link, "vlans"));
	add_impairment(label, "out", json_object_get(link, "impair"));
	add_impairment(label, "in", json_object_get(link, "impair_in"));
}

static void add_vxlan(struct graph_label *label, const json_t *vxlan)
{
	label_add(label, TONE_PLAIN, "VXLAN %" JSON_INTEGER_FORMAT,
		  get_count(vxlan, "id"));
	if (*get_text(vxlan, "remote"))
		label_add(label, TONE_ADDRESS, "to %s", get_text(vxlan, "remote"));
}

void label_add_kind(struct graph_label *label, const json_t *link)
{
	if (json_is_object(json_object_get(link, "vxlan")))
		add_vxlan(label, json_object_get(link, "vxlan"));
	else if (json_is_integer(json_object_get(link, "vlan")))
		label_add(label, TONE_PLAIN, "VLAN %" JSON_INTEGER_FORMAT,
			  get_count(link, "vlan"));
	else if (json_is_string(json_object_get(link, "macvlan")))
		label_add(label, TONE_PLAIN, "macvlan %s", get_text(link, "macvlan"));
	else
		label_add(label, TONE_PLAIN, "%s", get_text(link, "kind"));
	if (*get_text(link, "owner"))
		label_add(label, TONE_PLAIN, "for %s", get_text(link, "owner"));
}

/* --- what a lab that runs knows ---------------------------------------------------------- */

/* "1234 B", "12.3 kB", "1.23 GB". */
static char *bytes_text(double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	size_t unit = 0;

	for (; bytes >= 10000 && unit + 1 < ARRAY_SIZE(units); unit++)
		bytes /= 1000;
	return unit ? xasprintf("%.1f %s", bytes, units[unit])
		    : xasprintf("%.0f %s", bytes, units[unit]);
}

static void add_counter(struct graph_label *label, const char *what,
			const json_t *direction)
{
	json_int_t frames = get_count(direction, "frames");
	_cleanup_free_ char *bytes = bytes_text(get_count(direction, "bytes"));

	label_add(label, TONE_COUNTER, "%s %" JSON_INTEGER_FORMAT " frame%s, %s", what,
		  frames, frames == 1 ? "" : "s", bytes);
}

static void add_losses(struct graph_label *label, const json_t *rx, const json_t *tx)
{
	json_int_t dropped = get_count(rx, "dropped") + get_count(tx, "dropped");
	json_int_t errors = get_count(rx, "errors") + get_count(tx, "errors");

	if (dropped)
		label_add(label, TONE_ALARM, "dropped %" JSON_INTEGER_FORMAT, dropped);
	if (errors)
		label_add(label, TONE_ALARM, "errors %" JSON_INTEGER_FORMAT, errors);
}

void label_add_live(struct graph_label *label, const json_t *link, bool outside)
{
	const json_t *live = json_object_get(link, "live");
	const json_t *rx = json_object_get(live, "rx"), *tx = json_object_get(live, "tx");

	if (json_is_null(live))
		label_add(label, TONE_ALARM, "is gone");
	if (!json_is_object(live))
		return;
	if (json_is_false(json_object_get(live, "up")))
		label_add(label, TONE_ALARM, "down");
	else if (json_is_false(json_object_get(live, "carrier")))
		label_add(label, TONE_ALARM, "no carrier");
	add_counter(label, "sent", outside ? rx : tx);
	add_counter(label, "got", outside ? tx : rx);
	add_losses(label, rx, tx);
}
