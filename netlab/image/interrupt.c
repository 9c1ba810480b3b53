// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/interrupt.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/* A signal that is ignored (nohup) stays ignored: blocked, a signalfd would report it. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

struct error *interrupt_begin(struct interrupt *interrupt)
{
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!is_ignored(signals[i]))
			sigaddset(&ours, signals[i]);
	interrupt->fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interrupt->fd < 0)
		return error_errno(errno, "signalfd");
	sigprocmask(SIG_BLOCK, &ours, &interrupt->before);
	return NULL;
}

struct error *interrupt_check(struct interrupt *interrupt)
{
	struct signalfd_siginfo signal;

	if (read(interrupt->fd, &signal, sizeof(signal)) != sizeof(signal))
		return NULL;
	return error_new(EINTR, "interrupted by SIG%s",
			 sigabbrev_np(signal.ssi_signo) ?: "?");
}

void interrupt_end(struct interrupt *interrupt)
{
	if (interrupt->fd < 0)
		return;
	sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
	close_fd(&interrupt->fd);
}
