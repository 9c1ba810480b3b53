// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab clean: clear the cache of what was not used for long. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "command/command.h"
#include "image/cache.h"
#include "util/lines.h"
#include "util/string.h"

#define DAY          (24 * 60 * 60)
#define DAYS_DEFAULT 30
#define DAYS_MAX     36500

struct clean {
	const char *days;
	bool dry_run, json;
	bool kinds[CACHE_KINDS];
	time_t before; /* what was used since then is kept */
	bool failed;
	json_t *array;                     /* of --json */
	unsigned n_gone, n_kept, n_in_use; /* entries; those in use are kept, too */
	uint64_t gone, kept;               /* bytes */
};

/* "1.2 GiB" */
static char *size_text(uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double size = bytes / 1024.0;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	return xasprintf("%.*f %s", unit > 0 && size < 10 ? 1 : 0, size, units[unit]);
}

static void tell(const struct clean *clean, enum cache_kind kind,
		 const struct cache_entry *entry, const char *verdict)
{
	_cleanup_free_ char *size = size_text(entry->size);
	const char *base = strrchr(entry->path, '/') + 1;
	_cleanup_free_ char *name = printable(base, strlen(base));
	char date[sizeof("2026-11-21")], stamp[sizeof("2026-11-21T03:05:00Z")];
	struct tm tm;

	gmtime_r(&entry->used, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (clean->json)
		json_array_append_new(clean->array,
				      json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind",
						cache_kind_name(kind), "name", name,
						"size", (json_int_t)entry->size, "used",
						stamp, "verdict", verdict));
	else
		printf("%10s  %s  %-8s %s/%s\n", size, date, verdict,
		       cache_kind_name(kind), name);
}

static void count_kept(struct clean *clean, const struct cache_entry *entry)
{
	clean->n_kept++;
	clean->n_in_use += entry->in_use;
	clean->kept += entry->size;
}

/* Someone may have begun to use it since it was listed. */
static const char *remove_entry(struct clean *clean, enum cache_kind kind,
				struct cache_entry *entry)
{
	_cleanup_error_ struct error *error =
		clean->dry_run ? NULL : cache_remove(kind, entry->path);

	if (!error) {
		clean->n_gone++;
		clean->gone += entry->size;
		return clean->dry_run ? "to go" : "removed";
	}
	entry->in_use = error->code == EBUSY;
	count_kept(clean, entry);
	if (entry->in_use)
		return "in use";
	clean->failed = true;
	fail(steal_ptr(error));
	return "kept";
}

static void clean_entry(struct clean *clean, enum cache_kind kind,
			struct cache_entry *entry)
{
	if (!entry->in_use && entry->used <= clean->before) {
		tell(clean, kind, entry, remove_entry(clean, kind, entry));
		return;
	}
	count_kept(clean, entry);
	tell(clean, kind, entry, entry->in_use ? "in use" : "kept");
}

static struct error *clean_kind(struct clean *clean, enum cache_kind kind)
{
	struct cache_entry *entries;
	size_t n;

	try(cache_list(kind, &entries, &n));
	for (size_t i = 0; i < n; i++)
		clean_entry(clean, kind, &entries[i]);
	cache_entries_free(entries, n);
	return NULL;
}

static void print_sum(const struct clean *clean)
{
	_cleanup_free_ char *gone = size_text(clean->gone);
	_cleanup_free_ char *kept = size_text(clean->kept);

	if (!clean->n_gone && !clean->n_kept) {
		printf("there is nothing in the cache\n");
		return;
	}
	printf("%s %u, %s; kept %u, %s", clean->dry_run ? "to go" : "removed",
	       clean->n_gone, gone, clean->n_kept, kept);
	if (clean->n_in_use)
		printf("; %u in use", clean->n_in_use);
	putchar('\n');
}

static struct error *clean_all(struct clean *clean)
{
	for (enum cache_kind kind = 0; kind < CACHE_KINDS; kind++)
		if (clean->kinds[kind])
			try(clean_kind(clean, kind));
	if (clean->json) {
		json_dumpf(clean->array, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_sum(clean);
	}
	return NULL;
}

static bool choose_kind(struct clean *clean, const char *word)
{
	for (enum cache_kind kind = 0; kind < CACHE_KINDS; kind++) {
		if (!streq(word, cache_kind_name(kind)))
			continue;
		return clean->kinds[kind] = true;
	}
	return false;
}

/* Returns the exit status where a word is wrong, else -1. */
static int read_words(const struct verb *verb, struct clean *clean, char *const *words)
{
	unsigned long days = DAYS_DEFAULT;
	char *end = "";

	if (clean->days)
		days = strtoul(clean->days, &end, 10);
	if (*end || days > DAYS_MAX ||
	    (clean->days && (*clean->days < '0' || *clean->days > '9')))
		return misuse(verb, "--unused %s: it is a number of days, 0 to %d",
			      clean->days, DAYS_MAX);
	clean->before = time(NULL) - (time_t)days * DAY;
	for (size_t i = 0; words[i]; i++)
		if (!choose_kind(clean, words[i]))
			return misuse(verb,
				      "'%s' is not kernels, images, modules, sources, "
				      "builds or logs",
				      words[i]);
	for (enum cache_kind kind = 0; !words[0] && kind < CACHE_KINDS; kind++)
		clean->kinds[kind] = true;
	return -1;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_json_ json_t *array = json_array();
	struct clean clean = {.array = array};
	const struct option_spec specs[] = {
		{OPTION_STRING, "unused", 'u', "DAYS",
		 "what was not used for so many days; default: 30", &clean.days},
		{OPTION_FLAG, "dry-run", 'n', NULL, "remove nothing, say what would be",
		 &clean.dry_run},
		{OPTION_FLAG, "json", 0, NULL, "list for programs", &clean.json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	status = read_words(verb, &clean, argv);
	if (status >= 0)
		return status;
	error = clean_all(&clean);
	if (error)
		return fail(error);
	return clean.failed ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_clean = {
	.name = "clean",
	.usage = "[kernels|images|modules|sources|builds|logs]...\n"
		 "                    [--unused DAYS] [--dry-run] [--json]",
	.summary = "Clear the cache of what was not used for long.",
	.details = "Without a word, of every kind. What a lab that is up or a build that "
		   "runs makes\nuse of is kept. A line for each entry shows its size on "
		   "the disk and the day (UTC)\nit was last used: that a guest was "
		   "started with it, or that it was made.",
	.run = run,
};
