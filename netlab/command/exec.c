// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "command/command.h"
#include "command/node.h"
#include "lab/protocol.h"
#include "util/file.h"
#include "util/namespace.h"
#include "util/string.h"

#define INPUT_SIZE   16384
#define INPUT_WINDOW (256u << 10) /* bytes sent before the guest says that it has room */

/* What of standard input goes to the guest's command. */
struct input {
	struct client *client;
	sd_event_source *source;
	size_t sent; /* since the guest last had room */
	bool ended;
};

static void on_room(struct input *input)
{
	input->sent = 0;
	if (!input->ended)
		sd_event_source_set_enabled(input->source, SD_EVENT_ON);
}

static void on_event(const json_t *event, void *userdata)
{
	int stream = json_integer_value(json_object_get(event, "stream"));
	_cleanup_free_ void *data = NULL;
	size_t size;

	if (streq(status_text(event, "event"), "room"))
		return on_room(userdata);
	if (base64_decode(json_object_get(event, "data"), &data, &size))
		return;
	error_ignore(write_all(stream == 2 ? STDERR_FILENO : STDOUT_FILENO, data, size));
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct input *input = userdata;
	char data[INPUT_SIZE];
	ssize_t n = read(fd, data, sizeof(data));
	json_t *message = json_pack("{s:s}", "request", "input");

	(void)events;
	if (n > 0)
		json_object_set_new(message, "data", base64_encode(data, n));
	input->sent += n > 0 ? n : 0;
	input->ended = n <= 0;
	if (input->ended || input->sent >= INPUT_WINDOW)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	error_ignore(client_send(input->client, message));
	return 0;
}

/* A regular file can't be polled for: it is always readable. */
static int on_file_input(sd_event_source *source, void *userdata)
{
	return on_input(source, STDIN_FILENO, EPOLLIN, userdata);
}

static struct error *listen_to_input(struct input *input)
{
	sd_event *event = client_event(input->client);
	int r = sd_event_add_io(event, &input->source, STDIN_FILENO, EPOLLIN, on_input,
				input);

	if (r == -EPERM) {
		r = sd_event_add_defer(event, &input->source, on_file_input, input);
		if (r >= 0)
			r = sd_event_source_set_enabled(input->source, SD_EVENT_ON);
	}
	return r < 0 ? error_errno(-r, "standard input") : NULL;
}

static json_t *exec_request(const char *guest, char **command)
{
	return json_pack("{s:s, s:s, s:o}", "request", "exec", "guest", guest, "argv",
			 strv_to_json(command));
}

static struct error *exec_in_guest(struct client *client, const char *guest,
				   char **command, int *status)
{
	_cleanup_json_ json_t *result = NULL;
	struct input input = {.client = client};
	struct error *error;

	try(warn_if_halted(client, guest));
	try(listen_to_input(&input));
	error = client_call(client, exec_request(guest, command), on_event, &input,
			    &result);
	sd_event_source_disable_unref(input.source);
	*status = json_integer_value(json_object_get(result, "status"));
	return error;
}

/* In the lab's namespaces, in place of this process. */
static struct error *exec_on_host_side(const json_t *status, const char *namespace,
				       char **command)
{
	_cleanup_free_ char *path = xstrdup(namespace);
	sigset_t none;

	try(namespace_join(json_integer_value(json_object_get(status, "pid"))));
	try(namespace_join_net(path));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	return error_errno(errno, "%s: can't be started", command[0]);
}

static struct error *exec_in_node(const struct node *node, char **command, int *status)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *lab = NULL;
	const char *namespace;

	try(client_connect(&client, node->lab));
	try(lab_status(client, &lab));
	namespace = status_namespace(lab, node->name);
	if (namespace)
		return exec_on_host_side(lab, namespace, command);
	return exec_in_guest(client, node->name, command, status);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const struct option_spec specs[] = {{0}};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	if (argc < 2)
		return misuse(verb, "a NODE and a COMMAND are wanted");
	node_parse(argv[0], &node);
	error = exec_in_node(&node, argv + 1, &status);
	return error ? fail(error) : status;
}

const struct verb verb_exec = {
	.name = "exec",
	.usage = "[LAB/]NODE -- COMMAND...",
	.summary = "Run a command in a guest, a host, or the lab's host side (NODE "
		   "\"host\").",
	.details =
		"Standard input and output are the command's, and so is the exit status\n"
		"(128 + N where signal N ended it).",
	.run = run,
};
