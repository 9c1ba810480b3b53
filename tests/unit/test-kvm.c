// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "util/string.h"
#include "vm/kvm.h"

static void assert_error(struct error *error, int code, const char *hint)
{
	assert_non_null(error);
	assert_int_equal(error->code, code);
	if (hint)
		assert_non_null(strstr(error->hint, hint));
	else
		assert_null(error->hint);
	error_free(error);
}

static void a_missing_device_wants_its_module(void **state)
{
	(void)state;
	assert_error(kvm_check_device("/dev/no-such-kvm"), ENOENT, "modprobe");
}

static void another_device_is_not_kvm(void **state)
{
	(void)state;
	assert_error(kvm_check_device("/dev/null"), ENOTTY, NULL);
}

static void flags_of_the_cpu(void **state)
{
	(void)state;
	assert_null(kvm_check_cpu("processor\t: 0\nflags\t\t: fpu vmx sse\n"));
	assert_null(kvm_check_cpu("flags\t\t: fpu svm\nbugs\t\t:\n"));
	assert_error(kvm_check_cpu("flags\t\t: fpu vmxnot\n"), 0, "firmware");
	assert_error(kvm_check_cpu("a\nflags\t\t: fpu hypervisor\nvmx flags\t: x vmx \n"),
		     0, "nested");
	assert_error(kvm_check_cpu(""), 0, "firmware");
}

static void no_guest_without_kvm(void **state)
{
	(void)state;
	assert_error(kvm_check_guest("/dev/null"), ENOTTY, "tcg");
	assert_error(kvm_check_guest("/dev/no-such-kvm"), ENOENT, "tcg");
}

/* Whatever this machine can do: the answer comes in time, and a no has its reason. */
static void this_machine_is_judged_in_time(void **state)
{
	struct timespec before, after;
	_cleanup_error_ struct error *error = NULL, *guest = NULL;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	error = kvm_check();
	guest = kvm_check_guest("/dev/kvm");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 10);
	if (error) {
		_cleanup_free_ char *text = error_text(error);

		print_message("# KVM is not usable: %s\n", text);
		assert_non_null(error->message);
	} else {
		assert_null(guest);
	}
	if (guest)
		print_message("# KVM's proof: %s\n", guest->message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_device_wants_its_module),
		cmocka_unit_test(another_device_is_not_kvm),
		cmocka_unit_test(flags_of_the_cpu),
		cmocka_unit_test(no_guest_without_kvm),
		cmocka_unit_test(this_machine_is_judged_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
