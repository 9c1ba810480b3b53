// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/report.h"

#include <errno.h>
#include <stdarg.h>

#include "topology/text.h"
#include "util/buffer.h"
#include "util/string.h"

#define MESSAGE_MAX 400 /* characters of a message that are shown */
#define EXCERPT_MAX 160 /* characters of a line that are shown */

struct span {
	const char *begin;
	const char *end;
};

/* Line breaks are LF, CR LF and, as for YAML, a CR alone. */
static const char *line_end(const char *begin, const char *end)
{
	while (begin < end && *begin != '\n' && *begin != '\r')
		begin++;
	return begin;
}

/* The line of that number, which counts from 1; empty where there is none. */
static struct span find_line(const char *text, size_t size, unsigned number)
{
	const char *end = text + size;

	while (--number && text < end) {
		text = line_end(text, end);
		if (text < end && *text++ == '\r' && text < end && *text == '\n')
			text++;
	}
	return (struct span){text, line_end(text, end)};
}

static const char *next_character(const char *at, const char *end, uint32_t *code)
{
	return at + (utf8_decode(at, end - at, code) ?: 1);
}

static size_t count_characters(const char *at, const char *end)
{
	size_t n = 0;

	for (uint32_t code; at < end; n++)
		at = next_character(at, end, &code);
	return n;
}

static const char *skip_characters(const char *at, const char *end, size_t n)
{
	for (uint32_t code; n && at < end; n--)
		at = next_character(at, end, &code);
	return at;
}

/* A line whose control characters but tabs are question marks: it goes to a terminal. */
static void append_line(struct buffer *out, struct span line)
{
	while (line.begin < line.end) {
		uint32_t code = 0; /* what isn't UTF-8 stays this control character */
		const char *next = next_character(line.begin, line.end, &code);

		if (code == '\t' || !is_control(code))
			buffer_append(out, line.begin, next - line.begin);
		else
			buffer_append(out, "?", 1);
		line.begin = next;
	}
}

/* Tabs stay tabs, so that the caret stands where it should. */
static void append_blanks(struct buffer *out, const char *at, const char *end)
{
	for (uint32_t code; at < end;) {
		buffer_append(out, *at == '\t' ? "\t" : " ", 1);
		at = next_character(at, end, &code);
	}
}

static void append_caret(struct buffer *out, struct span before, bool cut)
{
	buffer_append(out, "   ", cut ? 3 : 0);
	append_blanks(out, before.begin, before.end);
	buffer_append(out, "^", 2);
}

/* The line and the caret line. Of a long line, what stands around the column. */
static char *excerpt(struct span line, unsigned column)
{
	_cleanup_buffer_ struct buffer out = {0};
	size_t length = count_characters(line.begin, line.end);
	size_t skipped = 0;
	struct span shown;

	if (column > length + 1)
		column = length + 1;
	if (length > EXCERPT_MAX && column > EXCERPT_MAX / 2)
		skipped = column - EXCERPT_MAX / 2;
	shown.begin = skip_characters(line.begin, line.end, skipped);
	shown.end = skip_characters(shown.begin, line.end, EXCERPT_MAX);
	buffer_append(&out, "...", skipped ? 3 : 0);
	append_line(&out, shown);
	buffer_append(&out, "...", shown.end < line.end ? 3 : 0);
	buffer_append(&out, "\n", 1);
	shown.end = skip_characters(shown.begin, shown.end, column - 1 - skipped);
	append_caret(&out, shown, skipped > 0);
	return (char *)steal_ptr(out.data);
}

static char *excerpt_at(const struct reports *reports, struct location at)
{
	struct span line;

	if (at.set || !at.line || !at.column || !reports->text)
		return NULL;
	line = find_line(reports->text, reports->size, at.line);
	return line.begin < line.end ? excerpt(line, at.column) : NULL;
}

static void push(struct reports *reports, struct location at, const char *message)
{
	struct report *report;

	grow(reports->list, reports->n);
	report = &reports->list[reports->n++];
	report->at = at;
	report->message = text_visible(message, MESSAGE_MAX);
	report->excerpt = excerpt_at(reports, at);
	report->order = reports->n;
}

void report_add(struct reports *reports, struct location at, const char *format, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;

	reports->code = reports->code ?: EINVAL;
	if (reports->found++ >= REPORTS_MAX)
		return;
	va_start(args, format);
	message = xvasprintf(format, args);
	va_end(args);
	push(reports, at, message);
}

void report_error(struct reports *reports, struct location at, const char *what,
		  struct error *error)
{
	_cleanup_error_ struct error *owned = error;
	_cleanup_free_ char *text = error_text(owned);

	report_add(reports, at, "%s: %s", what, text);
}

static int report_compare(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void reports_sort(struct reports *reports)
{
	if (reports->n)
		qsort(reports->list, reports->n, sizeof(*reports->list), report_compare);
	if (reports->found > reports->n)
		push(reports, (struct location){0}, "there are more problems than these");
	reports->found = reports->n;
}

/* "--set server.cpus=99", cut where it is long. */
static char *setting_place(const struct reports *reports, unsigned set)
{
	_cleanup_free_ char *shown =
		text_visible(reports->settings[set - 1], EXCERPT_MAX);

	return xasprintf("--set %s", shown);
}

char *report_text(const struct reports *reports, const struct report *report)
{
	_cleanup_free_ char *place = NULL;

	if (report->at.set)
		place = setting_place(reports, report->at.set);
	else if (report->at.line)
		place = xasprintf("%s:%u:%u", reports->file, report->at.line,
				  report->at.column);
	return xasprintf("%s: %s%s%s", place ?: reports->file, report->message,
			 report->excerpt ? "\n" : "", report->excerpt ?: "");
}

struct error *reports_error(const struct reports *reports)
{
	_cleanup_strv_ char **texts = NULL;
	_cleanup_free_ char *joined = NULL;

	if (!reports->n)
		return NULL;
	for (size_t i = 0; i < reports->n; i++)
		strv_push(&texts, report_text(reports, &reports->list[i]));
	joined = strv_join(texts, "\n");
	return error_new(reports->code, "%s", joined);
}

void reports_deinit(struct reports *reports)
{
	for (size_t i = 0; i < reports->n; i++) {
		free(reports->list[i].message);
		free(reports->list[i].excerpt);
	}
	free(reports->list);
	*reports = (struct reports){0};
}
