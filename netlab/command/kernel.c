// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab kernel build|config|list|path */
#include "image/kernel.h"

#include <jansson.h>
#include <stdio.h>

#include "command/command.h"
#include "image/buildlog.h"
#include "image/fragment.h"
#include "image/kconfig.h"
#include "util/lines.h"
#include "util/string.h"

struct choice {
	struct kernel_options kernel;
	const char *jobs;
	const char *other;    /* flavour that `config` compares with */
	const char *optimize; /* words between commas */
	char **words;         /* of @optimize */
	bool json;
};

static void choice_deinit(struct choice *choice)
{
	strv_free(choice->words);
}

/* At commas. */
static char **split(const char *text)
{
	char **words = NULL;

	for (; text && *text; text += *text == ',') {
		size_t length = strcspn(text, ",");

		strv_push(&words, xstrndup(text, length));
		text += length;
	}
	return words;
}

static int show_path(const struct verb *verb, struct choice *choice)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error *error = kernel_find(&choice->kernel, &kernel);

	(void)verb;
	if (error)
		return fail(error);
	printf("%s\n", kernel->vmlinux);
	return EXIT_DONE;
}

/* "compiled 1282 files: init/main, ..." */
static char *files_text(const struct kernel *kernel)
{
	_cleanup_free_ char *names = strv_join(kernel->files, ", ");
	size_t n = strv_length(kernel->files);

	if (!n)
		return xstrdup("nothing to compile");
	if (n >= BUILDLOG_FILES_MAX)
		return xasprintf("compiled %u files: %s, ...", kernel->compiled, names);
	return xasprintf("compiled %zu file%s: %s", n, n == 1 ? "" : "s", names);
}

struct error *kernel_build_and_tell(const struct kernel_options *options,
				    struct kernel **kernel)
{
	struct error *error = kernel_build(options, progress_show, NULL, kernel);
	_cleanup_free_ char *text = NULL;

	progress_end();
	if (error || !(*kernel)->was_built)
		return error;
	text = files_text(*kernel);
	fprintf(stderr, "netlab: %s kernel, %s: %s in %u s\n", (*kernel)->flavour,
		(*kernel)->version, text, (*kernel)->seconds);
	return NULL;
}

static int build(const struct verb *verb, struct choice *choice)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error *error = kernel_build_and_tell(&choice->kernel, &kernel);

	(void)verb;
	if (error)
		return fail(error);
	printf("%s\n", kernel->directory);
	return EXIT_DONE;
}

static json_t *kernel_json(const struct kernel *k)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s, s:i}",
		"flavour", k->flavour, "version", k->version, "directory", k->directory,
		"vmlinux", k->vmlinux, "bzimage", k->bzimage, "source", k->source,
		"tarball", k->tarball, "compiler", k->compiler, "date", k->date,
		"build_id", k->build_id, "key", k->key, "seconds", (int)k->seconds);
}

static void print_json(struct kernel *const *kernels, size_t n)
{
	_cleanup_json_ json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, kernel_json(kernels[i]));
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
}

static void print_flavours(void)
{
	_cleanup_strv_ char **flavours = fragment_flavours();

	printf("\n%-10s %s\n", "TO BUILD", "WHAT IT IS");
	strv_foreach (flavour, flavours) {
		_cleanup_free_ char *text = NULL, *summary = NULL;

		error_ignore(fragment_read(*flavour, &text));
		summary = text ? fragment_summary(*flavour, text) : NULL;
		printf("%-10s %s\n", *flavour, summary ?: "");
	}
}

static int flavour_width(struct kernel *const *kernels, size_t n)
{
	int width = 10;

	for (size_t i = 0; i < n; i++)
		if ((int)strlen(kernels[i]->flavour) > width)
			width = strlen(kernels[i]->flavour);
	return width;
}

static void print_table(struct kernel *const *kernels, size_t n)
{
	int width = flavour_width(kernels, n);

	if (!n)
		printf("no kernel is built\n");
	else
		printf("%-*s %-12s %-20s %s\n", width, "FLAVOUR", "VERSION", "BUILT",
		       "FOLDER");
	for (size_t i = 0; i < n; i++)
		printf("%-*s %-12s %-20s %s\n", width, kernels[i]->flavour,
		       kernels[i]->version, kernels[i]->date ?: "?",
		       kernels[i]->directory);
	print_flavours();
}

static int list(const struct verb *verb, struct choice *choice)
{
	struct kernel **kernels = NULL;
	struct error *error;
	size_t n = 0;

	if (choice->kernel.flavour)
		return misuse(verb, "list takes no flavour");
	error = kernel_list(&kernels, &n);
	if (error)
		return fail(error);
	if (choice->json)
		print_json(kernels, n);
	else
		print_table(kernels, n);
	for (size_t i = 0; i < n; i++)
		kernel_free(kernels[i]);
	free(kernels);
	return EXIT_DONE;
}

static int show_refused(const struct kernel_config *config)
{
	strv_foreach (line, config->refused)
		fprintf(stderr, "netlab: did not take: %s\n", *line);
	return config->refused ? EXIT_FAILED : EXIT_DONE;
}

static struct error *read_config(const struct choice *choice, const char *flavour,
				 struct kernel_config *config)
{
	struct kernel_options options = choice->kernel;
	struct error *error;

	options.flavour = flavour;
	error = kernel_config(&options, progress_show, NULL, config);
	progress_end();
	return error;
}

static struct error *show_difference(const struct choice *choice,
				     const struct kernel_config *config)
{
	_cleanup_(kernel_config_deinit) struct kernel_config other = {0};
	_cleanup_strv_ char **lines = NULL;

	try(read_config(choice, choice->other, &other));
	lines = kconfig_diff(other.text, config->text);
	strv_foreach (line, lines)
		printf("%s\n", *line);
	return NULL;
}

static int show_config(const struct verb *verb, struct choice *choice)
{
	_cleanup_(kernel_config_deinit) struct kernel_config config = {0};
	struct error *error = read_config(choice, choice->kernel.flavour, &config);

	(void)verb;
	if (!error && choice->other)
		error = show_difference(choice, &config);
	else if (!error)
		fputs(config.text, stdout);
	if (error)
		return fail(error);
	return show_refused(&config);
}

static const struct {
	const char *name;
	int (*run)(const struct verb *verb, struct choice *choice);
} actions[] = {
	{"build", build},
	{"config", show_config},
	{"list", list},
	{"path", show_path},
};

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(choice_deinit) struct choice choice = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "version", 0, "VERSION",
		 "of Debian's linux-source-VERSION; default: 6.1",
		 &choice.kernel.version},
		{OPTION_STRING, "source", 's', "DIR", "of this tree",
		 &choice.kernel.source},
		{OPTION_FLAG, "in-place", 0, NULL,
		 "build that tree as it is configured, in itself",
		 &choice.kernel.in_place},
		{OPTION_STRING, "optimize", 0, "DIR=LEVEL,...",
		 "compile that part of the tree with -O1, -Og, ...", &choice.optimize},
		{OPTION_STRING, "diff", 0, "FLAVOUR",
		 "config: only what is another way than there", &choice.other},
		{OPTION_STRING, "jobs", 'j', "N",
		 "run N compilers (default: one per CPU)", &choice.jobs},
		{OPTION_FLAG, "rebuild", 0, NULL, "build even if it is there",
		 &choice.kernel.rebuild},
		{OPTION_FLAG, "json", 0, NULL, "list for programs", &choice.json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc < 1)
		return misuse(verb, "build, config, list or path?");
	if (argc > 2)
		return misuse(verb, "one flavour at a time");
	if (choice.jobs) {
		choice.kernel.jobs = strtoul(choice.jobs, NULL, 10);
		if (choice.kernel.jobs < 1 || choice.kernel.jobs > 1024)
			return misuse(verb, "--jobs: 1 to 1024");
	}
	if (choice.kernel.version && choice.kernel.source)
		return misuse(verb, "a tree of --source has its own --version");
	if (choice.kernel.in_place && (!choice.kernel.source || argv[1]))
		return misuse(verb, "--in-place goes with --source, and has no flavour");
	choice.kernel.flavour = argv[1];
	choice.words = split(choice.optimize);
	choice.kernel.optimize = choice.words;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (streq(argv[0], actions[i].name))
			return actions[i].run(verb, &choice);
	return misuse(verb, "'%s' is not build, config, list or path", argv[0]);
}

const struct verb verb_kernel = {
	.name = "kernel",
	.usage = "build|config|list|path [FLAVOUR] [--version VERSION]\n"
		 "                     [--source DIR [--in-place]] [--optimize "
		 "DIR=LEVEL,...]\n"
		 "                     [--diff FLAVOUR] [--jobs N] [--rebuild] [--json]",
	.summary = "Build debuggable kernels, and tell where they are.",
	.details = "build  builds it, or finds it built; prints its folder\n"
		   "config prints what its options came to, or would; fails where one "
		   "didn't take\n"
		   "list   every kernel there is, newest first, and the flavours\n"
		   "path   prints its vmlinux; fails where it is not built\n\n"
		   "A flavour is a fragment in guest/kernel/; the default is 'debug'. "
		   "Several go\ntogether: O1+modular. Kernels lie in "
		   "$XDG_CACHE_HOME/netlab/kernels/ (~/.cache).",
	.run = run,
};
