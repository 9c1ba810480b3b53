// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "util/file.h"
#include "util/string.h"

/* As it was before file_limit_raise(). */
static struct rlimit own_files;
static bool files_raised;

void file_limit_raise(void)
{
	struct rlimit limit;

	if (files_raised || getrlimit(RLIMIT_NOFILE, &own_files) < 0)
		return;
	limit = own_files;
	limit.rlim_cur = limit.rlim_max;
	files_raised = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static int redirect(int from, int to, int null)
{
	int source = from >= 0 ? from : null;

	if (source == to)
		return fcntl(to, F_SETFD, 0);
	return dup2(source, to);
}

static int child_descriptors(const struct process_options *options)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || redirect(options->input, 0, null) < 0 ||
	    redirect(options->output, 1, null) < 0 ||
	    redirect(options->errors, 2, null) < 0)
		return -1;
	for (size_t i = 0; i < options->n_inherited; i++)
		if (fcntl(options->inherited[i], F_SETFD, 0) < 0)
			return -1;
	return 0;
}

/* What netlab blocks (for its event loop) or ignores, a program must not inherit. */
static void child_signals(void)
{
	static const int ours[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGQUIT, SIGTSTP};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		signal(ours[i], SIG_DFL);
}

static void child_run(const struct process_options *options, pid_t parent, int report)
{
	if (prctl(PR_SET_PDEATHSIG, options->death_signal ?: SIGKILL) == 0 &&
	    getppid() == parent && child_descriptors(options) == 0 &&
	    (!options->directory || chdir(options->directory) == 0)) {
		if (options->own_group)
			setpgid(0, 0);
		if (!options->keep_terminal_signals)
			child_signals();
		strv_foreach (s, options->environment)
			putenv(*s);
		if (files_raised)
			setrlimit(RLIMIT_NOFILE, &own_files);
		execvp(options->argv[0], options->argv);
	}
	if (write(report, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* The pipe closes at a successful exec; what comes through it is the child's errno. */
static struct error *exec_verdict(const char *name, int report, pid_t pid)
{
	int code;
	ssize_t n;

	do
		n = read(report, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(code))
		return NULL;
	waitpid(pid, NULL, 0);
	return error_errno(code, "%s: can't be started", name);
}

struct error *process_spawn(const struct process_options *options, pid_t *pid)
{
	_cleanup_close_ int reader = -1, writer = -1;
	pid_t parent = getpid(), child;
	struct error *error;

	try(pipe_open(&reader, &writer));
	child = fork();
	if (child < 0)
		return error_errno(errno, "fork");
	if (child == 0)
		child_run(options, parent, writer);
	close_fd(&writer);
	error = exec_verdict(options->argv[0], reader, child);
	if (!error)
		*pid = child;
	return error;
}

struct error *process_wait(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return error_errno(errno, "waitpid");
	return NULL;
}

void process_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

char *process_status_text(int status)
{
	if (WIFSIGNALED(status))
		return xasprintf("killed by SIG%s",
				 sigabbrev_np(WTERMSIG(status)) ?: "?");
	return xasprintf("exit status %d", WEXITSTATUS(status));
}

char *search_path(void)
{
	return xasprintf("%s:/usr/sbin:/sbin", getenv("PATH") ?: "/usr/bin:/bin");
}

char *find_program(const char *name)
{
	_cleanup_free_ char *path = search_path();
	char *rest = path, *directory;

	while ((directory = strsep(&rest, ":"))) {
		_cleanup_free_ char *candidate = xasprintf("%s/%s", directory, name);

		if (access(candidate, X_OK) == 0)
			return steal_ptr(candidate);
	}
	return NULL;
}
