/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can this machine run a guest with KVM? /dev/kvm that exists is not a KVM that works. */
#ifndef NETLAB_VM_KVM_H
#define NETLAB_VM_KVM_H

#include "util/error.h"

/**
 * kvm_check() - open /dev/kvm, ask its version, look at the CPU's flags (vmx, svm), and run a
 * few instructions of a real-mode guest in it; takes two seconds at the most
 * Where the environment has NETLAB_ASSUME_KVM=1, nothing is tried and all is well.
 *
 * Return: NULL where KVM is usable; else the reason, with a hint what to do about it. An
 * ordinary kernel may hang even so: the supervisor falls back to TCG when a guest with KVM
 * doesn't speak in time.
 */
must_use struct error *kvm_check(void);

/** kvm_check_device() - kvm_check()'s first part: is @path a KVM that we may use? */
must_use struct error *kvm_check_device(const char *path);

/** kvm_check_cpu() - the second: does the text of /proc/cpuinfo show what KVM needs? Pure. */
must_use struct error *kvm_check_cpu(const char *cpuinfo);

/** kvm_check_guest() - the third: run a few instructions in a guest of the KVM at @path. */
must_use struct error *kvm_check_guest(const char *path);

#endif
