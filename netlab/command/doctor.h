/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts that `netlab doctor` looks at. */
#ifndef NETLAB_COMMAND_DOCTOR_H
#define NETLAB_COMMAND_DOCTOR_H

#include "util/error.h"

enum verdict {
	VERDICT_OK,
	VERDICT_WARN, /* a lab runs, but slower, or without something */
	VERDICT_FAIL, /* no lab runs */
};

struct finding {
	enum verdict verdict;
	char *found; /* one line; owned */
	char *hint;  /* what to do; NULL where nothing needs to be done; owned */
};

/** finding() - what was found, in printf's way; @hint may be NULL. */
struct finding finding(enum verdict verdict, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** finding_of_error() - @error's text as found and its hint, or else @hint; frees @error. */
struct finding finding_of_error(enum verdict verdict, struct error *error,
				const char *hint);

/* doctor-host.c: what the machine and its kernel allow. */
struct finding look_at_network_namespaces(void);
struct finding look_at_user_namespaces(void);
struct finding look_at_tun(void);
struct finding look_at_links(void);
struct finding look_at_kvm(void);
struct finding look_at_cache_space(void);
struct finding look_at_runtime_space(void);
struct finding look_at_memory(void);

/* doctor-programs.c: what is installed, and built. */
struct finding look_at_qemu(void);
struct finding look_at_gdb(void);
struct finding look_at_busybox(void);
struct finding look_at_disks(void);
struct finding look_at_kernel_source(void);
struct finding look_at_kernel(void);
struct finding look_at_image(void);

#endif
