// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Has one system call of a netlab fail, for test_failures.py:
 *   fail-call LOG CALL[,CALL...][@PROCESS] NUMBER WHAT COMMAND [ARGUMENT...]
 * runs COMMAND, and counts the named calls of all netlab's processes in it (or of PROCESS: the
 * verb is "netlab", the supervisor "netlab-lab"), from main()'s first step on: it ignores
 * SIGPIPE. WHAT befalls the one of that NUMBER (0: none) is
 *   ENOMEM, EIO, ...    it fails so, without being carried out
 *   SIGKILL, SIGINT ... its process gets that signal, before it is carried out
 *   refuse              a netlink request is cut short: the kernel refuses it, in its own words
 * LOG gets a line for each counted call: "NUMBER PROCESS CALL FAMILY", FAMILY that of the socket.
 *
 * It is a seccomp filter that asks a process beside COMMAND (seccomp_unotify(2)), which ends with
 * the last process of COMMAND's. Nothing is traced, so sanitizers work as ever. Kernel 5.19.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/string.h"

static const struct call {
	const char *name;
	int number;
} calls[] = {
#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}
	CALL(accept4),
	CALL(bind),
	CALL(brk),
	CALL(clone),
	CALL(clone3),
	CALL(close),
	CALL(close_range),
	CALL(connect),
	CALL(dup2),
	CALL(dup3),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(eventfd2),
	CALL(execve),
	CALL(fcntl),
	CALL(flock),
	CALL(getcwd),
	CALL(getdents64),
	CALL(getrandom),
	CALL(getsockname),
	CALL(getsockopt),
	CALL(ioctl),
	CALL(listen),
	CALL(lseek),
	CALL(mkdir),
	CALL(mmap),
	CALL(munmap),
	CALL(newfstatat),
	CALL(open),
	CALL(openat),
	CALL(pidfd_open),
	CALL(pipe2),
	CALL(poll),
	CALL(prctl),
	CALL(read),
	CALL(readlink),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(rename),
	CALL(rmdir),
	CALL(sendmsg),
	CALL(sendto),
	CALL(setns),
	CALL(setsid),
	CALL(setsockopt),
	CALL(shutdown),
	CALL(signalfd4),
	CALL(socket),
	CALL(socketpair),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(umask),
	CALL(unlink),
	CALL(unlinkat),
	CALL(unshare),
	CALL(wait4),
	CALL(waitid),
	CALL(write),
	CALL(writev),
};

/* What the process that asks and the one that answers share. */
struct shared {
	sem_t ready;
	int listener;
};

struct watch {
	int listener;
	FILE *log;
	unsigned long number, counted;
	const char *process; /* NULL: each */
	const char *what;
	bool armed;
};

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static const struct call *find_call(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (streq(calls[i].name, name))
			return &calls[i];
	return NULL;
}

static const char *call_name(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "?";
}

static int find_errno(const char *name)
{
	for (int code = 1; code < 134; code++)
		if (streq(strerrorname_np(code) ?: "", name))
			return code;
	return 0;
}

static int find_signal(const char *name)
{
	const char *brief = string_after(name, "SIG");

	for (int number = 1; brief && number < 32; number++)
		if (streq(sigabbrev_np(number) ?: "", brief))
			return number;
	return 0;
}

/* --- the filter --------------------------------------------------------------------------- */

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ASK                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)
#define ALLOW               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_fprog make_filter(char *names)
{
	static struct sock_filter filter[2 * ARRAY_SIZE(calls) + 8];
	struct sock_filter *at = filter, *rest;
	char *name;

	*at++ = (struct sock_filter)LOAD(nr);
	while ((name = strsep(&names, ","))) {
		const struct call *call = find_call(name);

		if (!call || at > filter + ARRAY_SIZE(filter) - 8) {
			errno = EINVAL;
			die(name);
		}
		*at++ = (struct sock_filter)UNLESS(call->number, 1);
		*at++ = (struct sock_filter)ASK;
	}
	rest = (struct sock_filter[]){UNLESS(SYS_rt_sigaction, 3), LOAD(args[0]),
				      UNLESS(SIGPIPE, 1), ASK, ALLOW};
	memcpy(at, rest, 5 * sizeof(*rest));
	return (struct sock_fprog){.len = at + 5 - filter, .filter = filter};
}

/* --- the process beside the command ------------------------------------------------------- */

static void name_process(pid_t pid, char name[32])
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, name, 31);

	name[n > 0 ? n - 1 : 0] = '\0';
}

/* A copy of the descriptor that is the call's first argument. */
static int take_socket(const struct seccomp_notif *asked)
{
	_cleanup_close_ int process = pidfd_open(asked->pid, 0);

	return process < 0 ? -1 : pidfd_getfd(process, asked->data.args[0], 0);
}

static const char *socket_family(const struct seccomp_notif *asked)
{
	_cleanup_close_ int fd = take_socket(asked);
	int domain = -1;
	socklen_t size = sizeof(domain);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return "-";
	return domain == AF_NETLINK ? "netlink" : domain == AF_UNIX ? "unix" : "other";
}

/* One byte of payload is the least that the kernel looks at (rtnetlink_rcv_msg()). */
static void cut_short(const struct seccomp_notif *asked)
{
	struct msghdr header;
	struct iovec vector;
	uint32_t length = NLMSG_HDRLEN + 1;
	struct iovec here = {&header, sizeof(header)};
	struct iovec there = {(void *)asked->data.args[1], sizeof(header)};

	if (process_vm_readv(asked->pid, &here, 1, &there, 1, 0) != sizeof(header))
		return;
	here = (struct iovec){&vector, sizeof(vector)};
	there = (struct iovec){header.msg_iov, sizeof(vector)};
	if (process_vm_readv(asked->pid, &here, 1, &there, 1, 0) != sizeof(vector))
		return;
	here = (struct iovec){&length, sizeof(length)};
	there = (struct iovec){vector.iov_base, sizeof(length)};
	if (process_vm_writev(asked->pid, &here, 1, &there, 1, 0) < 0)
		perror("process_vm_writev");
}

static void befall(const struct watch *watch, const struct seccomp_notif *asked,
		   struct seccomp_notif_resp *answer)
{
	if (streq(watch->what, "refuse"))
		return cut_short(asked);
	if (find_signal(watch->what)) {
		kill(asked->pid, find_signal(watch->what));
		return;
	}
	answer->flags = 0;
	answer->error = -find_errno(watch->what);
}

static void count(struct watch *watch, const struct seccomp_notif *asked,
		  struct seccomp_notif_resp *answer)
{
	char name[32];

	name_process(asked->pid, name);
	if (!string_after(name, "netlab"))
		return;
	if (asked->data.nr == SYS_rt_sigaction) {
		watch->armed = true;
		return;
	}
	if (!watch->armed || (watch->process && !streq(name, watch->process)))
		return;
	fprintf(watch->log, "%lu %s %s %s\n", ++watch->counted, name,
		call_name(asked->data.nr), socket_family(asked));
	if (watch->counted == watch->number)
		befall(watch, asked, answer);
}

static void answer_one(struct watch *watch)
{
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	if (ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return; /* it was killed before we looked */
	answer.id = asked.id;
	count(watch, &asked, &answer);
	ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* Until the last process with the filter has ended. */
static void answer_all(struct watch *watch)
{
	struct pollfd fd = {.fd = watch->listener, .events = POLLIN};

	while (poll(&fd, 1, -1) > 0 && (fd.revents & POLLIN))
		answer_one(watch);
}

static void stand_by(struct shared *shared, struct watch *watch)
{
	sem_wait(&shared->ready);
	watch->listener = shared->listener;
	/* Whoever waits for the command's output doesn't wait for this process. */
	if (unshare(CLONE_FILES) < 0 || setsid() < 0 || dup2(fileno(watch->log), 0) < 0 ||
	    dup2(fileno(watch->log), 1) < 0 || dup2(fileno(watch->log), 2) < 0)
		_exit(125);
	answer_all(watch);
	fclose(watch->log);
	_exit(0);
}

/* ------------------------------------------------------------------------------------------ */

/* The descriptors are shared until exec(2): so the listener is handed on. */
static void watched_exec(struct shared *shared, char *names, char **argv)
{
	struct sock_fprog filter = make_filter(names);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("prctl");
	shared->listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				   SECCOMP_FILTER_FLAG_NEW_LISTENER |
					   SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
				   &filter);
	if (shared->listener < 0)
		die("seccomp");
	sem_post(&shared->ready);
	execvp(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	struct watch watch = {0};
	struct shared *shared;
	char *names = argc > 2 ? strsep(&argv[2], "@") : NULL;
	long child;

	if (argc < 6 || (strtoul(argv[3], NULL, 10) && !streq(argv[4], "refuse") &&
			 !find_signal(argv[4]) && !find_errno(argv[4]))) {
		fprintf(stderr, "usage: see fail-call.c\n");
		return 125;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	watch.log = fopen(argv[1], "we");
	if (shared == MAP_FAILED || !watch.log || sem_init(&shared->ready, 1, 0) < 0)
		die(argv[1]);
	setlinebuf(watch.log);
	watch.number = strtoul(argv[3], NULL, 10);
	watch.process = argv[2];
	watch.what = argv[4];
	child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (child < 0)
		die("clone");
	if (child == 0)
		stand_by(shared, &watch);
	watched_exec(shared, names, argv + 5);
}
