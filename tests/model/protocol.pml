/* SPDX-License-Identifier: MIT */
/*
 * The protocol of runtime/sites/sites.h, of the back end self: one key, its sites
 * in one or two copies of the runtime, and everybody who may come between.  Owns
 * words, slices, keyrefs, freezing, forks, copies; must not know of the kernel's
 * breakpoints, nor of callbacks (tracer.pml).
 *
 * README.md beside this file says how to read it, and what is not in here.
 *
 * What the rest of the world does is a process, too:
 *
 *   thread	reaches one site, `watched`, at any time and once, on a core that
 *		may still have what stood there at any time since the last
 *		synchronization.  As nothing depends on what it did before, that is
 *		as good as any number of threads and passes.
 *   loser	drops a page, or takes the right to write away and gives it back
 *   debugger	sets a breakpoint at the watched site and takes it back
 *   forker	forks: from there on the model is the child, of which no other
 *		process is left
 *   rest	when nothing can happen any more: is that a deadlock, and do
 *		states agree?
 */
#include "model.pml"

/* ---- mutants: the scenario that sees it, and what is not done --------- */

#define PATCH_LOCK	1	/* SLICES: sj_patch_lock is held for a slice (1) */
#define READ_UNDER_LOCK	2	/* SLICES: a slice reads the word under the lock (1) */
#define SYNC		3	/* SLICES: cores are synchronized */
#define SYNC_OTHERS	4	/* SLICES: ...also for writes of an earlier slice's thread */
#define SYNC_LOCKED	5	/* SLICES: ...before the lock is let go */
#define RESTART		6	/* SLICES: a walk that changes its mind begins anew (8) */
#define ALL_SITES	7	/* SLICES: enable goes on until all sites are armed (3) */
#define ONE_STORE	8	/* SLICES: the two forms differ in one store (6) */
#define JUMP_STAYS	9	/* SLICES: a nop's jump stands there in both forms (6) */
#define LEVEL		10	/* SLICES: who disables walks over all sites, too (4) */
#define CHECK_WORD	11	/* COPIES: an armed site loads the word (5) */
#define FREEZING	20	/* FREEZE: nothing goes idle while one is under way */
#define FROZEN_IDLES	21	/* FREEZE: ...nor in a slice that comes after it */
#define FROZEN_LAST	22	/* FREEZE: all is armed before `frozen` is set */
#define FROZEN_LOCKED	23	/* FREEZE: `frozen` is set under the lock */
#define FREEZE_SYNC	24	/* FREEZE: cores are synchronized before */
#define DROP		30	/* LOSS: what can't be written is dropped, or it is an error */
#define DROP_SYNC	31	/* LOSS: cores are synchronized after a dropped page */
#define DROP_UNSURE	32	/* LOSS: a page that the file holds idle is not dropped */
#define SYNC_REFUSED	34	/* LOSS: a synchronization that is refused is an error */
#define SKIP_AGAIN	41	/* DEBUGGER: a walk that skipped a site is not gone on with (8) */
#define BENEATH		42	/* DEBUGGER_NOP: a nop is armed beneath a breakpoint */
#define ASK		50	/* COPIES: other copies are asked */
#define WORD_THEN_LIST	51	/* COPIES: the word changes before the list is read */
#define JOIN_THEN_WORD	52	/* COPIES: a copy joins before it reads the word */
#define FLAG_THEN_JOIN	53	/* COMPANY: "has company" is set before it joins */
#define ASK_LOCKED	54	/* LEAVE: key->lock is held while a copy is asked */
#define LEAVE_LOCKED	55	/* LEAVE: ...and to leave */
#define HIDE_LOCKED	56	/* GO: an object is hidden under sj_patch_lock */
#define LEAVING		57	/* LEAVE: what is armed for good is not idled again */
#define OBJECT_UNKNOWN	58	/* COPIES_BIG: who idles a site says so to the keyref (8) */
#define FORK_PATCH	60	/* FORK: fork() takes sj_patch_lock */
#define FORK_SHARE	61	/* FORK_COPIES: ...and sj_share_lock */
#define FORK_FINISH	62	/* FORK: the child ends walks */
#define FORK_COUNT	63	/* FORK: who lets go of the lock within a walk counts */
#define FORK_COUNT_ASK	64	/* FORK_COPIES: ...and who is to ask others */
#define FORK_FREEZE	65	/* FORK_FREEZE: a freeze ends in the child */
#define FORK_AGAIN	66	/* FORK_COPIES: a copy that is asked waits for no fork */

/* ---- sizes ------------------------------------------------------------ */

#if defined(COPIES_) || defined(COMPANY_) || defined(COPIES_BIG_) || \
	defined(FORK_COPIES_) || defined(FORK_COPIES_BIG_) || defined(LEAVE_)
#define COPIES	2
#else
#define COPIES	1
#endif
#ifndef SITES
#if COPIES == 2 || defined(DEBUGGER_)
#define SITES	1		/* of each copy; all on one page */
#else
#define SITES	2
#endif
#endif
#ifndef ROUNDS
#define ROUNDS	1		/* enable and disable, of each caller */
#endif
#if !defined(WATCHED) && defined(LOSS_)
#define WATCHED	N
#elif !defined(WATCHED)
#define WATCHED	1		/* only the last so many sites */
#endif
#define N	(COPIES * SITES)

/* ---- what there is ---------------------------------------------------- */

#define UNKNOWN		0	/* enum sj_wants */
#define ARMED		1
#define IDLE		2

typedef runtime {
	bool patch_lock, share_lock;
	bool unsynced;
	/* the keyref, see 8 in sites.h */
	byte wanted, scanned;
	bool skipped, failed;
	/* the object */
	bool live, mapped, leaving, subscribed;
	bool freezing, frozen;
	byte freeze_next;
	bool freeze_failed;
	byte walking;
	bool forking;		/* its handlers hold all of its locks */
	bool forker_has;	/* ...and this one of them is patch_lock */
};
runtime C[COPIES];

byte word;			/* users: SC, as the code's are seq_cst */
bool key_lock, company;		/* SIDE_JMP_KEY_SHARED */
#define NONE	255
byte head = NONE;		/* of the key's list: a copy */

bool armed[N];			/* text */
bool file_idle;			/* site 0 is idle in the file */

/* Of the watched site: what a core may have of it, and how it is made. */
byte watched;
byte layout;
#define JUMP	0		/* inline, dense */
#define WIDE	1
#define NOP	2
bool see_armed, see_idle;
bool torn, no_jump;		/* of mutants: two stores; byte 3 of a nop */
bool breakpoint;

bool may_write = true, may_sync = true;
bool lost;			/* armed too much is right */

/* ---- what is promised ------------------------------------------------- */

byte users, maybe;		/* enables that have returned; that have begun */
bool sure_on, sure_off;		/* all the while that the thread is at its site */
bool excepted;			/* a breakpoint was there since enable looked */
byte debugged;			/* 0 not yet, 1 it is there, 2 gone */
byte left;			/* processes that are to end */
bool alive = true;		/* false: this is the child */

/* ---- text ------------------------------------------------------------- */

inline see_now()
{
	see_armed = armed[watched];
	see_idle = !armed[watched];
	torn = false
}

inline store(s, arm)
{
	assert(C[s / SITES].mapped);
	armed[s] = arm;
	see_armed = see_armed || armed[watched];
	see_idle = see_idle || !armed[watched];
	torn = torn || (!has(ONE_STORE) && s == watched);
	no_jump = (!has(JUMP_STAYS) && s == watched -> !arm : no_jump)
}

inline sync_cores(c, failed_)
{
	if
	:: C[c].unsynced && may_sync && (wrote || has(SYNC_OTHERS)) ->
		d_step {
			if
			:: has(SYNC) -> see_now()
			:: else
			fi;
			C[c].unsynced = false
		}
	:: C[c].unsynced && !may_sync -> failed_ = failed_ || has(SYNC_REFUSED)
	:: else
	fi
}

/* Drop the page that all sites of the copy are on. */
inline drop(c)
{
	i = 0;
	do
	:: i < SITES ->
		armed[c * SITES + i] = !(file_idle && i == 0);
		i++
	:: else -> break
	od;
	i = 0;
	see_armed = see_armed || armed[watched];
	see_idle = see_idle || !armed[watched]
}

/*
 * sj_batch_site(); `bad`: it is wanted and could not be armed; `skip_`: foreign.
 * Look and store are one step, for others write text only as README.md says.
 */
inline batch_site(c, s, arm, bad, skip_)
{
	atomic {
		bad = false;
		skip_ = false;
		if
		:: breakpoint && s == watched ->
			skip_ = true;
			if
			:: arm && layout == NOP && may_write && !C[c].frozen && has(BENEATH) ->
				store(s, true);
				C[c].unsynced = true
			:: else
			fi
		:: !(breakpoint && s == watched) && armed[s] == arm
		:: else ->
INJECT_BEFORE_WRITE:
			if
			:: may_write && (!C[c].frozen || !has(FROZEN_IDLES)) ->
				store(s, arm);
				C[c].unsynced = true;
				wrote = true
			:: else ->
				skip_ = !arm;
				if
				:: arm && has(DROP) && !C[c].frozen &&
				   (!file_idle || !has(DROP_UNSURE)) ->
					drop(c);
					C[c].unsynced = C[c].unsynced || has(DROP_SYNC);
					bad = !armed[s]
				:: else -> bad = arm && has(DROP)
				fi
			fi;
INJECT_AFTER_WRITE:
			skip
		fi
	}
}

/* ---- walks ------------------------------------------------------------ */

inline lock(l)
{
	atomic { !l -> l = true }
}

inline lock_patch(c)
{
	atomic {
		if
		:: has(PATCH_LOCK) -> !C[c].patch_lock -> C[c].patch_lock = true
		:: else
		fi
	}
}

#define nobody_idles(c)	((C[c].frozen && has(FROZEN_IDLES)) || \
			 (C[c].freezing && has(FREEZING)) || !may_write)

/* scan_key(): `more` if the slice ends before. */
inline scan_key(c, wants, bad_, more_)
{
	more_ = false;
	if
	:: !C[c].live || (wants == IDLE && (nobody_idles(c) ||
			  (C[c].leaving && has(LEAVING))))
	:: else ->
		d_step {
			if
			:: C[c].wanted != wants ->
				C[c].wanted = wants;
				C[c].failed = false;
				C[c].skipped = false;
				if
				:: has(RESTART) -> C[c].scanned = 0
				:: else
				fi
			:: else
			fi
		};
		do
		:: C[c].scanned == SITES -> break
		:: else ->
			atomic {
				site = c * SITES + C[c].scanned;
				batch_site(c, site, (wants == ARMED), bad, skipped);
				C[c].failed = C[c].failed || bad;
				C[c].skipped = C[c].skipped || skipped;
				C[c].scanned++;
				bad = false;
				skipped = false;
				if
				:: skip
				:: more_ = true; break	/* also after the last */
				fi
			}
		od;
		atomic {
			if
			:: !more_ ->
				bad_ = bad_ || C[c].failed;
				if
				:: C[c].failed || C[c].skipped ||
				   wants == IDLE ->
					C[c].wanted = UNKNOWN
				:: else
				fi
			:: else
			fi
		}
	fi
}

/* What a walk does to the word. */
#define ADD	0
#define TAKE	1
#define BACK	2		/* an enable that failed */

/* A word is read once, so: */
#define wanted_now()	(word > 0 -> ARMED : IDLE)

/* sj_key_shared() */
#define shared(c)	(head != NONE && (head != c || company))

inline change_word()
{
	atomic {
		word = (op == ADD -> word + 1 : word - 1);
		changed = true
	}
}

/* sj_in_slices() */
inline count_walk()
{
	if
	:: more && !counted && has(FORK_COUNT) -> C[c].walking++; counted = true
	:: !more && counted -> C[c].walking--; counted = false
	:: else
	fi;
	if
	:: !more && ask && has(FORK_COUNT_ASK) -> C[c].walking++; asking = true
	:: else
	fi
}

/* Into copy `t`, which is asked, with key->lock held; !more: there is none. */
inline ask_begin()
{
	lock(C[c].share_lock);
	if
	:: has(ASK_LOCKED) -> lock(key_lock)
	:: else
	fi;
	more = C[t].subscribed;
	got = false;
	if
	:: more ->
		atomic {
			if
			:: !C[t].patch_lock -> C[t].patch_lock = true; got = true
			:: C[t].patch_lock && C[t].forking && has(FORK_AGAIN)
			fi
		}
	:: else
	fi
}

inline ask_end()
{
	assert(!got || C[t].mapped);
	C[t].patch_lock = C[t].patch_lock && !got;
	key_lock = key_lock && !has(ASK_LOCKED);
	C[c].share_lock = false
}

/* ---- who changes keys ------------------------------------------------- */

inline begin()
{
	d_step {
		changed = false; asking = false; ask = false; error = false; wrote = false;
		more = true; got = true;
		t = c;
		if
		:: op == ADD -> maybe++; sure_off = false; fresh = debugged == 2
		:: op == TAKE -> users--; sure_on = sure_on && users > 0
		:: else
		fi
	}
}

inline return_()
{
	d_step {
		if
		:: op == ADD && !error ->
			users++;
			excepted = excepted && !fresh;
			op = TAKE
		:: op == ADD && error -> op = BACK
		:: else -> maybe--; op = ADD; n++
		fi;
		fresh = false; changed = false; ask = false; error = false; wrote = false;
		bad = false; skipped = false; got = false; wants = 0; t = 0; i = 0; site = 0
	}
}

/* Up to where sites are looked at; nobody sees what is done before without the lock. */
inline slice_begin()
{
	atomic {
		if
		:: t == c -> lock_patch(c)
		:: else -> ask_begin()
		fi;
		if
		:: !changed ->
			change_word();
INJECT_WORD_CHANGED:
			wants = wanted_now();
			C[c].wanted = (C[c].skipped && has(SKIP_AGAIN) -> UNKNOWN : C[c].wanted)
		:: changed && has(READ_UNDER_LOCK) -> wants = wanted_now()
		:: else
		fi;
INJECT_SYNC_KEY:
		skip
	}
}

inline slice_end()
{
	atomic {
		more = more && (has(ALL_SITES) || op != ADD);
		if
		:: t == c ->
			ask = (ask || (shared(c) && has(WORD_THEN_LIST))) && has(ASK);
			count_walk()
		:: else
		fi;
		if
		:: !more && got && has(SYNC_LOCKED) ->
INJECT_BEFORE_CORE_SYNC:
			sync_cores(t, error)
		:: else
		fi;
INJECT_BEFORE_UNLOCK:
		if
		:: t == c -> C[c].patch_lock = false
		:: else -> ask_end()
		fi
	};
	if
	:: !more && !has(SYNC_LOCKED) && C[c].unsynced ->
		see_now();
		C[c].unsynced = false
	:: else
	fi
}

/* sj_walk_keys(): slices of its own copy, c, then of the other, t */
proctype caller(byte c) provided (alive)
{
	byte op = ADD, n, wants, t, i, site;
	bool changed, counted, asking, more, got, bad, skipped, error, ask, fresh, wrote;

	do
	:: n == ROUNDS -> break
	:: else ->
		atomic {
			begin();
			if
			:: C[c].frozen ->	/* walk_frozen(): no lock */
				change_word();
				ask = shared(c) && has(ASK);
				more = false
			:: else
			fi
		};
		do
		:: !more && ask && t == c -> t = 1 - c; more = true
		:: !more && !(ask && t == c) -> break
		:: more ->
			atomic {
				ask = ask || (!has(WORD_THEN_LIST) && !changed && shared(c));
				wants = wanted_now()
			};
			slice_begin();
			if
			:: more && got && (op == ADD || has(LEVEL)) ->
INJECT_LOCKED:
				scan_key(t, wants, error, more)
			:: more && !got
			:: else -> more = false
			fi;
			slice_end();
INJECT_BETWEEN_SLICES:
			got = true
		od;
		if
		:: asking -> atomic { lock_patch(c); C[c].walking--; C[c].patch_lock = false }
		:: else
		fi;
		return_()
	od;
	left--
}

/* ---- freeze.c --------------------------------------------------------- */

proctype freezer(byte c) provided (alive)
{
	byte i, site;
	bool more = true, bad, skipped, wrote, counted;

	do
	:: !more -> break
	:: else ->
		lock_patch(c);
		more = !C[c].frozen;
		if
		:: more && !C[c].freezing ->
			atomic {
				C[c].freezing = true;
				C[c].freeze_failed = false;
				C[c].freeze_next = 0;
				C[c].frozen = !has(FROZEN_LAST)
			}
		:: else
		fi;
		do
		:: !more || C[c].freeze_next == SITES -> more = false; break
		:: else ->
			atomic {
				C[c].wanted = (C[c].wanted == IDLE ->
					       UNKNOWN : C[c].wanted);
				site = c * SITES + C[c].freeze_next;
				batch_site(c, site, true, bad, skipped);
				C[c].freeze_failed = C[c].freeze_failed || bad || skipped;
				C[c].freeze_next++
			};
			if
			:: C[c].freeze_next < SITES -> break
			:: skip
			fi
		od;
		if
		:: more || C[c].frozen
		:: else ->
			if
			:: has(FREEZE_SYNC) -> sync_cores(c, C[c].freeze_failed)
			:: else
			fi;
			C[c].frozen = !C[c].freeze_failed && has(FROZEN_LOCKED);
			C[c].freezing = false
		fi;
		C[c].walking = C[c].walking + more - counted;
		counted = more;
		C[c].patch_lock = false
	od;
	C[c].frozen = C[c].frozen || (!has(FROZEN_LOCKED) && !C[c].freeze_failed);
	left--
}

/* ---- objects ---------------------------------------------------------- */

inline join()
{
	lock(C[c].share_lock);
	lock(key_lock);
	if
	:: head != NONE && has(FLAG_THEN_JOIN) -> company = true
	:: else
	fi;
	was = head;
	head = c;
	C[c].subscribed = true;
	company = company || was != NONE;
	key_lock = false;
	C[c].share_lock = false
}

/* object_bring_in() */
proctype comer(byte c) provided (alive)
{
	byte i, s, site, wants, was;
	bool bad, skipped, wrote, error;

	lock_patch(c);
	C[c].live = true;
	C[c].patch_lock = false;
INJECT_REGISTERED:
	wants = wanted_now();
	join();
INJECT_SUBSCRIBED:
	do
	:: s == SITES -> break
	:: else ->
		lock_patch(c);
		wants = (has(JOIN_THEN_WORD) -> wanted_now() : wants);
		if
		:: wants == ARMED || !nobody_idles(c) ->
			C[c].wanted = (wants == IDLE && has(OBJECT_UNKNOWN) -> UNKNOWN :
				       C[c].wanted);
			site = c * SITES + s;
			batch_site(c, site, (wants == ARMED), bad, skipped)
		:: else
		fi;
		s++;
		if
		:: s == SITES -> sync_cores(c, error)
		:: else
		fi;
		C[c].patch_lock = false
	od;
	left--
}

inline leave()
{
	lock(C[c].share_lock);
	if
	:: has(LEAVE_LOCKED) -> lock(key_lock)
	:: else
	fi;
	head = NONE;
	if
	:: COPIES == 2 -> head = (C[COPIES - 1 - c].subscribed -> COPIES - 1 - c : NONE)
	:: else
	fi;
	C[c].subscribed = false;
	company = false;
	key_lock = key_lock && !has(LEAVE_LOCKED);
	C[c].share_lock = false
}

/* object_unload(), or object_unregister(): that one arms everything first */
proctype goer(byte c) provided (alive)
{
	byte i, s, site;
	bool bad, skipped, wrote, error, stays;

	if
	:: stays = true
	:: skip
	fi;
	lock_patch(c);
	C[c].leaving = stays;
	C[c].patch_lock = false;
	do
	:: s == SITES || !stays -> break
	:: else ->
		lock_patch(c);
		site = c * SITES + s;
		batch_site(c, site, true, bad, skipped);
		s++;
		if
		:: s == SITES -> sync_cores(c, error)
		:: else
		fi;
		C[c].patch_lock = false
	od;
	if
	:: has(HIDE_LOCKED) -> lock_patch(c); C[c].live = false; C[c].patch_lock = false
	:: else -> C[c].live = false
	fi;
INJECT_DEAD:
	leave();
INJECT_UNSUBSCRIBED:
	skip;
INJECT_UNREGISTERED:
	C[c].mapped = stays;
	left--
}

/* ---- fork() ----------------------------------------------------------- */

inline fork_take(c)
{
	if
	:: has(FORK_SHARE) -> lock(C[c].share_lock)
	:: else
	fi;
	if
	:: has(FORK_PATCH) -> atomic {
			!C[c].patch_lock -> C[c].patch_lock = true; C[c].forker_has = true
		}
	:: else
	fi;
	C[c].forking = true
}

/* object_fork_child(): all at once, for nobody else is there. */
inline fork_child(c)
{
	C[c].freezing = C[c].freezing && !has(FORK_FREEZE);
	s = (C[c].walking && has(FORK_FINISH) -> 0 : N);
	do
	:: s < N ->
		if
		:: C[s / SITES].live && (word > 0 || !C[s / SITES].frozen) ->
			armed[s] = word > 0;
			C[s / SITES].wanted = UNKNOWN
		:: else
		fi;
		s++
	:: else -> break
	od;
	C[c].walking = 0
}

inline agree(c)
{
	s = 0;
	do
	:: s < SITES && C[c].live ->
		assert(armed[c * SITES + s] || (word == 0 && !C[c].frozen) || excepted);
		assert(!armed[c * SITES + s] || word > 0 || C[c].frozen || C[c].leaving ||
		       lost || debugged > 0);
		s++
	:: else -> break
	od
}

/* What 8 says of a keyref. */
inline trusted(c)
{
	s = 0;
	do
	:: s < C[c].scanned && C[c].live && C[c].wanted == ARMED && !C[c].skipped &&
	   !C[c].failed ->
		assert(armed[c * SITES + s]);
		s++
	:: else -> break
	od
}

proctype forker()
{
	byte s, first;

	if
	:: COPIES == 2 -> first = 1
	:: true
	fi;
	fork_take(first);
	if
	:: COPIES == 2 -> fork_take(1 - first)
	:: else
	fi;
	alive = false;
	d_step {
		/* Locks of threads that are gone are nobody's to let go. */
		assert(!key_lock);
		assert(!C[0].patch_lock || C[0].forker_has);
		fork_child(0);
		if
		:: COPIES == 2 -> fork_child(COPIES - 1)
		:: else
		fi;
		assert(!C[0].freezing);
		agree(0); trusted(0);
		if
		:: COPIES == 2 -> agree(COPIES - 1); trusted(COPIES - 1)
		:: else
		fi
	}
}

/* ---- the rest of the world -------------------------------------------- */

/* Reaches the watched site, and executes what its core has of it. */
proctype thread() provided (alive)
{
	atomic {
		C[watched / SITES].live;
		sure_on = users > 0 && !excepted;
		sure_off = maybe == 0;
		assert(!torn);
		if
		:: breakpoint && layout != NOP -> goto away	/* its owner's */
		:: !(breakpoint && layout != NOP) && see_armed
		:: !(breakpoint && layout != NOP) && see_idle ->
			assert(!sure_on);
			goto away
		fi;
		if
		:: layout == WIDE -> goto test
		:: else
		fi
	};
	if
	:: layout == NOP -> assert(!no_jump)	/* its second instruction */
	:: else
	fi;
test:
	atomic {
		if
		:: word > 0 || !has(CHECK_WORD) -> assert(!sure_off)
		:: else -> assert(!sure_on)
		fi
	};
away:
	sure_on = false;
	sure_off = false
}

proctype loser() provided (alive)
{
	byte i;

	if
	:: skip			/* nothing */
	:: !file_idle -> atomic { lost = true; drop(watched / SITES); see_now() }
	:: lost = true; may_write = false; may_write = true
	:: lost = true; may_write = false
	:: lost = true; may_sync = false
	fi
}

/* Who stops everybody to change text: so nobody has old bytes of it. */
proctype debugger() provided (alive)
{
	bool saved;

	atomic {
		saved = armed[watched];
		breakpoint = true;
		debugged = 1;
		excepted = excepted || layout != NOP;
		see_now()
	};
	atomic {
		armed[watched] = (layout == NOP -> armed[watched] : saved);
		breakpoint = false;
		debugged = 2;
		see_now()
	}
}

proctype rest()
{
	byte s;

	timeout;
	d_step {
		if
		:: alive ->
			assert(left == 0);
			assert(word == 0 && users == 0 && maybe == 0);
			assert(!key_lock && !C[0].patch_lock && !C[0].share_lock);
			assert(!C[0].walking && (!C[0].unsynced || lost));
			agree(0);
			if
			:: COPIES == 2 ->
				agree(COPIES - 1);
				assert(armed[N - 1] || !C[COPIES - 1].leaving)
			:: else
			fi
		:: else
		fi
	}
}

inline copy_is_there(c)
{
	C[c].live = true;
	C[c].mapped = true;
	C[c].subscribed = true;
	company = head != NONE;
	head = c
}

init {
	atomic {
		ask_for_mutant();
		select(watched : N - WATCHED .. N - 1);
#if defined(SLICES_)
		select(layout : JUMP .. NOP);
#elif defined(DEBUGGER_NOP_)
		layout = NOP;
#endif
		copy_is_there(0);
		left = 2;
		run thread();
		run rest();
#if defined(COMPANY_)
		run caller(1);
#else
		run caller(0);
#endif
#if defined(SLICES_)
		run caller(0);
#elif defined(FREEZE_)
		run freezer(0);
#elif defined(LOSS_)
		if
		:: file_idle = true
		:: skip
		fi;
		run loser();
		left = 1;
#elif defined(DEBUGGER_)
		run caller(0);
		run debugger();
#elif defined(DEBUGGER_NOP_)
		left = 1;
		run debugger();
#elif defined(COPIES_) || defined(COMPANY_) || defined(COPIES_BIG_)
		C[1].mapped = true;
		armed[N - 1] = true;
		run comer(1);
#if defined(COMPANY_)
		watched = 0;
#elif defined(COPIES_BIG_)
		left = 3;
		run caller(0);
#endif
#elif defined(LEAVE_)
		copy_is_there(1);
		run goer(1);
#elif defined(GO_)
		run goer(0);
#elif defined(FORK_)
		run caller(0);
		run forker();
#elif defined(FORK_FREEZE_)
		run freezer(0);
		run forker();
#elif defined(FORK_COPIES_)
		copy_is_there(1);
		left = 1;
		run forker();
#elif defined(FORK_COPIES_BIG_)
		copy_is_there(1);
		run caller(1);
		run forker();
#endif
		see_now()
	}
}
