/* SPDX-License-Identifier: MIT */
/*
 * The scheme of runtime/events/tracer.c: a slot that serves one callback after the
 * other, threads that fire the event, each in its shard, and who registers and
 * unregisters.  Promised: a callback neither begins nor runs when unregister has
 * returned, gets what belongs to it, and unregister ends.
 *
 * F3 with F4 and U1 with U3 are seq_cst, for a store that is seen later than the
 * load behind it would be a program that does them the other way round: that is
 * what the mutants COUNT_THEN_LOOK and STOP_THEN_WAIT do.  Likewise publishing
 * (ACTIVE_LAST) and F6 (CALL_THEN_OFF), which are release.
 *
 * Must not know of keys (protocol.pml), signals, callbacks that unregister, forks.
 */
#include "model.pml"

#define RECHECK		1	/* FIRE: F4, active is looked at again */
#define WAIT		2	/* FIRE: U3, unregister waits for calls */
#define COUNT_THEN_LOOK	3	/* FIRE: F3 is before F4 */
#define STOP_THEN_WAIT	4	/* FIRE: U1 is before U3 */
#define ACTIVE_LAST	5	/* FIRE: callback and data are there before active */
#define CALL_THEN_OFF	6	/* FIRE: F6 is after the call */
#define ALL_SHARDS	7	/* FIRE: U2, each shard is waited for */
#define ATOMIC_COUNT	8	/* FIRE_SHARED: F3 and F6 are atomic additions */

#define THREADS		2
#ifdef FIRE_SHARED_
#define shard(i)	0
#else
#define shard(i)	i
#endif

bool on;			/* slot.active */
byte callback, data;		/* 1, then 2: whose they are */
byte running[THREADS];
bool over[3];			/* unregister has returned */
byte left = THREADS + 1;

inline count(by)
{
	if
	:: has(ATOMIC_COUNT) -> running[shard(i)] = running[shard(i)] + by
	:: else -> seen = running[shard(i)]; running[shard(i)] = seen + by
	fi
}

proctype fire(byte i)
{
	byte whose, seen;
	bool calls;

	do
	:: !on -> break
	:: on ->
INJECT_EVENT_ENTERING:
		if
		:: has(COUNT_THEN_LOOK) -> count(1)
		:: else
		fi;
INJECT_EVENT_ENTERED:
		calls = true;
INJECT_EVENT_RECHECK:
		if
		:: has(RECHECK) -> calls = on
		:: else
		fi;
		if
		:: !has(COUNT_THEN_LOOK) -> count(1)
		:: else
		fi;
		if
		:: calls ->
			whose = callback;
			assert(!over[whose]);
			assert(whose == data);
			if
			:: !has(CALL_THEN_OFF) -> count(-1)
			:: else
			fi;
			assert(!over[whose])	/* it still runs */
		:: else
		fi;
INJECT_EVENT_LEAVING:
		if
		:: has(CALL_THEN_OFF) || !calls -> count(-1)
		:: else
		fi;
INJECT_EVENT_LEFT:
		break
	od;
	left--
}

inline register_(n)
{
	if
	:: has(ACTIVE_LAST)
	:: else -> on = true
	fi;
	callback = n;
	data = n;
	on = true
}

inline wait_()
{
	if
	:: has(WAIT) ->
		running[0] == 0;
		if
		:: has(ALL_SHARDS) -> running[THREADS - 1] == 0
		:: else
		fi
	:: else
	fi
}

inline unregister(n)
{
	if
	:: has(STOP_THEN_WAIT) -> on = false; wait_()
	:: else -> wait_(); on = false
	fi;
	over[n] = true
}

proctype control()
{
	register_(1);
INJECT_EVENT_WAIT:
	unregister(1);
	register_(2);
	unregister(2);
	left--
}

proctype rest()
{
	timeout;
	assert(left == 0);
	assert(running[0] == 0 && running[THREADS - 1] == 0)
}

init {
	byte i;

	atomic {
		ask_for_mutant();
		do
		:: i < THREADS -> run fire(i); i++
		:: else -> break
		od;
		run control();
		run rest()
	}
}
