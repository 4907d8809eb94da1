/* SPDX-License-Identifier: MIT */
/*
 * The scheme of runtime/events/tracer.c: a slot that serves one callback after
 * the other, threads that fire the event, each with its frame, and who
 * registers and unregisters; with the fences of runtime/base/fence.c.
 * Promised: a callback neither begins nor runs when unregister has returned,
 * gets what belongs to it, and unregister ends.
 *
 * What a thread stores into its frame waits in its buffer, and comes into
 * memory some time later, in order.  A fence of the thread waits until the
 * buffer is empty; membarrier and a shootdown wait so for each thread, one
 * after the other.  So the mutants that leave out a fence are that, and no
 * other order of the program.  Of the other stores, U1 is seen at once, as it
 * is a fence (seq_cst), and what is released (ACTIVE_LAST, CALL_THEN_OFF) has
 * an order to be left out.
 *
 * The second registration may come when membarrier is refused; then events
 * fence.
 *
 * A callback may be left by siglongjmp(): its frame stays, until the next event
 * of that thread, or its end, drops it.
 *
 * Must not know of keys (protocol.pml), signals, callbacks that unregister, forks.
 */
#include "model.pml"

#define RECHECK		1	/* FIRE: F5, active is looked at again */
#define WAIT		2	/* FIRE: U4, unregister waits for calls */
#define STOP_THEN_FENCE	3	/* FIRE: U1 is before U2 */
#define FENCE_THEN_WAIT	4	/* FIRE: U2 is before U4 */
#define SELDOM		5	/* FIRE: U2, the others pass a barrier */
#define ACTIVE_LAST	6	/* FIRE: callback and data are there before active */
#define CALL_THEN_OFF	7	/* FIRE: F7 is after the call */
#define ALL_FRAMES	8	/* FIRE: U3, each frame is waited for */
#define STORE_THEN_LOOK	9	/* FIRE: F3 is before F5 */
#define DROP		10	/* FIRE: what was left is dropped */
#define OFTEN		11	/* FIRE_REFUSED: F4, a fence, where no other is */
#define STORE_THEN_MODE	12	/* FIRE_REFUSED: F3 is before the mode is read */
#define TURN		13	/* FIRE_REFUSED: TURNING is before the shootdown */
#define SHOOT_DOWN	14	/* FIRE_REFUSED: it is before ALWAYS */

#define THREADS		2

bool on;			/* slot.active */
byte callback, data;		/* 1, then 2: whose they are */
byte frame[THREADS];		/* 1: the slot; as others see it */
chan buffer[THREADS] = [2] of { bit };
bool turned, always;		/* the mode: LIGHT, TURNING, ALWAYS */
bool over[3];			/* unregister has returned */
byte left = THREADS + 1;

proctype drain(byte i)
{
end:	do
	:: atomic { buffer[i]?frame[i] }
	od
}

#define fence(i)	empty(buffer[i])
#define others()	fence(0); fence(THREADS - 1)

inline look_at_mode()
{
	d_step { light = !turned && !always }
}

proctype fire(byte i)
{
	byte whose, rounds;
	bool calls, light, jumps, drop;

again:	rounds++;
	if
	:: !on -> goto ended
	:: on
	fi;
	if
	:: drop -> buffer[i]!0; drop = false
	:: else
	fi;
INJECT_EVENT_ENTERING:
	light = true;
	if
	:: has(STORE_THEN_MODE)
	:: else -> look_at_mode()
	fi;
	calls = true;
	if
	:: has(STORE_THEN_LOOK) -> buffer[i]!1
	:: else -> calls = on; buffer[i]!1
	fi;
	if
	:: has(STORE_THEN_MODE) -> look_at_mode()
	:: else
	fi;
	if
	:: !light && has(OFTEN) -> fence(i)
	:: else
	fi;
INJECT_EVENT_ENTERED:
INJECT_EVENT_RECHECK:
	if
	:: has(RECHECK) && has(STORE_THEN_LOOK) -> calls = on
	:: else
	fi;
	if
	:: calls ->
		whose = callback;
		assert(!over[whose]);
		assert(whose == data);
		if
		:: !has(CALL_THEN_OFF) -> buffer[i]!0
		:: else
		fi;
		assert(!over[whose]);	/* it still runs */
		if
		:: jumps = true
		:: skip
		fi
	:: else
	fi;
	if
	:: jumps -> jumps = false; drop = has(DROP); goto next
	:: else
	fi;
INJECT_EVENT_LEAVING:
	if
	:: has(CALL_THEN_OFF) || !calls -> buffer[i]!0
	:: else
	fi;
INJECT_EVENT_LEFT:
next:	calls = false;
	if
	:: rounds < 2 -> goto again
	:: else
	fi;
ended:	if
	:: drop -> buffer[i]!0
	:: else
	fi;
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
		frame[0] == 0;
		if
		:: has(ALL_FRAMES) -> frame[THREADS - 1] == 0
		:: else
		fi
	:: else
	fi
}

/* refused: no membarrier any more */
inline seldom(refused)
{
	if
	:: !has(SELDOM) || always
	:: else ->
		if
		:: !refused -> others()
		:: else ->
			if
			:: has(TURN) -> turned = true
			:: else
			fi;
			if
			:: has(SHOOT_DOWN) -> others()
			:: else
			fi;
			turned = true;
			always = true
		fi
	fi
}

inline unregister(n, refused)
{
	if
	:: has(STOP_THEN_FENCE) && has(FENCE_THEN_WAIT) ->
		on = false;
INJECT_EVENT_FENCE:
		seldom(refused);
INJECT_EVENT_WAIT:
		wait_()
	:: !has(STOP_THEN_FENCE) -> seldom(refused); on = false; wait_()
	:: !has(FENCE_THEN_WAIT) -> on = false; wait_(); seldom(refused)
	fi;
	over[n] = true
}

#ifdef FIRE_REFUSED_
#define REFUSED	1
#else
#define REFUSED	0
#endif

proctype control()
{
	register_(1);
	unregister(1, REFUSED);
	register_(2);
	unregister(2, REFUSED);
	left--
}

proctype rest()
{
	timeout;
	assert(left == 0);
	assert(frame[0] == 0 && frame[THREADS - 1] == 0)
}

init {
	byte i;

	atomic {
		ask_for_mutant();
		do
		:: i < THREADS -> run fire(i); run drain(i); i++
		:: else -> break
		od;
		run control();
		run rest()
	}
}
