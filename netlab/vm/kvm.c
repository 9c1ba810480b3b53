// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

#define DEVICE "/dev/kvm"

/* A guest of three instructions needs well under a millisecond. */
#define PROOF_TIMEOUT_MS 2000

static struct error *device_error(int code, const char *path)
{
	struct error *error = error_errno(code, "%s", path);

	switch (code) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return error_hint(error, "load KVM's module: modprobe kvm_intel (or "
					 "kvm_amd)");
	case EACCES:
	case EPERM:
		return error_hint(error, "become a member of the group kvm (usermod -aG "
					 "kvm USER) and log in anew");
	default:
		return error;
	}
}

struct error *kvm_check_device(const char *path)
{
	_cleanup_close_ int kvm = open(path, O_RDWR | O_CLOEXEC);
	int version;

	if (kvm < 0)
		return device_error(errno, path);
	version = ioctl(kvm, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return error_errno(errno, "%s doesn't answer as KVM", path);
	if (version != KVM_API_VERSION)
		return error_new(0, "%s speaks KVM's API version %d, not %d", path,
				 version, KVM_API_VERSION);
	return NULL;
}

/* The flags of the first CPU: "flags\t\t: fpu vme …". */
static char *cpu_flags(const char *cpuinfo)
{
	const char *line = string_after(cpuinfo, "flags");
	const char *next = line ? NULL : strstr(cpuinfo, "\nflags");

	if (next)
		line = next + strlen("\nflags");
	return line ? xasprintf("%.*s ", (int)strcspn(line, "\n"), line) : xstrdup("");
}

struct error *kvm_check_cpu(const char *cpuinfo)
{
	_cleanup_free_ char *flags = cpu_flags(cpuinfo);
	struct error *error;

	if (strstr(flags, " vmx ") || strstr(flags, " svm "))
		return NULL;
	error = error_new(0, "the CPU shows neither vmx nor svm");
	if (strstr(flags, " hypervisor "))
		return error_hint(error, "this machine is a guest itself: turn on nested "
					 "virtualisation in its host");
	return error_hint(error, "turn on virtualisation (VT-x, AMD-V) in the firmware");
}

/*
 * The proof: a guest in real mode that writes 'n' to port 0x80 and halts. It runs in a child,
 * which dies if the kernel never comes back from KVM_RUN.
 */

#define GUEST_BASE 0x1000
#define GUEST_PORT 0x80

static const uint8_t guest_code[] = {
	0xb0, 'n',        /* mov $'n', %al */
	0xe6, GUEST_PORT, /* out %al, $0x80 */
	0xf4,             /* hlt */
};

struct guest {
	int vm;
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
};

/* Names the step that failed; the child's end closes what was opened. */
static const char *guest_memory(struct guest *guest)
{
	long page = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_BASE,
		.memory_size = page,
		.userspace_addr = (uintptr_t)memory,
	};

	if (memory == MAP_FAILED)
		return "mmap";
	memcpy(memory, guest_code, sizeof(guest_code));
	if (ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return "KVM_SET_USER_MEMORY_REGION";
	return NULL;
}

static const char *guest_registers(struct guest *guest)
{
	struct kvm_regs registers = {.rip = GUEST_BASE, .rflags = 2};
	struct kvm_sregs segments;

	if (ioctl(guest->vcpu, KVM_GET_SREGS, &segments) < 0)
		return "KVM_GET_SREGS";
	segments.cs.base = 0;
	segments.cs.selector = 0;
	if (ioctl(guest->vcpu, KVM_SET_SREGS, &segments) < 0)
		return "KVM_SET_SREGS";
	if (ioctl(guest->vcpu, KVM_SET_REGS, &registers) < 0)
		return "KVM_SET_REGS";
	return NULL;
}

static const char *guest_create(struct guest *guest, int kvm)
{
	const char *failed;
	int size;

	guest->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (guest->vm < 0)
		return "KVM_CREATE_VM";
	failed = guest_memory(guest);
	if (failed)
		return failed;
	guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
	if (guest->vcpu < 0)
		return "KVM_CREATE_VCPU";
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return "KVM_GET_VCPU_MMAP_SIZE";
	guest->run_size = size;
	guest->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
	if (guest->run == MAP_FAILED)
		return "mmap of the vCPU";
	return guest_registers(guest);
}

/* Did it write what it should to the port that it should? */
static bool is_greeting(const struct guest *guest)
{
	const struct kvm_run *run = guest->run;

	return run->exit_reason == KVM_EXIT_IO && run->io.port == GUEST_PORT &&
	       run->io.direction == KVM_EXIT_IO_OUT &&
	       run->io.data_offset < guest->run_size &&
	       ((const uint8_t *)run)[run->io.data_offset] == 'n';
}

static const char *guest_run(struct guest *guest)
{
	errno = 0;
	if (ioctl(guest->vcpu, KVM_RUN, 0) < 0)
		return "KVM_RUN";
	if (!is_greeting(guest))
		return "the guest's first instructions";
	if (ioctl(guest->vcpu, KVM_RUN, 0) < 0)
		return "KVM_RUN";
	return guest->run->exit_reason == KVM_EXIT_HLT ? NULL : "the guest's halt";
}

struct verdict {
	int code;        /* errno; 0 where the guest did something else than it should */
	char failed[48]; /* what failed; "": nothing */
};

static void prove(const char *path, int report)
{
	struct guest guest = {0};
	struct verdict verdict = {0};
	const char *failed;
	int kvm;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kvm = open(path, O_RDWR | O_CLOEXEC);
	failed = kvm < 0 ? "open" : guest_create(&guest, kvm);
	if (!failed)
		failed = guest_run(&guest);
	verdict.code = errno;
	if (failed)
		strncpy(verdict.failed, failed, sizeof(verdict.failed) - 1);
	_exit(write(report, &verdict, sizeof(verdict)) != sizeof(verdict));
}

static struct error *read_verdict(int report, struct verdict *verdict)
{
	struct pollfd poller = {.fd = report, .events = POLLIN};
	int ready;

	do
		ready = poll(&poller, 1, PROOF_TIMEOUT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return error_new(ETIMEDOUT, "a guest of three instructions hangs in KVM");
	if (read(report, verdict, sizeof(*verdict)) != sizeof(*verdict))
		return error_new(0, "a guest of three instructions kills its program");
	if (!verdict->failed[0])
		return NULL;
	return verdict->code ? error_errno(verdict->code, "KVM: %s", verdict->failed)
			     : error_new(0, "KVM: %s went wrong", verdict->failed);
}

struct error *kvm_check_guest(const char *path)
{
	_cleanup_close_ int reader = -1, writer = -1;
	struct verdict verdict;
	struct error *error;
	pid_t child;

	try(pipe_open(&reader, &writer));
	child = fork();
	if (child < 0)
		return error_errno(errno, "fork");
	if (child == 0)
		prove(path, writer);
	close_fd(&writer);
	error = read_verdict(reader, &verdict);
	process_kill(child);
	return error_hint(error, "run guests with TCG: --accel tcg");
}

static bool is_assumed(void)
{
	const char *value = getenv("NETLAB_ASSUME_KVM");

	return value && streq(value, "1");
}

struct error *kvm_check(void)
{
	_cleanup_free_ char *cpuinfo = NULL;

	if (is_assumed())
		return NULL;
	try(kvm_check_device(DEVICE));
	try(file_read("/proc/cpuinfo", 1 << 24, &cpuinfo, NULL));
	try(kvm_check_cpu(cpuinfo));
	return kvm_check_guest(DEVICE);
}
