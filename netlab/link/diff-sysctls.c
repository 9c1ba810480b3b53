// SPDX-License-Identifier: GPL-2.0-or-later
/* Switches of namespaces. */
#include "link/diff.h"
#include "util/string.h"

static const struct planned_node *old_node(const struct diff *diff, const char *name)
{
	for (size_t i = 0; diff->old && i < diff->old->n_nodes; i++)
		if (i == PLAN_LAB_NODE ? !name
				       : name && streq(diff->old->nodes[i].name, name))
			return &diff->old->nodes[i];
	return NULL;
}

/* Where a sysctl says something of forwarding, that counts. */
static bool has_a_word_on_forwarding(char *const *sysctls)
{
	strv_foreach (setting, sysctls)
		if (strstr(*setting, "forward"))
			return true;
	return false;
}

/* Off is what a new namespace has, and what no one asked for is left alone. */
static void diff_forward(struct diff *diff, size_t n, const struct observed_node *seen)
{
	const struct planned_node *planned = &diff->build->plan->nodes[n];
	const struct planned_node *old = old_node(diff, diff_node_name(diff, n));
	struct change *change;

	if (planned->forward == seen->forward ||
	    has_a_word_on_forwarding(planned->sysctls))
		return;
	if (!planned->forward && !(old && old->forward))
		return;
	change = diff_add(diff, CHANGE_SET, CHANGE_FORWARD, planned->name, CHANGE_NO_JOB);
	change->before = xstrdup(seen->forward ? "on" : "off");
	change->after = xstrdup(planned->forward ? "on" : "off");
}

static bool has_value(const char *setting, const char *value)
{
	const char *wanted = strchr(setting, '=');

	return streq(value, "?") || (wanted && streq(wanted + 1, value));
}

static void diff_sysctl(struct diff *diff, size_t node, const char *setting,
			const char *value)
{
	const char *name = diff_node_name(diff, node);
	bool known = value && *value;
	struct change *change;

	if (value && has_value(setting, value))
		return;
	change = diff_add(diff, known ? CHANGE_SET : CHANGE_ADD, CHANGE_SYSCTL, name,
			  CHANGE_NO_JOB);
	change->after = xstrdup(setting);
	if (known)
		change->before =
			xasprintf("%.*s=%s", (int)strcspn(setting, "="), setting, value);
}

static const char *find_setting(char *const *settings, const char *like)
{
	size_t length = strcspn(like, "=");

	strv_foreach (setting, settings)
		if (strcspn(*setting, "=") == length && !strncmp(*setting, like, length))
			return *setting;
	return NULL;
}

/* What netlab set, and no one asks for any more, goes back to what it was. */
static void restore_sysctls(struct diff *diff, size_t n)
{
	const struct node *node = diff->build->links->nodes[n];
	const struct planned_node *old = old_node(diff, node->name);
	struct change *change;

	strv_foreach (original, node->originals) {
		const char *before = find_setting(old ? old->sysctls : NULL, *original);

		if (find_setting(diff->build->plan->nodes[n].sysctls, *original))
			continue;
		change = diff_add(diff, CHANGE_SET, CHANGE_SYSCTL, node->name,
				  CHANGE_NO_JOB);
		change->before = xstrdup(before ?: "set");
		change->after = xstrdup(*original);
		change->restores = true;
	}
}

static void set_sysctls(struct diff *diff, size_t n, const struct observed_node *seen)
{
	char *const *values = seen ? seen->sysctls : NULL;

	strv_foreach (setting, diff->build->plan->nodes[n].sysctls) {
		diff_sysctl(diff, n, *setting, values ? *values : NULL);
		values += values != NULL;
	}
}

void diff_sysctls(struct diff *diff)
{
	for (size_t n = 0; n < diff->build->plan->n_nodes; n++) {
		if (diff->nodes[n])
			diff_forward(diff, n, diff->nodes[n]);
		restore_sysctls(diff, n);
		set_sysctls(diff, n, diff->nodes[n]);
	}
}
