// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's first process: modules, mounts, network, then the agent, a shell on the console and the
 * command that the kernel's command line names behind " -- ". What is missing is said on the
 * console, and the boot goes on; without its root it doesn't.
 *
 *   netlab.name=NAME               the guest's hostname
 *   netlab.root=host, directory, disk[,ro], initramfs
 *                                  what "/" is: see root.h
 *   netlab.nic=MAC,mtu=BYTES,ADDR/PREFIX,…
 *                                  MTU (may be left out) and addresses of the card with that
 *                                  MAC; one for each card
 *   -- COMMAND ARGUMENT…           started after boot, its end is reported
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "modules.h"
#include "network.h"
#include "root.h"

#define COMMAND_LINE_MAX 8192
#define DESCRIPTORS_MAX \
	(1 << 20)       /* fs.nr_open; a server with many connections needs them */
#define GRACE_SECONDS 2 /* for programs to end by themselves before poweroff */

/* A program that init keeps running. One that never lives long is given up. */
struct service {
	const char *name;
	char *const *argv;
	bool on_terminal; /* gets the console as its controlling terminal */
	pid_t pid;        /* 0: not running */
	struct timespec began;
	unsigned short_lives; /* in a row */
};

#define SHORT_LIFE_SECONDS 2
#define SHORT_LIVES_MAX    5

static struct service agent = {
	.name = "agent",
	.argv = (char *[]){"/usr/lib/netlab/agent", NULL},
};
static struct service shell = {
	.name = "shell",
	.argv = (char *[]){"-sh", NULL}, /* the dash makes it a login shell */
	.on_terminal = true,
};
static const char *shell_path = "/bin/sh";
static struct root root;
static char command_line[COMMAND_LINE_MAX];
static pid_t command_pid;
static const char *command_name;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One write: lines of several programs meet on this console. */
	dprintf(STDOUT_FILENO, "netlab: %s\n", line);
}

/* On paths below the working directory, which is the root or becomes it. */
static void mount_all(void)
{
	static const struct {
		const char *type, *on, *options;
		unsigned long flags;
		bool may_be_missing; /* a kernel that people configured themselves */
		bool not_on_shared;
	} mounts[] = {
		{"proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false, false},
		{"sysfs", "sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false, false},
		{"devtmpfs", "dev", "mode=755", MS_NOSUID, false, false},
		{"devpts", "dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC,
		 true, false},
		{"tmpfs", "dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, false, false},
		/* What the folder has there may be what the guest is for: a build. */
		{"tmpfs", "tmp", "mode=1777", MS_NOSUID | MS_NODEV, false, true},
		{"tmpfs", "run", "mode=755", MS_NOSUID | MS_NODEV, false, false},
		{"debugfs", "sys/kernel/debug", NULL, 0, true, false},
		{"tracefs", "sys/kernel/tracing", NULL, 0, true, false},
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		if (root.kind == ROOT_SHARED && mounts[i].not_on_shared)
			continue;
		mkdir(mounts[i].on, 0755);
		if (mount(mounts[i].type, mounts[i].on, mounts[i].type, mounts[i].flags,
			  mounts[i].options) == 0)
			continue;
		if (!mounts[i].may_be_missing || (errno != ENODEV && errno != ENOENT))
			say("/%s can't be mounted: %s", mounts[i].on, strerror(errno));
	}
}

static void take_word(int netlink, char *word)
{
	static const char name[] = "netlab.name=", nic[] = "netlab.nic=";

	if (netlink >= 0 && strncmp(word, nic, strlen(nic)) == 0)
		network_configure(netlink, word + strlen(nic), say);
	if (strncmp(word, name, strlen(name)) != 0)
		return;
	if (sethostname(word + strlen(name), strlen(word + strlen(name))) < 0)
		say("hostname: %s", strerror(errno));
}

/* Words as the kernel's next_arg() counts them: a space within double quotes is part of one. */
static int count_words(const char *text)
{
	bool quoted = false, inside = false;
	int n = 0;

	for (; text && *text && *text != '\n'; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (*text == ' ' && !quoted) {
			inside = false;
		} else if (!inside) {
			inside = true;
			n++;
		}
	}
	return n;
}

/* Before all else: it says where everything is mounted. */
static void read_command_line(void)
{
	ssize_t n = -1;
	int fd;

	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) == 0) {
		fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
		n = read(fd, command_line, sizeof(command_line) - 1);
		close(fd);
	}
	if (n < 0)
		say("/proc/cmdline: %s", strerror(errno));
	umount("/proc");
}

/* What the kernel's part of the command line says behind @name: a new string, or NULL. */
static char *find_value(const char *name)
{
	const char *end = strstr(command_line, " -- "), *at = command_line;

	while ((at = strstr(at, name)) && at != command_line && at[-1] != ' ')
		at++;
	if (!at || (end && at > end))
		return NULL;
	at += strlen(name);
	return strndup(at, strcspn(at, " \n"));
}

/* Returns how many words stand behind " -- ": the command that the kernel gave us in argv. */
static int take_command_line(int netlink)
{
	char *rest = command_line, *word;

	while ((word = strsep(&rest, " \n")) && strcmp(word, "--") != 0)
		take_word(netlink, word);
	return count_words(rest);
}

static int begin_network(void)
{
	int netlink = network_begin();

	if (netlink < 0)
		say("no network: %s", strerror(errno));
	return netlink;
}

/*
 * Process 1 that ends is a panic: the guest shall not come up as another one than was asked
 * for. What it said must have left the UART by then.
 */
static _Noreturn void give_up(const char *what)
{
	say("the root can't be mounted: %s: %s%s", what, strerror(errno),
	    errno == ENODEV || errno == ENOENT
		    ? "; this kernel lacks it, the flavour roots has it"
		    : "");
	tcdrain(STDOUT_FILENO);
	exit(EXIT_FAILURE);
}

/* What runs in the guest is root, with a home of its own where the root has none, or one that
 * the user who runs netlab may not read. */
static void have_home(void)
{
	int fd;

	mkdir("root", 0700);
	fd = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && mount("tmpfs", "root", "tmpfs", MS_NOSUID, "mode=700") < 0)
		say("/root: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void enter_mounted_root(void)
{
	static char *argv[] = {ROOT_INITRAMFS "/usr/lib/netlab/agent", NULL};
	const char *failed = root_prepare(&root);

	if (failed)
		give_up(failed);
	mount_all();
	have_home();
	if (!root_switch())
		give_up("switching to it");
	agent.argv = argv;
	files_place(ROOT_INITRAMFS ROOT_OVERLAY "/files", "", say);
	if (root.read_only && !root_seal(&root))
		say("the root can still be written to: %s", strerror(errno));
}

static void enter_initramfs(void)
{
	static char *argv[] = {ROOT_OVERLAY "/agent", NULL};

	mount_all();
	if (root.kind == ROOT_GIVEN) {
		have_home();
		agent.argv = argv;
	}
	files_place(ROOT_OVERLAY "/files", "", say);
}

/* Modules are loaded first: one may be the driver of what the root is on. */
static void enter_root(void)
{
	char *value = find_value("netlab.root=");

	root = root_of(value);
	free(value);
	if (root.kind == ROOT_GIVEN) {
		/* What modprobe needs, and an initramfs may not have. */
		mkdir("/proc", 0555);
		mkdir("/sys", 0555);
		mkdir("/lib", 0755);
		mkdir("/lib/modules", 0755);
		files_place(ROOT_OVERLAY "/files/lib/modules", "/lib/modules", say);
	}
	modules_load(say);
	if (root_is_mounted(&root))
		enter_mounted_root();
	else
		enter_initramfs();
}

/* bash where there is one: what a user of a distribution finds at a login. */
static void choose_shell(void)
{
	static char *bash[] = {"-bash", NULL}; /* called "sh", it would be one */

	if (root_is_mounted(&root) && access("/bin/bash", X_OK) == 0) {
		shell_path = "/bin/bash";
		shell.argv = bash;
	} else if (root.kind == ROOT_GIVEN && access(shell_path, X_OK) < 0) {
		shell_path = ROOT_OVERLAY "/sh";
	}
}

/* Ours stand last: the root's own programs are what the guest is for. */
static const char *search_path(void)
{
	static const char usual[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/"
				    "sbin:/bin:" ROOT_INITRAMFS "/bin:" ROOT_OVERLAY;

	return root.kind == ROOT_IMAGE ? "/bin:/sbin:/usr/bin:/usr/sbin" : usual;
}

static void set_environment(void)
{
	struct rlimit descriptors = {DESCRIPTORS_MAX, DESCRIPTORS_MAX};

	clearenv();
	setenv("PATH", search_path(), 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 1);
	setenv("PS1", "\\h:\\w\\$ ", 1);
	/* A guest with little memory takes less: then the kernel's limit stays. */
	setrlimit(RLIMIT_NOFILE, &descriptors);
	if (chdir("/root") < 0)
		say("/root: %s", strerror(errno));
}

/*
 * Each program leads a session; only the shell's has a terminal, so that ^C is for the shell,
 * and what is typed is not for the others.
 */
static void child_begin(bool on_terminal)
{
	sigset_t none;
	int input;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	input = open(on_terminal ? "/dev/console" : "/dev/null", O_RDWR | O_CLOEXEC);
	if (input < 0)
		return;
	dup2(input, STDIN_FILENO);
	if (on_terminal)
		ioctl(input, TIOCSCTTY, 1);
}

static pid_t start(const char *program, char *const *argv, bool on_terminal)
{
	pid_t pid = fork();

	if (pid < 0)
		say("fork: %s", strerror(errno));
	if (pid != 0)
		return pid > 0 ? pid : 0;
	child_begin(on_terminal);
	execvp(program, argv);
	say("%s: %s", program, strerror(errno));
	_exit(127);
}

static void service_start(struct service *service)
{
	const char *program = service->on_terminal ? shell_path : service->argv[0];

	clock_gettime(CLOCK_MONOTONIC, &service->began);
	service->pid = start(program, service->argv, service->on_terminal);
}

static void service_ended(struct service *service)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	service->pid = 0;
	if (now.tv_sec - service->began.tv_sec >= SHORT_LIFE_SECONDS)
		service->short_lives = 0;
	else
		service->short_lives++;
	if (service->short_lives < SHORT_LIVES_MAX)
		service_start(service);
	else
		say("the %s ended at once, %d times: it is not started again",
		    service->name, SHORT_LIVES_MAX);
}

static void start_command(char **argv)
{
	command_name = argv[0];
	command_pid = start(command_name, argv, false);
}

static void say_status(const char *name, int status)
{
	if (WIFSIGNALED(status))
		say("%s: killed by SIG%s", name, sigabbrev_np(WTERMSIG(status)) ?: "?");
	else
		say("%s: exit status %d", name, WEXITSTATUS(status));
}

/* Everything that lost its parent becomes ours: most of it is nobody we know. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == agent.pid) {
			say_status(agent.name, status);
			service_ended(&agent);
		} else if (pid == shell.pid) {
			service_ended(&shell);
		} else if (pid == command_pid) {
			say_status(command_name, status);
			command_pid = 0;
		}
	}
}

/* Until no child is left, or the time is over. SIGCHLD is blocked: it waits for us. */
static void wait_for_all(void)
{
	struct timespec now, deadline, left = {0};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += GRACE_SECONDS;
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = deadline.tv_sec - now.tv_sec;
		if (waitpid(-1, NULL, WNOHANG) < 0 || left.tv_sec <= 0)
			return;
		sigtimedwait(&child, NULL, &left);
	}
}

/* An interactive shell heeds SIGHUP alone, a stopped program none before SIGCONT. */
static _Noreturn void end_machine(int how)
{
	kill(-1, SIGTERM);
	kill(-1, SIGHUP);
	kill(-1, SIGCONT);
	wait_for_all();
	kill(-1, SIGKILL);
	sync();
	root_seal(&root);
	reboot(how);
	say("the machine can't be switched off: %s", strerror(errno));
	for (;;)
		pause();
}

/* busybox's poweroff, halt and reboot send these to process 1, and so does the agent. */
static void take_signal(int number)
{
	if (number == SIGCHLD)
		reap();
	if (number == SIGUSR1 || number == SIGUSR2)
		end_machine(RB_POWER_OFF);
	if (number == SIGTERM)
		end_machine(RB_AUTOBOOT);
}

/* Blocked from here on, and taken one by one in main(): no handler, no race. */
static void block_signals(sigset_t *ours)
{
	sigemptyset(ours);
	sigaddset(ours, SIGCHLD);
	sigaddset(ours, SIGTERM);
	sigaddset(ours, SIGUSR1);
	sigaddset(ours, SIGUSR2);
	sigprocmask(SIG_BLOCK, ours, NULL);
	/* ^Alt-Del is a signal to us, too, and not an end without sync. */
	reboot(RB_DISABLE_CAD);
}

static void say_boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	say("booted in %ld.%03ld s", (long)now.tv_sec, now.tv_nsec / 1000000);
}

int main(int argc, char **argv)
{
	sigset_t ours;
	int number, words;

	if (getpid() != 1) {
		fprintf(stderr, "init: is for the kernel to start, as process 1\n");
		return 2;
	}
	block_signals(&ours);
	read_command_line();
	enter_root();
	if (!modules_report())
		say(MODULES_FAILED ": %s", strerror(errno));
	words = take_command_line(begin_network());
	set_environment();
	choose_shell();
	service_start(&agent);
	/* Before them the kernel puts words of its command line that it doesn't know. */
	if (words > 0 && words < argc)
		start_command(argv + argc - words);
	say_boot_time();
	service_start(&shell);
	for (;;)
		if (sigwait(&ours, &number) == 0)
			take_signal(number);
}
