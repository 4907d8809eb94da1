/* SPDX-License-Identifier: MIT */
/*
 * The kernel back end, of the series in kernel-patches/: mm/code_patch.c, what
 * x86 and arm64 write, and where user_events, fork and exec meet it.  One site,
 * in the memory of a process and of its child, one key, one event.  Owns locks,
 * batches, breakpoints of ours, pages, workers, changes and who waits for them;
 * must not know of the library's walks (protocol.pml): a caller here is one that
 * changes the word and makes the system call.
 *
 * README.md beside this file says how to read it, and what is not in here.  What
 * stands between "the series" and "the rest of the world" is named as there, and
 * the test compares the names.
 *
 * Text is a byte that differs and the one where a breakpoint stands: in the
 * layout nop these are two, otherwise one, and a breakpoint hides the form.  What
 * a core has fetched is a set for each, as in protocol.pml.  A core that may have
 * both forms, with no synchronization between, executes anything (but on arm64).
 */
#include "model.pml"

/* ---- mutants: the scenario that sees it, and what is not done --------- */

#define LOCK		1	/* CALLS: code_patch_mm.lock is held for a sync */
#define READ_UNDER_LOCK	2	/* CALLS: words are read under it */
#define SYNC_TRAP	3	/* CALLS: cores are synchronized after the breakpoint */
#define SYNC_APART	4	/* CALLS: ...before a nop's breakpoint is taken back */
#define SYNC_LAST	5	/* CALLS: ...and at the end */
#define TRAPPED_FIRST	6	/* CALLS: `trapped` is set before the breakpoint */
#define BATCH_FIRST	7	/* CALLS: handlers find the batch before that */
#define BATCH_LAST	8	/* CALLS: ...and until the last synchronization */
#define HANDLERS_SHUT	9	/* CALLS: no interrupt from the trap to the look */
#define TEXT_THEN_MASK	10	/* CALLS: who is to be interrupted is read behind text */
#define SYNC_ONLY	11	/* CALLS_ARM: cores are synchronized */
#define PINNED		20	/* LOSS: pages that are to change are pinned */
#define IS_PINNED	21	/* LOSS: ...and are looked at again under the lock */
#define VMA_LOCK	22	/* LOSS: VMAs are locked, too */
#define MMAP_LOCK	23	/* LOSS: mmap_lock is held for writing */
#define LOOK_AGAIN	24	/* FOREIGN: sites are looked at again under the lock */
#define SHOWN_TO_NOBODY	25	/* FOREIGN: ...which is held while breakpoints stand */
#define BENEATH		26	/* FOREIGN: another's breakpoint on a nop stays */
#define NOT_OURS	27	/* FOREIGN: ...and is not taken for one of ours */
#define AFTER_READERS	28	/* FOREIGN: a batch is freed by RCU */
#define WORKER_LOCK	30	/* EVENT: the worker takes code_patch_mm.lock */
#define NOTED		31	/* EVENT: the word that changed is noted */
#define WAITS		32	/* EVENT: who enables waits */
#define EXPECT_AGAIN	33	/* WRITERS: a change while the work is queued counts */
#define SINCE_LOCKED	34	/* WRITERS: `since` is read with event_mutex held */
#define REQUEUE		35	/* WRITERS: the work ends when nothing is dirty */
#define REQUEUE_LOCKED	36	/* WRITERS: ...which is one step with `queued` */
#define EXPECTED_LAST	37	/* EVENT: a change is over when sites have followed */
#define QUEUE_BUSY	41	/* WRITERS: ...also of a sync that is under way */
#define AGAIN_DIRTY	38	/* SHORT: what failed is dirty again */
#define FAULT_EXPECT	39	/* FAULT: a write that a fault delays is expected */
#define FAULT_QUEUE	40	/* FAULT: ...and the work is queued after it */
#define FAULT_AGAIN	75	/* FAULT: ...also by a change that comes meanwhile */
#define FAULT_LAST	76	/* FAULT: ...of which the work is, too */
#define FAULT_STAYS	77	/* FAULT: ...and until it is written, if it faults again */
#define GET_LOCKED	50	/* REGISTER: mmap_lock is held when the first one comes */
#define CATCH_UP	51	/* REGISTER: who registers an event catches up */
#define DIRTY_LOCKED	52	/* FORK: what is dirty is taken with the lock held */
#define FORK_LOCKED	60	/* FORK: a child of one in the midst of a sync is dirty */
#define FORK_DIRTY	61	/* FORK: ...and one of a dirty parent */
#define FORK_CATCH_UP	62	/* FORK: it catches up before it runs */
#define FORK_MMAP	63	/* FORK_CALLS: text is copied under mmap_lock */
#define NOTED_LOCKED	64	/* FORK: a word is noted under the lock of its write */
#define SEQ_FIRST	65	/* FORK: the sequence is read before memory is copied */
#define SEQ_ODD		66	/* FORK: ...and an odd one counts */
#define LIST_THEN_SEQ	67	/* FORK: the child is in the list before it is read again */
#define SEQ_THEN_LIST	68	/* FORK: it is changed before the list is read */
#define FORK_FAULT	69	/* FORK_FAULT_BIG: a fault that is pending counts */
#define FORK_GRABS	70	/* FORK_EXIT_BIG: the child's work holds the mm */
#define WORK_GRABS	71	/* EXIT: the worker's does */
#define WORK_GETS	72	/* EXIT: the worker has the memory for itself */
#define EXEC_REMOVES	73	/* EXIT: exec lets go of events before the memory goes */
#define REMOVE_WAITS	74	/* EXIT: ...and waits for who writes to it */

/* ---- sizes ------------------------------------------------------------ */

#if defined(FORK_) || defined(FORK_CALLS_) || defined(FORK_FAULT_BIG_) || \
	defined(FORK_EXIT_BIG_)
#define MMS	2
#else
#define MMS	1
#endif
#ifndef ROUNDS
#define ROUNDS	1		/* enable and disable, of each caller */
#endif
#define BATCHES	3
/* How text is changed matters in some; elsewhere it is one store. */
#if defined(CALLS_) || defined(CALLS_ARM_) || defined(LOSS_) || defined(FOREIGN_) || \
	defined(FORK_CALLS_)
#define TEXT
#endif
#define TRIES	1		/* before all is done under the lock */

/* ---- what there is ---------------------------------------------------- */

#define PLAIN	0		/* what stands where a breakpoint would */
#define OURS	1
#define FOREIGN	2

byte layout;
#define JUMP	0		/* inline, dense, wide */
#define NOP	1
#define ARM64	2		/* there, any is: one store of a listed instruction */

typedef memory {
	bool alive, mapped;
	bool armed, anon;	/* the page that is mapped, and which one it is */
	byte first, page;
	byte count;		/* the word: of the library's users, */
	bool kernel;		/* and the kernel's bit */
	bool locked, vma_lock;	/* mmap_lock */
	byte readers;
	byte mm_users, mm_count;
	bool freed;
	/* struct code_patch_mm */
	bool cp, mutex, tables;
	bool dirty, queued, work;
	byte batch;
	/* struct user_event_mm */
	bool listed, faulting;
	byte references;
	/* what is promised */
	byte users;		/* enables by system call that have returned */
	bool excepted;		/* it is no fault of ours that the site is idle */
	bool lost;		/* armed too much is right */
};
memory M[MMS];

#define word(m)	(M[m].count + M[m].kernel)

typedef pending {
	bool there;
	byte first, last;
};
pending P[MMS + 1];		/* of each mm, and of memory 0's enabler */
#define FAULT	MMS

bool event_mutex, event_on;
byte seq, last_change;
byte event_change;		/* the event's last one */
bool fault_work, may_fail;
byte may_fault;			/* how often */
byte faulted;			/* the memory whose write is delayed */

typedef batch_state {
	byte is;
	bool trapped;
};
#define FREE	0
#define USED	1
#define GARBAGE	2
batch_state B[BATCHES + 1];
byte pins;			/* how many hold a page */
byte reading;			/* the batch that a handler looks at */

/* Of the watched memory: what the core has. */
byte watched;
bool has_idle, has_armed, has_plain, has_ours, has_foreign;
bool in_mask, shut;		/* it runs the process; interrupts are off */

bool file_idle;			/* the file holds the site idle */
byte calling;			/* callers that changed the word, and have no lock */
bool promised;			/* enable has returned, to who wrote to tracefs */
bool sure_on;			/* all the while that the thread is at its site */
byte left;			/* processes that are to end */
byte running;			/* the thread, as long as it may come to its site */

/* ---- text ------------------------------------------------------------- */

#define visible(m)	(layout == NOP || M[m].first == PLAIN)

inline see(m)
{
	if
	:: m == watched ->
		has_idle = has_idle || (visible(m) && !M[m].armed);
		has_armed = has_armed || (visible(m) && M[m].armed);
		has_plain = has_plain || M[m].first == PLAIN;
		has_ours = has_ours || M[m].first == OURS;
		has_foreign = has_foreign || M[m].first == FOREIGN
	:: else
	fi
}

inline see_now()
{
	d_step {
		has_idle = false; has_armed = false;
		has_plain = false; has_ours = false; has_foreign = false;
		see(watched)
	}
}

#define FORM	3

/* What; to the page that is pinned, which may not be there any more. */
inline store(m, what)
{
	d_step {
		assert(M[m].mapped);
		assert(pins || M[m].page == pinned);	/* or it may be anybody's */
		assert((layout == NOP && what == FORM) || M[m].first != FOREIGN);
		if
		:: M[m].page == pinned ->
			M[m].armed = (what == FORM -> want : M[m].armed);
			M[m].first = (what != FORM -> what :
				      (layout == NOP -> M[m].first : PLAIN));
			see(m)
		:: else
		fi
	}
}

/* What the file has comes back; who drops a page has the cores fetch anew. */
inline drop(m)
{
	d_step {
		M[m].armed = !file_idle;
		M[m].first = PLAIN;
		M[m].anon = false;
		M[m].page++;
		M[m].lost = true;
		M[m].excepted = M[m].excepted || file_idle;
		see_now()
	}
}

inline take_dirty(m)
{
	d_step { all = M[m].dirty; M[m].dirty = false }
}

/* ---- locks and references --------------------------------------------- */

inline lock(l)		{ atomic { !l -> l = true } }
inline read_lock(m)	{ atomic { !M[m].locked -> M[m].readers++ } }
inline read_unlock(m)	{ M[m].readers-- }
inline write_lock(m)
{
	atomic { !M[m].locked && M[m].readers == 0 -> M[m].locked = true }
}
inline write_unlock(m)
{
	d_step { M[m].locked = false; M[m].vma_lock = false }
}

inline drop_mm(m)
{
	d_step {
		assert(!M[m].freed);
		M[m].mm_count--;
		M[m].freed = M[m].mm_count == 0
	}
}

inline put_mm(m)
{
	atomic {
		M[m].mm_users--;
		if
		:: M[m].mm_users == 0 ->
			M[m].mapped = false;
			M[m].tables = false;
			drop_mm(m)
		:: else
		fi
	}
}

inline put_events(m)
{
	atomic {
		M[m].references--;
		if
		:: M[m].references == 0 -> drop_mm(m)
		:: else
		fi
	}
}

/* ---- the series ------------------------------------------------------- */

/* arch/x86, arch/arm64 */

inline sync_cores(m, step)
{
	atomic {
		if
		:: m == watched && (has(TEXT_THEN_MASK) -> in_mask : masked) &&
		   has(step) ->
			!shut || !has(HANDLERS_SHUT);
			see_now()
		:: else
		fi
	}
}

inline write_breakpoints(m)
{
	if
	:: layout == NOP && M[m].first == FOREIGN && has(BENEATH) -> apart = false
	:: else ->
		if
		:: has(TRAPPED_FIRST) -> B[b].trapped = true
		:: else
		fi;
		store(m, OURS);
		B[b].trapped = true;
		apart = layout == NOP
	fi
}

inline arch_code_patch_write(m)
{
	masked = in_mask;
	if
	:: layout == ARM64 -> store(m, FORM)
	:: else ->
		write_breakpoints(m);
		sync_cores(m, SYNC_TRAP);
		store(m, FORM);
		if
		:: apart ->
			sync_cores(m, SYNC_APART);
			store(m, PLAIN)
		:: else
		fi
	fi;
	if
	:: has(BATCH_LAST)
	:: else -> M[m].batch = 0
	fi;
	if
	:: layout == ARM64 -> sync_cores(m, SYNC_ONLY)
	:: else -> sync_cores(m, SYNC_LAST)
	fi
}

/* mm/code_patch.c: a sync */

#define DONE	0		/* what is to be done with the site */
#define CHANGE	1
#define SKIP	2
#define FAILED	3
#define AGAIN	4

inline look_and_judge(m)
{
	d_step {
		assert(M[m].mm_users > 0);
		if
		:: !M[m].mapped -> todo = (want -> FAILED : DONE)
		:: M[m].mapped && layout != NOP && M[m].first == FOREIGN -> todo = SKIP
		:: else ->
			todo = (M[m].armed == want -> DONE : CHANGE);
			M[m].excepted = M[m].excepted && !(want && todo == DONE)
		fi
	}
}

inline prepare(m)
{
	look_and_judge(m);
	if
	:: todo == CHANGE ->
		d_step {		/* pin_page(): copy-on-write is broken */
			if
			:: !M[m].anon && M[m].mapped ->
				M[m].anon = true;
				M[m].page++;
				see_now()
			:: else
			fi;
			pinned = M[m].page;
			pins = pins + (!holds && has(PINNED));
			holds = has(PINNED)
		}
	:: else
	fi
}

inline alloc_batch()
{
	atomic {
		b = 1;
		do
		:: b <= BATCHES && (B[b].is == USED || (B[b].is == GARBAGE && reading == b)) ->
			b++
		:: else -> break
		od;
		b <= BATCHES;
		B[b].is = USED;
		B[b].trapped = false
	}
}

inline commit(m)
{
	M[m].vma_lock = has(VMA_LOCK);
	if
	:: has(LOOK_AGAIN) -> look_and_judge(m)
	:: else
	fi;
	if
	:: todo == CHANGE && has(IS_PINNED) && !(M[m].page == pinned && M[m].anon) ->
		todo = AGAIN
	:: todo == CHANGE && !(has(IS_PINNED) && !(M[m].page == pinned && M[m].anon)) ->
		if
		:: has(BATCH_FIRST) -> M[m].batch = b
		:: else
		fi;
		arch_code_patch_write(m);
		d_step {
			M[m].batch = 0;
			M[m].excepted = M[m].excepted && !want
		}
	:: else
	fi
}

#ifndef TEXT
inline change_batch(m)
{
	write_lock(m);
	look_and_judge(m);
	if
	:: todo == CHANGE ->
		d_step {
			M[m].armed = want;
			M[m].excepted = M[m].excepted && !want
		};
		if
		:: m == watched -> see_now()
		:: else
		fi
	:: else
	fi;
	atomic {
		M[m].locked = false;
		error = todo == FAILED;
		todo = DONE
	}
}
#else
inline change_batch(m)
{
	tries = 0;
	alloc_batch();
	do
	:: true ->
		if		/* prepare_and_commit_locked() */
		:: tries == TRIES -> write_lock(m)
		:: tries < TRIES -> read_lock(m)
		fi;
		prepare(m);
		if
		:: tries < TRIES -> read_unlock(m)
		:: else
		fi;
		if
		:: todo != CHANGE -> commits = false; break
		:: else -> commits = true
		fi;
		if
		:: tries < TRIES && has(MMAP_LOCK) && has(SHOWN_TO_NOBODY) -> write_lock(m)
		:: else
		fi;
		commit(m);
		if
		:: todo != AGAIN || tries == TRIES -> break
		:: else ->
			if
			:: has(MMAP_LOCK) && has(SHOWN_TO_NOBODY) -> write_unlock(m)
			:: else
			fi;
			d_step { pins = pins - holds; holds = false; tries++ }
		fi
	od;
	if
	:: tries == TRIES || (commits && has(MMAP_LOCK) && has(SHOWN_TO_NOBODY)) ->
		write_unlock(m)
	:: else
	fi;
	atomic {			/* kvfree_rcu() */
		B[b].is = (has(AFTER_READERS) -> GARBAGE : FREE);
		assert(reading != b || B[b].is == GARBAGE);
		pins = pins - holds;
		holds = false;
		commits = false;
		b = 0;
		pinned = 0;
		tries = 0;
		error = todo == FAILED;
		todo = DONE
	}
}
#endif

inline sync_keys(m)
{
	atomic {
		want = (has(READ_UNDER_LOCK) -> word(m) > 0 : want);
		error = false
	};
	if
	:: M[m].tables -> change_batch(m)
	:: else
	fi;
	want = false
}

inline code_patch_find()
{
	atomic { b = M[watched].batch; reading = b };
	atomic {
		if
		:: b ->
			assert(B[b].is == USED || B[b].is == GARBAGE);
			found = B[b].trapped || !has(NOT_OURS)
		:: else -> found = false
		fi;
		reading = 0;
		b = 0;
		shut = false
	}
}

/* The system call */

inline code_patch_get(m)
{
	if
	:: has(GET_LOCKED) -> write_lock(m); M[m].cp = true; write_unlock(m)
	:: else -> M[m].cp = true
	fi
}

inline code_patch_sync_op(m)
{
	atomic {
		want = word(m) > 0;
		if
		:: has(LOCK) -> !M[m].mutex -> M[m].mutex = true
		:: else
		fi;
		calling--
	};
	sync_keys(m);
	M[m].mutex = false
}

inline register_table(m)
{
	code_patch_get(m);
	lock(M[m].mutex);
	want = word(m) > 0;
	M[m].tables = true;
	change_batch(m);
	M[m].mutex = false
}

/* Changes by the kernel */

inline code_patch_expect(p, change)
{
	d_step {
		if
		:: !P[p].there ->
			P[p].there = true; P[p].first = change; P[p].last = change
		:: P[p].there && has(EXPECT_AGAIN) ->
			P[p].first = (change < P[p].first -> change : P[p].first);
			P[p].last = (change > P[p].last -> change : P[p].last)
		:: else
		fi
	}
}

inline code_patch_expected(p)
{
	d_step { P[p].there = false; P[p].first = 0; P[p].last = 0 }
}

#define is_pending(p, since, until)	\
	(P[p].there && P[p].first <= until && P[p].last > since)

inline code_patch_wait()
{
	until = last_change;
	if
	:: has(WAITS) -> atomic {
		!is_pending(0, since, until) && !is_pending(MMS - 1, since, until) &&
			!is_pending(FAULT, since, until)
		}
	:: else
	fi;
	until = 0
}

/* seen: mm->code_patch, which a CPU may have read before it wrote the word */
inline code_patch_key_changed(m)
{
	M[m].dirty = M[m].dirty || (seen && has(NOTED));
	seen = false
}

inline sync_dirty(m)
{
	atomic {
		assert(!M[m].freed);
		if
		:: has(DIRTY_LOCKED) -> take_dirty(m)
		:: else
		fi
	};
	if
	:: all ->
		if
		:: may_fail -> may_fail = false; error = true
		:: true -> sync_keys(m); error = false
		fi;
		atomic {
			M[m].dirty = M[m].dirty || (error && has(AGAIN_DIRTY));
			all = false
		}
	:: else
	fi
}

inline code_patch_queue(m, change)
{
	atomic {
		if
		:: M[m].cp && (M[m].dirty || (M[m].mutex && has(QUEUE_BUSY))) ->
			code_patch_expect(m, change);
			if
			:: !M[m].queued ->
				M[m].queued = true;
				M[m].mm_count = M[m].mm_count + has(WORK_GRABS);
				M[m].work = true
			:: else
			fi
		:: else
		fi
	}
}

inline code_patch_catch_up(m)
{
	if
	:: M[m].cp ->
		if
		:: has(DIRTY_LOCKED)
		:: else -> take_dirty(m)
		fi;
		lock(M[m].mutex);
		sync_dirty(m);
		M[m].mutex = false;
		if
		:: error -> code_patch_queue(m, last_change); error = false
		:: else
		fi
	:: else
	fi
}

inline code_patch_requeue(m)
{
	atomic {
		assert(!M[m].freed);
		if
		:: has(EXPECTED_LAST)
		:: else -> code_patch_expected(m)
		fi;
		if
		:: M[m].dirty && !over && has(REQUEUE) -> M[m].work = true
		:: else -> if
			:: has(REQUEUE_LOCKED) -> skip
			:: else -> goto apart_
			fi;
			M[m].queued = false;
			code_patch_expected(m);
			if
			:: has(WORK_GRABS) -> drop_mm(m)
			:: else
			fi
		fi;
		goto next
	};
apart_:	atomic { M[m].queued = false; code_patch_expected(m); drop_mm(m) };
next:	skip
}

#ifndef TEXT
proctype code_patch_work(byte m)
{
	byte b, pinned, tries, todo;
	bool want, error, apart, masked, all, over;

end:	do
	:: atomic { M[m].work -> M[m].work = false };
		if
		:: has(EXPECTED_LAST)
		:: else -> code_patch_expected(m)
		fi;
		atomic {		/* mmget_not_zero() */
			assert(!M[m].freed);
			over = M[m].mm_users == 0 && has(WORK_GETS);
			M[m].mm_users = M[m].mm_users + (!over && has(WORK_GETS))
		};
		if
		:: !over ->
			if
			:: has(DIRTY_LOCKED)
			:: else -> take_dirty(m)
			fi;
			if
			:: has(WORKER_LOCK) -> lock(M[m].mutex)
			:: else
			fi;
			sync_dirty(m);
			M[m].mutex = (has(WORKER_LOCK) -> false : M[m].mutex);
			if
			:: has(WORK_GETS) -> put_mm(m)
			:: else
			fi
		:: else
		fi;
		atomic { error = false };
		code_patch_requeue(m);
		over = false
	od
}
#endif

/* kernel/trace/trace_events_user.c, with event_mutex held */

inline user_event_enabler_write(m)
{
	if
	:: !M[m].listed
	:: M[m].listed && M[m].faulting ->
		if
		:: has(FAULT_AGAIN) -> code_patch_expect(FAULT, event_change)
		:: else
		fi
	:: M[m].listed && !M[m].faulting ->
		if
		:: may_fault && m == 0 ->
			atomic {
				may_fault--;
				M[m].faulting = true;
				if
				:: has(FAULT_EXPECT) ->
					code_patch_expect(FAULT, event_change)
				:: else
				fi;
				faulted = m;
				fault_work = true
			}
		:: true ->
			seen = M[m].cp;
			atomic {
				assert(M[m].mm_users > 0 && !M[m].freed);
				M[m].kernel = event_on;
				if
				:: has(NOTED_LOCKED) -> code_patch_key_changed(m)
				:: else
				fi
			}
		fi
	fi
}

inline user_event_enabler_update()
{
	atomic {
		seq = seq + has(SEQ_THEN_LIST);
		last_change++;
		event_change = last_change
	};
	/* user_event_mm_get_all() */
	atomic {
		m = 0;
		do
		:: m < MMS ->
			mine[m] = M[m].listed;
			M[m].references = M[m].references + M[m].listed;
			m++
		:: else -> break
		od;
		m = 0
	};
	if
	:: has(SEQ_THEN_LIST)
	:: else -> seq++
	fi;
	do
	:: m < MMS && mine[m] ->
		read_lock(m);
		user_event_enabler_write(m);
		code_patch_queue(m, event_change);
		read_unlock(m);
		if
		:: has(NOTED_LOCKED)
		:: else -> code_patch_key_changed(m); code_patch_queue(m, event_change)
		fi;
		atomic { put_events(m); mine[m] = false }
	:: m < MMS && !mine[m] -> m++
	:: m == MMS -> break
	od;
	atomic { seq++; m = 0 }
}

#ifndef TEXT
proctype user_event_enabler_fault_fixup()
{
	byte m;
	bool seen;

end:	do
	:: atomic { fault_work -> fault_work = false };
		lock(event_mutex);
		seq++;
		atomic {
			m = faulted;
			M[m].faulting = false
		};
		read_lock(m);
		user_event_enabler_write(m);
		if
		:: has(FAULT_QUEUE) ->
			code_patch_queue(m, P[FAULT].first);
			if
			:: has(FAULT_LAST) -> code_patch_queue(m, P[FAULT].last)
			:: else
			fi
		:: else
		fi;
		read_unlock(m);
		if
		:: !M[m].faulting || !has(FAULT_STAYS) -> code_patch_expected(FAULT)
		:: else
		fi;
		seq++;
		event_mutex = false
	od
}
#endif

inline user_event_mm_remove(m)
{
	M[m].listed = false;
	if
	:: has(REMOVE_WAITS) -> write_lock(m); write_unlock(m)
	:: else
	fi;
	put_events(m)
}

/* kernel/trace/trace_events.c */

inline event_enable_write(on)
{
	atomic {
		!event_mutex -> event_mutex = true;
		since = last_change;
		event_on = on;
		promised = false;
		sure_on = sure_on && M[watched].users > 0
	};
	user_event_enabler_update();
	atomic {
		change = last_change;
		event_mutex = false;
		since = (has(SINCE_LOCKED) -> since : last_change)
	};
	code_patch_wait();
	atomic {
		promised = promised || (on && event_on && last_change == change);
		since = 0;
		change = 0
	}
}

/* ---- the rest of the world -------------------------------------------- */

/* Reaches the site, and executes what its core has of it. */
proctype thread()
{
	byte b;
	bool found, ours;

	if
	:: !in_mask -> in_mask = true; see_now()	/* loads CR3 */
	:: else
	fi;
	atomic {
		M[watched].alive && M[watched].mapped;
		sure_on = (M[watched].users > 0 || promised) && !M[watched].excepted;
		if
		:: has_plain ->
			assert(!has_idle || !has_armed || layout == ARM64);
			if
			:: has_idle -> assert(!sure_on); goto away
			:: has_armed -> goto test
			fi
		:: has_ours -> ours = true
		:: has_foreign
		fi;
		shut = true
	};
	code_patch_find();
	assert(found == ours);
	if
	:: found			/* to the block that an armed site jumps to */
	:: else -> goto away		/* SIGTRAP, its owner's */
	fi;
test:	assert(word(watched) > 0 || !sure_on);
away:	atomic { sure_on = false; running-- }
}

/* Two commands that change the key; of memory 0. */
proctype caller()
{
	byte b, pinned, tries, todo, n;
	bool want, error, apart, masked, holds, commits, back;

	do
	:: n == 2 * ROUNDS -> break
	:: else ->
		atomic {
			if
			:: n % 2 == 0 -> M[0].count++
			:: else ->
				if
				:: !back ->
					M[0].users--;
					sure_on = sure_on && (M[0].users > 0 || promised)
				:: else
				fi;
				M[0].count--
			fi;
			calling++
		};
		code_patch_sync_op(0);
		atomic {
			if
			:: n % 2 == 0 && !error -> M[0].users++
			:: else
			fi;
			back = n % 2 == 0 && error;
			error = false;
			n++
		}
	od;
	atomic { left-- }
}

#ifndef TEXT
/* root, at tracefs: from what it is to what it is not, and back */
proctype writer(bool on; byte times)
{
	byte m, since, until, change;
	bool seen, mine[MMS];

	do
	:: times == 0 -> break
	:: else ->
		event_enable_write(on);
		atomic { on = !on; times-- }
	od;
	left--
}

/* A program that registers its table and its event, in either order */
proctype program()
{
	byte b, pinned, tries, todo, m, did;
	bool want, error, apart, masked, all, seen;

	do
	:: (did & 1) == 0 -> register_table(0); did = did | 1
	:: (did & 2) == 0 ->		/* user_event_enabler_create() */
		lock(event_mutex);
		seq++;
		read_lock(0);
		seen = M[0].cp;
		M[0].kernel = event_on;
		code_patch_key_changed(0);
		read_unlock(0);
		M[0].listed = true;
		seq++;
		event_mutex = false;
		if
		:: has(CATCH_UP) -> code_patch_catch_up(0)
		:: else
		fi;
		did = did | 2
	:: did == 3 -> break
	od;
	atomic { M[0].alive = true; left-- }
}
#endif

proctype loser()
{
	if
	:: read_lock(0); drop(0); read_unlock(0)	/* madvise() */
	:: atomic { !M[0].vma_lock -> drop(0) }		/* ...under the VMA's lock */
	:: atomic { !pins -> M[0].page++ }		/* reclaim; it comes back */
	:: write_lock(0);				/* munmap(), mremap() */
		atomic {
			M[0].mapped = false;
			M[0].excepted = true;
			M[0].lost = true;
			running--
		};
		write_unlock(0)
	fi;
	left--
}

/* Has stopped all threads; and so has who forgets to. */
proctype debugger()
{
	bool saved;

	read_lock(0);
	atomic {
		!shut;
		assert(M[0].first != OURS);
		saved = M[0].armed;
		if
		:: !M[0].anon -> M[0].anon = true; M[0].page++
		:: else
		fi;
		M[0].first = FOREIGN;
		M[0].excepted = M[0].excepted || layout != NOP;
		M[0].lost = M[0].lost || layout != NOP;
		see_now()
	};
	read_unlock(0);
	read_lock(0);
	atomic {
		!shut;
		assert(M[0].first != OURS);
		M[0].armed = (layout == NOP -> M[0].armed : saved);
		M[0].first = PLAIN;
		see_now()
	};
	read_unlock(0);
	left--
}

/* copy_process(), and the child until it runs */
#if MMS == 2
proctype forker(bool exits)
{
	byte b, pinned, tries, todo, s;
	bool want, error, apart, masked, holds, commits, all, seen, resync, task_work;

	if
	:: has(SEQ_FIRST) -> s = seq
	:: else
	fi;
	if
	:: has(FORK_MMAP) -> write_lock(0)
	:: else
	fi;
	d_step {			/* code_patch_dup_mmap() */
		assert(M[0].first != OURS);
		M[1].armed = M[0].armed; M[1].first = M[0].first;
		M[1].mapped = M[0].mapped;
		M[1].count = M[0].count; M[1].kernel = M[0].kernel;
		M[1].users = M[0].users;
		/* Who had no lock yet: the library's fork handlers see to that */
		M[1].excepted = M[0].excepted || calling > 0;
		M[1].lost = M[0].lost || calling > 0;
		M[1].cp = M[0].cp; M[1].tables = M[0].tables;
		M[1].dirty = (M[0].dirty && has(FORK_DIRTY)) ||
			     (M[0].mutex && has(FORK_LOCKED));
		M[1].mm_users = 1; M[1].mm_count = 1;
		if
		:: watched == 1 -> see_now()
		:: else
		fi
	};
	M[0].locked = M[0].locked && !has(FORK_MMAP);
	s = (has(SEQ_FIRST) -> s : seq);
	/* user_event_mm_dup() */
	atomic {
		resync = ((s & 1) && has(SEQ_ODD)) || (M[0].faulting && has(FORK_FAULT));
		resync = resync || (!has(LIST_THEN_SEQ) && s != seq)
	};
	atomic { M[1].listed = true; M[1].mm_count++; M[1].references = 1 };
	if
	:: resync || (s != seq && has(LIST_THEN_SEQ)) ->
		lock(event_mutex);
		read_lock(1);
		user_event_enabler_write(1);
		read_unlock(1);
		event_mutex = false
	:: else
	fi;
	/* code_patch_fork() */
	atomic {
		task_work = M[1].dirty && has(FORK_CATCH_UP);
		M[1].mm_count = M[1].mm_count + (task_work && has(FORK_GRABS))
	};
	if
	:: exits ->			/* it is killed before it runs */
		user_event_mm_remove(1);
		put_mm(1);
		running--
	:: true ->
		if
		:: task_work -> code_patch_catch_up(1)
		:: else
		fi;
		M[1].alive = true
	fi;
	if
	:: task_work && has(FORK_GRABS) -> assert(!M[1].freed); drop_mm(1)
	:: task_work && !has(FORK_GRABS) -> assert(!M[1].freed)
	:: else
	fi;
	left--
}

#endif

/* exit() or exec() of the last thread */
proctype leaver()
{
	M[0].alive = false;
	running--;
	if
	:: has(EXEC_REMOVES) -> user_event_mm_remove(0); put_mm(0)
	:: else -> put_mm(0); user_event_mm_remove(0)
	fi;
	left--
}

inline agree(m)
{
	assert(!M[m].locked && !M[m].readers && !M[m].mutex && !M[m].batch);
	assert(!M[m].queued && !M[m].work && !P[m].there);
	assert(M[m].first == PLAIN);
	assert(!M[m].mapped || M[m].armed || word(m) == 0 || M[m].excepted);
	assert(!M[m].mapped || !M[m].armed || word(m) > 0 || M[m].lost);
	assert(!M[m].listed || M[m].kernel == event_on);
	assert(M[m].freed == (M[m].mm_users == 0));
	assert(!M[m].dirty || M[m].mm_users == 0)
}

proctype rest()
{
	timeout;
	d_step {
		assert(left == 0 && (running == 0 || running == 255));
		assert(!event_mutex && !(seq & 1) && !P[FAULT].there && !reading);
		agree(0);
		if
		:: MMS == 2 -> agree(MMS - 1)
		:: else
		fi
	}
}

inline is_there(m)
{
	M[m].mapped = true; M[m].mm_users = 1; M[m].mm_count = 1;
	M[m].armed = !file_idle
}

inline is_ready(m)
{
	M[m].alive = true; M[m].cp = true; M[m].tables = true; M[m].armed = false;
	M[m].anon = true
}

inline has_event(m)
{
	M[m].listed = true; M[m].references = 1; M[m].mm_count++
}

init {
	atomic {
		ask_for_mutant();
#if defined(TEXT) && !defined(CALLS_ARM_)
		select(layout : JUMP .. NOP);
#else
		layout = ARM64;
#endif
#if defined(CALLS_) || defined(CALLS_ARM_)
		if
		:: in_mask = true
		:: skip
		fi;
#else
		in_mask = true;
#endif
		running = 1;
		is_there(0);
#if !defined(REGISTER_)
		is_ready(0);
#endif
#if !defined(CALLS_) && !defined(CALLS_ARM_) && !defined(LOSS_) && !defined(FOREIGN_) && \
	!defined(FORK_CALLS_)
		has_event(0);
		run code_patch_work(0);
#endif
#if defined(FORK_) || defined(FORK_FAULT_BIG_) || defined(FORK_EXIT_BIG_)
		M[1].alive = false;
		run code_patch_work(1);
#endif
#if defined(CALLS_) || defined(CALLS_ARM_)
		left = 2;
		run caller();
		run caller();
#elif defined(LOSS_)
		if
		:: file_idle = true
		:: skip
		fi;
		left = 2;
		run caller();
		run loser();
#elif defined(FOREIGN_)
		left = 2;
		run caller();
		run debugger();
#elif defined(EVENT_)
		left = 2;
		run caller();
		run writer(true, 2);
#elif defined(WRITERS_)
		left = 2;
		run writer(true, 1);
		run writer(false, 2);
#elif defined(SHORT_)
		may_fail = true;
		left = 1;
		run writer(true, 2);
#elif defined(FAULT_)
		may_fault = 2;
		left = 2;
		run writer(true, 1);
		run writer(false, 2);
		run user_event_enabler_fault_fixup();
#elif defined(REGISTER_)
		M[0].listed = false;
		left = 2;
		run program();
		run writer(true, 1);
#elif defined(FORK_)
		watched = 1;
		left = 2;
		run writer(true, 1);
		run forker(false);
#elif defined(FORK_CALLS_)
		select(watched : 0 .. 1);
		left = 2;
		run caller();
		run forker(false);
#elif defined(FORK_FAULT_BIG_)
		watched = 1;
		may_fault = 1;
		left = 2;
		run writer(true, 1);
		run user_event_enabler_fault_fixup();
		run forker(false);
#elif defined(FORK_EXIT_BIG_)
		watched = 1;
		left = 2;
		run writer(true, 1);
		run forker(true);
#elif defined(EXIT_)
		left = 2;
		run writer(true, 1);
		run leaver();
#endif
		see_now();
		run thread();
		run rest()
	}
}
