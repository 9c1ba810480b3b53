// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/lockstep.h"

#include <stdlib.h>

#include "util/string.h"

#define SKEWS_KEPT   256
#define LEAD_IGNORED 100000 /* ns: less than what a command takes */

/*
 * RUNNING: as far as QEMU has told.
 * STOPPING: it was told to stop. QEMU's STOP moves it to STOPPED; an answer without a STOP means
 *	that it stood still then, and that what lets it run is still on its way: STARTING.
 * STOPPED: QEMU holds it. The lab's going on moves it to DUE or STARTING.
 * DUE: it will be told to run a little later than the others. That moves it to STARTING.
 * STARTING: it was told to run. QEMU's RESUME moves it to RUNNING.
 */
enum member_state {
	MEMBER_RUNNING,
	MEMBER_STOPPING,
	MEMBER_STOPPED,
	MEMBER_DUE,
	MEMBER_STARTING,
};

struct lockstep_member {
	struct lockstep *lockstep;
	void *guest;
	const char *name;
	enum member_state state;
	unsigned holds; /* enum lockstep_hold */
	bool frozen;    /* it has not run yet: it holds nobody */
	unsigned stops; /* commands to stop that QEMU hasn't answered yet */
	bool stepping;  /* runs for one instruction, while the lab stands still */
	uint64_t due;   /* of DUE, and until when a step may take */
	uint64_t since; /* it runs since then, where it does */
	int64_t ran;    /* ns, up to its last stop */
	struct lockstep_member *next;
};

struct lockstep {
	bool enabled;
	bool halted;
	bool going;     /* members were told to run, none has said yet that it does */
	bool measuring; /* members are being stopped: the halt's skew isn't known yet */
	uint64_t since; /* it runs, or stands still, since then */
	int64_t ran;    /* ns, up to the last halt: the lab's clock */
	uint64_t halts;
	uint64_t halted_ns; /* of halts that have ended */
	uint64_t skew; /* of the last halt: the last guest's stop after the first's */
	uint64_t worst_skew;
	uint64_t skews[SKEWS_KEPT]; /* of the last halts, a ring */
	struct lockstep_member *members;
	const struct lockstep_handlers *handlers;
	void *userdata;
};

static uint64_t now_of(const struct lockstep *lockstep)
{
	return lockstep->handlers->now(lockstep->userdata);
}

static bool is_holding(const struct lockstep_member *member)
{
	return member->holds && !member->frozen;
}

static bool any_holding(const struct lockstep *lockstep)
{
	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		if (is_holding(m))
			return true;
	return false;
}

/* --- one member ----------------------------------------------------------------------- */

static void stop_member(struct lockstep_member *member)
{
	struct lockstep *lockstep = member->lockstep;

	member->state = MEMBER_STOPPING;
	member->stops++;
	lockstep->handlers->stop(member->guest, lockstep->userdata);
}

static void run_member(struct lockstep_member *member)
{
	struct lockstep *lockstep = member->lockstep;

	member->state = MEMBER_STARTING;
	lockstep->handlers->run(member->guest, lockstep->userdata);
}

/* The lab's clock, in ns: how long it has run. */
static int64_t clock_of(const struct lockstep *lockstep)
{
	if (lockstep->halted)
		return lockstep->ran;
	return lockstep->ran + (int64_t)(now_of(lockstep) - lockstep->since);
}

static void unfreeze(struct lockstep_member *member)
{
	if (member->frozen)
		member->ran = clock_of(member->lockstep);
	member->frozen = false;
}

/* How far it is ahead of the lab's clock, in ns; both stand still. */
static int64_t lead_of(const struct lockstep_member *member)
{
	return member->ran - member->lockstep->ran;
}

/* --- the lab stands still ------------------------------------------------------------- */

static void note_skew(struct lockstep *lockstep)
{
	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		if (m->state == MEMBER_STOPPING)
			return;
	if (!lockstep->measuring)
		return;
	lockstep->measuring = false;
	lockstep->skews[(lockstep->halts - 1) % SKEWS_KEPT] = lockstep->skew;
	if (lockstep->skew > lockstep->worst_skew)
		lockstep->worst_skew = lockstep->skew;
}

static void stop_members(struct lockstep *lockstep)
{
	for (struct lockstep_member *m = lockstep->members; m; m = m->next) {
		if (m->state == MEMBER_DUE)
			m->state = MEMBER_STOPPED;
		else if (m->state == MEMBER_RUNNING || m->state == MEMBER_STARTING)
			stop_member(m);
	}
}

static void halt(struct lockstep *lockstep, uint64_t ns)
{
	bool new = !lockstep->halted;

	if (!lockstep->enabled || (!new && !lockstep->going))
		return;
	lockstep->going = false;
	if (new) {
		lockstep->halted = lockstep->measuring = true;
		lockstep->ran += (int64_t)(ns - lockstep->since);
		lockstep->since = ns;
		lockstep->halts++;
		lockstep->skew = 0;
	}
	stop_members(lockstep);
	if (new)
		lockstep->handlers->halted(ns, lockstep->userdata);
}

/* --- and goes on ------------------------------------------------------------------------ */

static void mark_resumed(struct lockstep *lockstep, uint64_t ns)
{
	lockstep->going = false;
	if (!lockstep->halted)
		return;
	lockstep->halted = false;
	lockstep->halted_ns += ns - lockstep->since;
	lockstep->since = ns;
	lockstep->handlers->resumed(ns, lockstep->userdata);
}

/* Not before QEMU's answer: until then its debugger may yet be told of a stop of its own. */
static bool can_go(const struct lockstep_member *member)
{
	return !member->holds && !member->frozen && member->state == MEMBER_STOPPED &&
	       !member->stops;
}

static int64_t least_lead(const struct lockstep *lockstep)
{
	int64_t least = INT64_MAX;

	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		if (can_go(m) && lead_of(m) < least)
			least = lead_of(m);
	return least;
}

/* Will a member say that it runs, so that it is known since when the lab does? */
static bool someone_will_start(const struct lockstep *lockstep)
{
	bool will = false;

	for (struct lockstep_member *m = lockstep->members; m; m = m->next) {
		if (m->state == MEMBER_RUNNING)
			return false;
		will |= m->state != MEMBER_STOPPED || m->stops;
	}
	return will;
}

/* One that was told to stop and hasn't done so yet will be run when it has. */
static void go(struct lockstep *lockstep)
{
	int64_t least = least_lead(lockstep);
	uint64_t now = now_of(lockstep);

	lockstep->going = true;
	for (struct lockstep_member *m = lockstep->members; m; m = m->next) {
		int64_t later;

		if (!can_go(m))
			continue;
		later = lead_of(m) - least;
		m->state = MEMBER_DUE;
		m->due = now + (later < LEAD_IGNORED ? 0 : later);
	}
	if (!someone_will_start(lockstep))
		mark_resumed(lockstep, now);
	lockstep_wake(lockstep);
}

static void go_if_free(struct lockstep *lockstep)
{
	if (lockstep->halted && !lockstep->going && !any_holding(lockstep))
		go(lockstep);
}

/* --- events ----------------------------------------------------------------------------- */

static void note_stop(struct lockstep_member *member, uint64_t ns)
{
	struct lockstep *lockstep = member->lockstep;

	if (member->state != MEMBER_STARTING)
		member->ran += (int64_t)(ns - member->since);
	if (member->state != MEMBER_STOPPING) {
		if (!member->holds)
			member->holds = LOCKSTEP_OTHER;
	} else if (lockstep->halted && ns > lockstep->since + lockstep->skew) {
		lockstep->skew = ns - lockstep->since;
	}
	member->state = MEMBER_STOPPED;
	member->stepping = false;
}

/* The lab may have gone on while this one was being stopped. */
static void catch_up(struct lockstep_member *member)
{
	struct lockstep *lockstep = member->lockstep;

	if ((!lockstep->halted || lockstep->going) && can_go(member))
		run_member(member);
}

void lockstep_stopped(struct lockstep_member *member, uint64_t ns)
{
	struct lockstep *lockstep = member->lockstep;

	if (member->state == MEMBER_STOPPED || member->state == MEMBER_DUE)
		return;
	note_stop(member, ns);
	if (is_holding(member))
		halt(lockstep, ns);
	note_skew(lockstep);
	catch_up(member);
}

void lockstep_started(struct lockstep_member *member, uint64_t ns)
{
	struct lockstep *lockstep = member->lockstep;

	unfreeze(member);
	member->since = ns;
	member->holds &= ~LOCKSTEP_OTHER;
	if (lockstep->going && !any_holding(lockstep))
		mark_resumed(lockstep, ns);
	if (member->stops) {
		member->state = MEMBER_STOPPING; /* by a command that is under way */
		return;
	}
	if (lockstep->halted && any_holding(lockstep) && !member->stepping) {
		stop_member(member);
		return;
	}
	member->state = MEMBER_RUNNING;
	if (!member->stepping)
		go_if_free(lockstep);
}

void lockstep_answered(struct lockstep_member *member)
{
	if (member->stops)
		member->stops--;
	if (!member->stops && member->state == MEMBER_STOPPING)
		member->state = MEMBER_STARTING;
	catch_up(member);
}

void lockstep_hold(struct lockstep_member *member, enum lockstep_hold why)
{
	if (why == LOCKSTEP_DEBUGGER)
		member->holds &= ~LOCKSTEP_OTHER;
	member->holds |= why;
	switch (member->state) {
	case MEMBER_RUNNING:
	case MEMBER_STARTING:
		/* A debugger stops it by itself. */
		if (why == LOCKSTEP_USER)
			stop_member(member);
		break;
	case MEMBER_DUE:
		member->state = MEMBER_STOPPED;
		halt(member->lockstep, now_of(member->lockstep));
		break;
	case MEMBER_STOPPING:
	case MEMBER_STOPPED:
		if (is_holding(member))
			halt(member->lockstep, now_of(member->lockstep));
		break;
	}
}

void lockstep_release(struct lockstep_member *member, enum lockstep_hold why)
{
	struct lockstep *lockstep = member->lockstep;

	if (why == LOCKSTEP_DEBUGGER)
		member->holds &= ~LOCKSTEP_OTHER;
	member->holds &= ~why;
	unfreeze(member);
	if (lockstep->halted)
		go_if_free(lockstep);
	else if (can_go(member))
		run_member(member);
}

void lockstep_detached(struct lockstep_member *member)
{
	member->holds &= ~(LOCKSTEP_DEBUGGER | LOCKSTEP_OTHER);
	unfreeze(member);
	if (member->state == MEMBER_STOPPED)
		member->state = MEMBER_STARTING;
	go_if_free(member->lockstep);
}

void lockstep_step(struct lockstep_member *member)
{
	member->stepping = member->lockstep->enabled;
	member->due = now_of(member->lockstep) + LOCKSTEP_STEP_NS;
	run_member(member);
}

bool lockstep_is_halted(const struct lockstep *lockstep)
{
	return lockstep->halted;
}

void *lockstep_holder(const struct lockstep *lockstep)
{
	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		if (is_holding(m))
			return m->guest;
	return NULL;
}

bool lockstep_is_held(const struct lockstep_member *member, enum lockstep_hold why)
{
	return member->holds & why;
}

/* --- what is done a little later -------------------------------------------------------- */

static bool awaits_time(const struct lockstep_member *member)
{
	return member->state == MEMBER_DUE || member->stepping;
}

uint64_t lockstep_next(const struct lockstep *lockstep)
{
	uint64_t next = 0;

	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		if (awaits_time(m) && (!next || m->due < next))
			next = m->due;
	return next;
}

/* A step into something that waits, as hlt does: the lab has to go on for it to end. */
static void give_up_step(struct lockstep_member *member)
{
	member->stepping = false;
	member->holds &= ~LOCKSTEP_DEBUGGER;
	go_if_free(member->lockstep);
}

void lockstep_wake(struct lockstep *lockstep)
{
	uint64_t now = now_of(lockstep);

	for (struct lockstep_member *m = lockstep->members; m; m = m->next) {
		if (!awaits_time(m) || m->due > now)
			continue;
		if (m->stepping)
			give_up_step(m);
		else
			run_member(m);
	}
}

/* --- beginning and end -------------------------------------------------------------------- */

struct lockstep *lockstep_new(bool enabled, const struct lockstep_handlers *handlers,
			      void *userdata)
{
	struct lockstep *lockstep = xcalloc(1, sizeof(*lockstep));

	lockstep->enabled = enabled;
	lockstep->handlers = handlers;
	lockstep->userdata = userdata;
	lockstep->since = now_of(lockstep);
	return lockstep;
}

struct lockstep_member *lockstep_join(struct lockstep *lockstep, void *guest,
				      const char *name, bool running)
{
	struct lockstep_member *member = xcalloc(1, sizeof(*member));

	member->lockstep = lockstep;
	member->guest = guest;
	member->name = name;
	member->state = MEMBER_STOPPED;
	member->frozen = true;
	member->next = lockstep->members;
	lockstep->members = member;
	if (running)
		lockstep_started(member, now_of(lockstep));
	return member;
}

void lockstep_leave(struct lockstep_member *member)
{
	struct lockstep *lockstep;
	struct lockstep_member **at;

	if (!member)
		return;
	lockstep = member->lockstep;
	for (at = &lockstep->members; *at != member;)
		at = &(*at)->next;
	*at = member->next;
	free(member);
	note_skew(lockstep);
	go_if_free(lockstep);
}

void lockstep_end(struct lockstep *lockstep)
{
	lockstep->enabled = false;
	if (lockstep->halted)
		go(lockstep);
}

static int compare_skews(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t median_skew(const struct lockstep *lockstep)
{
	uint64_t measured = lockstep->halts - lockstep->measuring;
	size_t n = measured < SKEWS_KEPT ? measured : SKEWS_KEPT;
	uint64_t sorted[SKEWS_KEPT];

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		sorted[i] = lockstep->skews[i];
	qsort(sorted, n, sizeof(*sorted), compare_skews);
	return sorted[n / 2];
}

static const struct {
	enum lockstep_hold hold;
	const char *name;
} reasons[] = {{LOCKSTEP_DEBUGGER, "debugger"},
	       {LOCKSTEP_USER, "pause"},
	       {LOCKSTEP_OTHER, "qemu"}};

char *lockstep_keepers(const struct lockstep_member *member)
{
	_cleanup_strv_ char **keepers = NULL;

	for (struct lockstep_member *m = member->lockstep->members; m; m = m->next)
		for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
			if (m != member && member->lockstep->enabled && is_holding(m) &&
			    m->holds & reasons[i].hold)
				strv_pushf(&keepers, "%s (%s)", m->name, reasons[i].name);
	return keepers ? strv_join(keepers, ", ") : NULL;
}

static json_t *holders_to_json(const struct lockstep *lockstep)
{
	json_t *holders = json_array();

	for (struct lockstep_member *m = lockstep->members; m; m = m->next)
		for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
			if (is_holding(m) && m->holds & reasons[i].hold)
				json_array_append_new(
					holders, json_pack("{s:s, s:s}", "guest", m->name,
							   "why", reasons[i].name));
	return holders;
}

json_t *lockstep_to_json(const struct lockstep *lockstep)
{
	uint64_t halted = lockstep->halted_ns;

	if (lockstep->halted)
		halted += now_of(lockstep) - lockstep->since;
	return json_pack("{s:b, s:b, s:I, s:I, s:{s:I, s:I, s:I}, s:o}", "enabled",
			 lockstep->enabled, "halted", lockstep->halted, "halts",
			 (json_int_t)lockstep->halts, "halted_ns", (json_int_t)halted,
			 "skew_ns", "last", (json_int_t)lockstep->skew, "median",
			 (json_int_t)median_skew(lockstep), "worst",
			 (json_int_t)lockstep->worst_skew, "holders",
			 holders_to_json(lockstep));
}

void lockstep_free(struct lockstep *lockstep)
{
	struct lockstep_member *next;

	if (!lockstep)
		return;
	for (struct lockstep_member *m = lockstep->members; m; m = next) {
		next = m->next;
		free(m);
	}
	free(lockstep);
}
