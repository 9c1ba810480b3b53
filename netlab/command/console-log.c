// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/console-log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define LINE_LIMIT 4096 /* bytes; lab/console.c writes shorter ones */

/* A log that is being printed. */
struct follower {
	const struct console_log_choice *choice;
	int fd;
	struct lines lines;
	bool ended;
	struct error *failure; /* why, where it was no natural end */
};

static void follower_deinit(struct follower *follower)
{
	close_fd(&follower->fd);
	lines_deinit(&follower->lines);
	error_free(follower->failure);
}

/* The third word of "TIME SECONDS LEVEL TEXT". */
static bool is_wanted(const char *line, enum level most)
{
	_cleanup_free_ char *word = NULL;
	enum level level;

	if (most == LEVEL_NONE)
		return true;
	for (int i = 0; i < 2; i++) {
		line += strcspn(line, " ");
		line += *line == ' ';
	}
	word = xstrndup(line, strcspn(line, " "));
	return level_parse(word, &level) && level <= most;
}

static struct error *print_line(const struct follower *follower, const char *line)
{
	_cleanup_free_ char *text = NULL;

	if (!is_wanted(line, follower->choice->most))
		return NULL;
	text = xasprintf("%s\n", line);
	return write_all(STDOUT_FILENO, text, strlen(text));
}

/* What the file has by now. */
static struct error *print_more(struct follower *follower)
{
	char data[16384];
	char *line;
	ssize_t n;

	while ((n = read(follower->fd, data, sizeof(data))) > 0) {
		lines_feed(&follower->lines, data, n);
		do {
			try(lines_next(&follower->lines, &line, NULL));
			if (line)
				try(print_line(follower, line));
		} while (line);
	}
	return n < 0 ? error_errno(errno, "the console's log") : NULL;
}

static int on_more(sd_event_source *source, const struct inotify_event *event,
		   void *userdata)
{
	struct follower *follower = userdata;

	(void)source, (void)event;
	follower->failure = print_more(follower);
	follower->ended = follower->failure != NULL;
	return 0;
}

/* Ctrl-C, the lab's end, and a reader that went away. */
static struct error *natural_end(struct error *error)
{
	if (error &&
	    (error->code == ECANCELED || error->code == ENOTCONN || error->code == EPIPE))
		error_ignore(steal_ptr(error));
	return error;
}

/* The watch is there before the first reading, so that nothing falls between the two. */
static struct error *follow(struct follower *follower, struct client *client,
			    const char *path)
{
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *watch = NULL;
	struct error *error;
	int r = sd_event_add_inotify(client_event(client), &watch, path, IN_MODIFY,
				     on_more, follower);

	if (r < 0)
		return error_errno(-r, "%s", path);
	try(print_more(follower));
	error = client_wait(client, &follower->ended, 0);
	if (follower->failure) {
		error_free(error);
		return steal_ptr(follower->failure);
	}
	if (error && error->code == ENOTCONN)
		try(print_more(follower));
	return error;
}

static struct error *choose_boot(const char *raw, const char *name, unsigned boot,
				 char **path)
{
	*path = boot ? xasprintf("%s.%u.log", raw, boot) : xasprintf("%s.log", raw);
	if (boot && !file_exists(*path))
		return error_new(ENOENT,
				 "%s: there is no log of %u boot%s before the last", name,
				 boot, boot == 1 ? "" : "s");
	return NULL;
}

static struct error *log_path(struct client *client, const char *name, unsigned boot,
			      char **path)
{
	_cleanup_json_ json_t *status = NULL;
	const json_t *guest;

	try(lab_status(client, &status));
	try(status_guest(status, name, &guest));
	return choose_boot(status_text(guest, "console"), name, boot, path);
}

/* Where `up` puts it that was told no other place. @error: that it isn't up. */
static struct error *ended_log_path(const struct node *node, unsigned boot,
				    struct error *error, char **path)
{
	_cleanup_error_ struct error *not_up = error;
	_cleanup_free_ char *folder = NULL, *raw = NULL, *log = NULL;

	if (not_up->code != ENOENT || !node->lab || !lab_name_valid(node->lab) ||
	    strchr(node->name, '/'))
		return steal_ptr(not_up);
	folder = path_state(node->lab);
	raw = xasprintf("%s/%s.console", folder, node->name);
	log = xasprintf("%s.log", raw);
	if (!file_exists(log))
		return error_hint(error_new(ENOENT,
					    "no lab '%s' is up, and there is no %s",
					    node->lab, log),
				  "where it was started with --output, that folder has "
				  "the log");
	return choose_boot(raw, node->name, boot, path);
}

struct error *console_log_print(const struct node *node,
				const struct console_log_choice *choice)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_(follower_deinit) struct follower follower = {.choice = choice,
							       .fd = -1};
	struct error *error;

	lines_init(&follower.lines, LINE_LIMIT);
	error = client_connect(&client, node->lab);
	if (error)
		try(ended_log_path(node, choice->boot, error, &path));
	else
		try(log_path(client, node->name, choice->boot, &path));
	follower.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (follower.fd < 0)
		return error_errno(errno, "%s", path);
	return natural_end(choice->follow && client ? follow(&follower, client, path)
						    : print_more(&follower));
}
