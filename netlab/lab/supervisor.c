// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "image/cache.h"
#include "lab/control.h"
#include "lab/protocol.h"
#include "lab/rundir.h"
#include "util/log.h"
#include "util/namespace.h"
#include "util/process.h"
#include "util/string.h"

struct supervisor {
	const struct lab_options *options;
	struct rundir rundir;
	sd_event *event;
	struct control *control;
	struct lab *lab;
	struct cache_holds holds; /* on what the guests are made of */
	bool telling;             /* on_log() is at work */
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
};

/* The lab's log file has taken the place of standard error: see isolate(). */
#define LOG_FD 2

/* The owner hears what is logged as well, but not that it can't be told. */
static void on_log(enum log_level level, const char *line, void *userdata)
{
	struct supervisor *supervisor = userdata;

	dprintf(LOG_FD, "%s: %s\n", level_names[level], line);
	if (!supervisor->control || supervisor->telling)
		return;
	supervisor->telling = true;
	control_tell_owner(supervisor->control,
			   json_pack("{s:s, s:s, s:s}", "event", "log", "level",
				     level_names[level], "line", line));
	supervisor->telling = false;
}

static void tell_failure(struct supervisor *supervisor, const struct error *error)
{
	_cleanup_free_ char *text = error_text(error);

	log_debug("failed: %s", text);
	control_tell_failure(supervisor->control, error);
}

static void on_lab_changed(struct lab *lab, enum lab_state state, const struct error *why,
			   void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)lab;
	log_debug("the lab is %s", lab_state_name(state));
	switch (state) {
	case LAB_STARTING:
		break;
	case LAB_UP:
		control_tell_owner(supervisor->control,
				   json_pack("{s:s}", "event", "ready"));
		break;
	case LAB_STOPPING:
		if (why)
			tell_failure(supervisor, why);
		break;
	case LAB_STOPPED:
		if (why)
			tell_failure(supervisor, why);
		sd_event_exit(supervisor->event, 0);
		break;
	}
}

static void on_lab_drained(struct lab *lab, void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)lab;
	control_resume(supervisor->control);
}

static void on_lab_halted(struct lab *lab, void *userdata)
{
	struct supervisor *supervisor = userdata;

	control_hold(supervisor->control, lab_is_halted(lab));
}

static void on_lab_panicked(struct lab *lab, const struct error *how, void *userdata)
{
	struct supervisor *supervisor = userdata;

	(void)lab;
	control_tell_owner(supervisor->control, error_event("panicked", how));
}

static const struct lab_handlers lab_handlers = {
	.changed = on_lab_changed,
	.panicked = on_lab_panicked,
	.drained = on_lab_drained,
	.halted = on_lab_halted,
};

static void on_owner_gone(void *userdata)
{
	struct supervisor *supervisor = userdata;

	if (supervisor->lab)
		lab_stop(supervisor->lab);
	else
		sd_event_exit(supervisor->event, 0);
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info,
			void *userdata)
{
	(void)source, (void)info;
	on_owner_gone(userdata);
	return 0;
}

static struct error *listen_to_signals(sd_event *event, struct supervisor *supervisor)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	r = sd_event_add_signal(event, NULL, SIGTERM, on_terminate, supervisor);
	return r < 0 ? error_errno(-r, "signals can't be listened to") : NULL;
}

static struct error *prepare(struct supervisor *supervisor, int owner)
{
	_cleanup_close_ int fd = owner;
	int r = sd_event_new(&supervisor->event);

	if (r < 0)
		return error_errno(-r, "event loop");
	try(listen_to_signals(supervisor->event, supervisor));
	try(rundir_create(supervisor->options->name, &supervisor->rundir));
	return control_new(&supervisor->control, supervisor->event,
			   supervisor->rundir.path, steal_fd(fd), on_owner_gone,
			   supervisor);
}

static struct error *explain(struct error *error)
{
	if (!error || error->code != EMFILE)
		return error;
	return error_hint(error, "a lab of this size has more files open than the hard "
				 "limit allows; raise it (ulimit -Hn)");
}

static struct error *hold_cache(struct supervisor *supervisor)
{
	const struct lab_options *options = supervisor->options;

	for (size_t i = 0; i < options->topology->n_guests; i++)
		try(cache_hold_guest(&supervisor->holds, options->kernels[i],
				     &options->images[i]));
	return NULL;
}

static struct error *hold_lab(struct supervisor *supervisor)
{
	int r;

	try(hold_cache(supervisor));
	if (supervisor->options->topology->netns == NETNS_LAB)
		try(namespace_enter_new());
	try(explain(lab_new(&supervisor->lab, supervisor->event, supervisor->options,
			    supervisor->rundir.path, &lab_handlers, supervisor)));
	control_set_lab(supervisor->control, supervisor->lab);
	r = sd_event_loop(supervisor->event);
	return r < 0 ? error_errno(-r, "the event loop failed") : NULL;
}

/* Before there is a control connection, the owner is told over the bare socket. */
static void tell_bare(int fd, const struct error *error)
{
	_cleanup_json_ json_t *event = error_event("failed", error);
	_cleanup_free_ char *line = json_line(event);

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		log_debug("the owner is gone");
}

static void tear_down(struct supervisor *supervisor)
{
	if (supervisor->control)
		control_set_lab(supervisor->control, NULL);
	lab_free(steal_ptr(supervisor->lab));
	rundir_remove(&supervisor->rundir);
	log_set_handler(NULL, NULL);
	control_free(steal_ptr(supervisor->control));
	sd_event_unref(supervisor->event);
	cache_holds_deinit(&supervisor->holds);
}

static int supervise(const struct lab_options *options, int owner)
{
	struct supervisor supervisor = {.options = options, .rundir = RUNDIR_INVALID};
	_cleanup_error_ struct error *error = NULL;
	_cleanup_close_ int spare = fcntl(owner, F_DUPFD_CLOEXEC, 3);

	log_set_handler(on_log, &supervisor);
	umask(0077);
	file_limit_raise();
	error = prepare(&supervisor, owner);
	if (error)
		tell_bare(spare, error);
	close_fd(&spare);
	if (!error) {
		error = hold_lab(&supervisor);
		if (error)
			tell_failure(&supervisor, error);
	}
	tear_down(&supervisor);
	return error ? 1 : 0;
}

/* A session of its own, nothing of the terminal's, and no descriptor but the owner's. */
static struct error *isolate(const char *log_path, int *owner)
{
	int log =
		open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (log < 0 || null < 0)
		return error_errno(errno, "%s", log < 0 ? log_path : "/dev/null");
	if (setsid() < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(log, LOG_FD) < 0 || (*owner != 3 && dup3(*owner, 3, O_CLOEXEC) < 0) ||
	    close_range(4, ~0u, 0) < 0)
		return error_errno(errno, "the supervisor can't be set apart");
	*owner = 3;
	return NULL;
}

static void child_main(const struct lab_options *options, int owner)
{
	_cleanup_free_ char *log_path = xasprintf("%s/netlab.log", options->output);
	_cleanup_error_ struct error *error = NULL;

	prctl(PR_SET_NAME, "netlab-lab");
	/* ^C comes here too until there is a session: it is for the verb, which ends us. */
	signal(SIGINT, SIG_IGN);
	error = isolate(log_path, &owner);
	if (!error)
		_exit(supervise(options, owner));
	tell_bare(owner, error);
	_exit(1);
}

struct error *supervisor_start(const struct lab_options *options, int *owner, pid_t *pid)
{
	_cleanup_close_ int near = -1, far = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(errno, "socketpair");
	near = pair[0];
	far = pair[1];
	*pid = fork();
	if (*pid < 0)
		return error_errno(errno, "fork");
	if (*pid == 0)
		child_main(options, far);
	*owner = steal_fd(near);
	return NULL;
}
