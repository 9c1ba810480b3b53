// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab doctor: what this machine can do, and what to do about what it can't. */
#include "command/doctor.h"

#include <jansson.h>
#include <stdio.h>

#include "command/command.h"
#include "util/lines.h"
#include "util/string.h"

static const struct {
	const char *name;
	struct finding (*look)(void);
} facts[] = {
	{"network namespaces", look_at_network_namespaces},
	{"user namespaces", look_at_user_namespaces},
	{"/dev/net/tun", look_at_tun},
	{"links", look_at_links},
	{"KVM", look_at_kvm},
	{"QEMU", look_at_qemu},
	{"gdb", look_at_gdb},
	{"kernel", look_at_kernel},
	{"kernel source", look_at_kernel_source},
	{"image", look_at_image},
	{"busybox", look_at_busybox},
	{"disks", look_at_disks},
	{"cache folder", look_at_cache_space},
	{"runtime folder", look_at_runtime_space},
	{"memory", look_at_memory},
};

struct finding finding(enum verdict verdict, const char *hint, const char *format, ...)
{
	struct finding result = {.verdict = verdict, .hint = xstrdup(hint)};
	va_list args;

	va_start(args, format);
	result.found = xvasprintf(format, args);
	va_end(args);
	return result;
}

struct finding finding_of_error(enum verdict verdict, struct error *error,
				const char *hint)
{
	_cleanup_error_ struct error *owned = error;
	_cleanup_free_ char *own_hint = steal_ptr(owned->hint), *text = error_text(owned);

	return finding(verdict, own_hint ?: hint, "%s", text);
}

static const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OK:
		return "ok";
	case VERDICT_WARN:
		return "warn";
	case VERDICT_FAIL:
		return "fail";
	}
	return "fail";
}

static void print_line(const char *name, const struct finding *finding)
{
	printf("%-5s %-19s %s%s%s\n", verdict_name(finding->verdict), name,
	       finding->found, finding->hint ? "; " : "", finding->hint ?: "");
	fflush(stdout);
}

static void add_object(json_t *list, const char *name, const struct finding *finding)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:s, s:s?}", "name", name, "verdict",
					verdict_name(finding->verdict), "found",
					finding->found, "hint", finding->hint));
}

/* Looks at each fact; prints it as a line, or adds it to @list where that is given. */
static bool look_at_all(json_t *list)
{
	bool usable = true;

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		struct finding finding = facts[i].look();

		if (list)
			add_object(list, facts[i].name, &finding);
		else
			print_line(facts[i].name, &finding);
		usable = usable && finding.verdict != VERDICT_FAIL;
		free(finding.found);
		free(finding.hint);
	}
	return usable;
}

static void print_json(json_t *list, bool usable)
{
	_cleanup_json_ json_t *report =
		json_pack("{s:b, s:O}", "usable", usable, "facts", list);
	_cleanup_free_ char *text = json_dumps(report, JSON_INDENT(2));

	printf("%s\n", text ?: "{}");
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_json_ json_t *list = NULL;
	bool json = false, usable;
	const struct option_spec specs[] = {
		{OPTION_FLAG, "json", 0, NULL, "for programs to read", &json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc)
		return misuse(verb, "unexpected '%s'", argv[0]);
	if (json)
		list = json_array();
	usable = look_at_all(list);
	if (json)
		print_json(list, usable);
	return usable ? EXIT_DONE : EXIT_FAILED;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.usage = "[--json]",
	.summary = "What this machine can do, and what to do about what it can't.",
	.details =
		"A line for each fact: 'ok', 'warn' (labs run, but slower, or without\n"
		"something) or 'fail' (no lab runs), what was found, and what to do.\n"
		"Exit status 0 where a lab can run, else 1.",
	.run = run,
};
