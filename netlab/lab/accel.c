// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/accel.h"

#include <assert.h>
#include <errno.h>

#include "util/log.h"
#include "util/string.h"
#include "vm/kvm.h"

static const char *const choice_names[] = {
	[ACCEL_CHOICE_AUTO] = "auto",
	[ACCEL_CHOICE_KVM] = "kvm",
	[ACCEL_CHOICE_TCG] = "tcg",
};
static_assert(ARRAY_SIZE(choice_names) == ACCEL_CHOICE_TCG + 1,
	      "one name for each choice");

struct error *accel_choice_parse(const char *text, enum accel_choice *choice)
{
	for (size_t i = 0; i < ARRAY_SIZE(choice_names); i++) {
		if (streq(text, choice_names[i])) {
			*choice = i;
			return NULL;
		}
	}
	return error_new(EINVAL, "'%s' is no accelerator; it is auto, kvm or tcg", text);
}

struct error *accel_choose(enum accel_choice choice, enum accel *accel)
{
	struct error *reason;

	*accel = ACCEL_TCG;
	if (choice == ACCEL_CHOICE_TCG)
		return NULL;
	reason = kvm_check();
	if (!reason) {
		*accel = ACCEL_KVM;
		return NULL;
	}
	if (choice == ACCEL_CHOICE_KVM)
		return error_prefix(reason, "--accel kvm");
	log_warning("no KVM (%s): guests run under TCG, some ten times slower",
		    reason->message);
	error_free(reason);
	return NULL;
}
