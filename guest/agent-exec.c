// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/base64.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct exec execs[EXECS_MAX];

struct exec *exec_find(json_int_t id)
{
	for (size_t i = 0; i < EXECS_MAX; i++)
		if (execs[i].used && execs[i].id == id)
			return &execs[i];
	return NULL;
}

static struct exec *find_free(void)
{
	for (size_t i = 0; i < EXECS_MAX; i++)
		if (!execs[i].used)
			return &execs[i];
	return NULL;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void exec_forget(struct exec *exec)
{
	close_end(&exec->input);
	close_end(&exec->output[0]);
	close_end(&exec->output[1]);
	bytes_free(&exec->pending);
	exec->used = false;
}

/* Three pipes. Our ends don't block, the command's do: O_NONBLOCK is of the end, not of the
 * pipe. Pairs are {read, write}. */
static bool open_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return false;
		if (fcntl(pipes[i][i == 0 ? 1 : 0], F_SETFL, O_NONBLOCK) < 0)
			return false;
	}
	return true;
}

static void close_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++) {
		close_end(&pipes[i][0]);
		close_end(&pipes[i][1]);
	}
}

/* A session of its own, and signals as a program expects them. */
static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF);
}

/* 0 or an errno value: posix_spawnp() tells what execve() said. */
static int spawn(char *const *argv, int pipes[3][2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code;

	set_attributes(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[0][0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[2][1], STDERR_FILENO);
	code = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return code;
}

static void take_ends(struct exec *exec, int pipes[3][2])
{
	exec->input = pipes[0][1];
	exec->output[0] = pipes[1][0];
	exec->output[1] = pipes[2][0];
	pipes[0][1] = pipes[1][0] = pipes[2][0] = -1;
}

void exec_start(struct port *port, json_int_t id, char *const *argv)
{
	struct exec *exec = find_free();
	int pipes[3][2], code;
	pid_t pid = 0;

	if (!exec) {
		port_say_error(port, id, "%d commands run already", EXECS_MAX);
		return;
	}
	code = open_pipes(pipes) ? spawn(argv, pipes, &pid) : errno;
	if (code) {
		port_say_error(port, id, "%s: %s", argv[0], strerror(code));
	} else {
		*exec = (struct exec){.used = true, .id = id, .pid = pid};
		take_ends(exec, pipes);
	}
	close_pipes(pipes);
}

/* A command that doesn't want its input any more (EPIPE) is not told of the rest. */
void exec_write(struct exec *exec)
{
	while (exec->pending.size && exec->input >= 0) {
		ssize_t n = write(exec->input, exec->pending.data, exec->pending.size);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR)
			close_end(&exec->input);
		if (n > 0)
			bytes_consume(&exec->pending, n);
	}
	if (exec->input_ends)
		close_end(&exec->input);
}

void exec_input(struct port *port, struct exec *exec, const void *data, size_t size)
{
	if (!data) {
		exec->input_ends = true;
	} else if (exec->pending.size + size > INPUT_LIMIT) {
		port_say_error(port, exec->id, "does not read its input: killed");
		exec_kill(exec);
		exec_forget(exec);
		return;
	} else if (exec->input >= 0 && !exec->input_ends) {
		bytes_append(&exec->pending, data, size);
	}
	exec_write(exec);
}

static void say_output(struct port *port, const struct exec *exec, int stream,
		       const void *data, size_t size)
{
	char text[BASE64_ENCODE_RAW_LENGTH(OUTPUT_CHUNK) + 1];

	base64_encode_raw(text, size, data);
	text[BASE64_ENCODE_RAW_LENGTH(size)] = '\0';
	port_say(port, json_pack("{s:s, s:I, s:i, s:s}", "event", "output", "id",
				 exec->id, "stream", stream, "data", text));
}

void exec_read(struct port *port, struct exec *exec, int stream)
{
	int *fd = &exec->output[stream - 1];
	char data[OUTPUT_CHUNK];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n > 0)
		say_output(port, exec, stream, data, n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_end(fd);
}

/*
 * What is in the pipe at its end is the command's; what comes later is from a process that it
 * left behind, for which we don't wait.
 */
static void read_rest(struct port *port, struct exec *exec, int stream)
{
	int *fd = &exec->output[stream - 1], left = 0;

	if (*fd < 0 || ioctl(*fd, FIONREAD, &left) < 0)
		return;
	for (; left > 0 && *fd >= 0; left -= OUTPUT_CHUNK)
		exec_read(port, exec, stream);
}

void exec_ended(struct port *port, pid_t pid, int status)
{
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);

	for (size_t i = 0; i < EXECS_MAX; i++) {
		struct exec *exec = &execs[i];

		if (!exec->used || exec->pid != pid)
			continue;
		read_rest(port, exec, 1);
		read_rest(port, exec, 2);
		port_say(port, json_pack("{s:s, s:I, s:i}", "event", "exit", "id",
					 exec->id, "status", code));
		exec_forget(exec);
		return;
	}
}

void exec_kill(const struct exec *exec)
{
	kill(-exec->pid, SIGKILL);
}

void exec_kill_all(void)
{
	for (size_t i = 0; i < EXECS_MAX; i++) {
		if (!execs[i].used)
			continue;
		exec_kill(&execs[i]);
		exec_forget(&execs[i]);
	}
}
