/* SPDX-License-Identifier: MIT */
/*
 * side_jmp: conditions that cost a no-op until somebody wants them.
 *
 *	#include <side_jmp.h>
 *
 *	SIDE_JMP_KEY(slow_request);
 *
 *	if (side_jmp_unlikely(slow_request))
 *		report(request);
 *
 *	side_jmp_enable(&slow_request);		from now on report() is called
 *	side_jmp_disable(&slow_request);	and the no-op is back
 *
 * Link with -lside_jmp (pkg-config side_jmp).
 *
 *
 * SITES AND KEYS
 *
 * A *key* is a word in memory: 0 is disabled, anything else enabled.  A *site*
 * is a place in the code, written side_jmp_unlikely(key), an expression that
 * is true while the key is enabled.  Many sites may ask for one key.
 *
 * The instruction at a site has two states:
 *
 *   armed  a jump to a cold block that loads the word, tests it and goes on
 *          to one path or the other.  Right for every value of the word.  It
 *          is what the compiler emits and what the file on disk holds.
 *   idle   a no-op: the disabled path.  Only while the word is 0.
 *
 * The library patches sites that nobody wants to idle when a program or shared
 * library is loaded, and back to armed when their key is enabled.  Where it
 * can't patch (no permission, no support, no port for this architecture)
 * sites stay armed: the program is right, and slower by a load and a test.
 *
 *
 * THE GUARANTEE
 *
 * When side_jmp_enable() returns 0, every thread that from then on reaches a
 * site of that key takes the enabled path, until the key's last user has
 * called side_jmp_disable().  An enable that can't arm every site changes
 * nothing and returns an error.  Not covered: a site under a debugger's
 * breakpoint (it is skipped, counted, and tried again at every change of the
 * key), and processes that share memory without sharing this library's state.
 * Between a change of the word and the return of the call a thread takes
 * either path.  After side_jmp_disable() returns, sites of the key take the
 * disabled path unless someone else still wants them.
 *
 * A library that is unloaded takes its sites with it, and a process that ends
 * takes all of them; nothing is written then.  From the moment its destructors
 * give up its table (priority 101: after all that have none) until its code is
 * gone, its sites stay as they are: of a key that is enabled they go on taking
 * the enabled path, and the other after a disable; of one that is not they
 * take the disabled path, whatever happens to the key.
 *
 *
 * LAYOUTS
 *
 * Chosen per translation unit, before the header is included:
 *
 *   (default)                    inline: the patchable instruction stands in
 *                                the hot path.  Idle: one 5-byte no-op.
 *   #define SIDE_JMP_LAYOUT_DENSE   it stands in the section
 *                                side_jmp_modify_code and the hot path jumps
 *                                there and back: dearer, but patching dirties
 *                                few pages.  For programs whose text is
 *                                shared by many processes.
 *   #define SIDE_JMP_LAYOUT_WIDE    load, test and branch in line, and one
 *                                instruction that toggles the load away.  For
 *                                programs that mostly run enabled, or where
 *                                patching is not possible.
 *   #define SIDE_JMP_LAYOUT_NOP     as inline, and a true no-op when idle
 *                                where inline's is an instruction of which
 *                                nothing is used.  x86-64: 8 bytes instead of
 *                                5, no adder taken, no register waited for.
 *                                For few sites in hot code; where thousands
 *                                are passed in turn the bytes cost more.  On
 *                                the others inline is that, and is taken.
 *
 * All layouts mean the same, and keys may be shared between them.
 *
 * A site keeps the compiler from vectorizing the loop that it stands in, as
 * every asm goto does.
 *
 *
 * THREADS, SIGNALS, FORK
 *
 * Every function here may be called from any thread at any time, from
 * constructors and destructors, from signal handlers, and from the handlers of
 * pthread_atfork().  None of them prints, exits, aborts or is a cancellation
 * point.  Work on many sites is done in slices of half a millisecond or so:
 * between two, other threads get their turn and this one its signals; in there
 * a thread must not be cancelled asynchronously, nor a handler leave by
 * longjmp().
 *
 * fork() and everything built on it may be called at any moment, and costs the
 * same whatever the number of keys.  The child starts with its parent's keys
 * and text, which agree, and may change both; a call of another thread that was
 * under way is as good as done for the keys that it had come to.  _Fork() and a
 * raw clone() without CLONE_VM are safe only while no other thread is in one of
 * these functions.  fork() waits for calls of other threads: who holds a lock
 * that a fork handler of his own takes calls nothing here, unless this library
 * was there before that handler was registered (then its own comes last).
 * A library that links this one statically and is unloaded while other
 * threads fork() must itself be linked with -z nodelete: libc calls fork
 * handlers without holding on to the library that they are in.
 *
 *
 * TEXT THAT MOVES
 *
 * Text has to stay what it was when its object was loaded: readable, and mapped
 * from the file.  Programs that move it into other memory (for huge pages, say)
 * call side_jmp_freeze() before.  Otherwise: in shared memory, which the kernel
 * lets nobody write to, enabling a key with an idle site there is -EIO; in
 * private memory keys go on working, but what was copied is no armed original
 * that could be fallen back to when the right to patch is lost.
 *
 *
 * LOSING THE RIGHT TO PATCH
 *
 * A process that calls setuid(), chroot(), prctl(PR_SET_DUMPABLE, 0) or
 * installs a seccomp filter may lose the means to change its own text, and
 * with it the means to enable.  Then side_jmp_enable() tries its last resort
 * (dropping the changed page, so that the armed original comes back from the
 * file) and otherwise returns an error.  Under a seccomp filter that kills,
 * even the try is fatal.  Call side_jmp_freeze() before: it arms everything
 * and ends patching; keys go on working, as tests.  (And to unregister a tracer
 * of events takes no membarrier(2) any more.)
 *
 *
 * PREPARED FILES
 *
 * side-jmp prepare(1) makes sites idle in the file itself: such a program
 * starts without patching, and its text stays shared with the file.  Enabling
 * arms them as any others.  What is lost is the armed original to fall back
 * to: where nobody can patch (SIDE_JMP_BACKEND=none, PR_SET_MDWE, rights that
 * were lost, a library that is loaded after side_jmp_freeze()) enabling such a
 * key changes nothing and returns -EPERM, and so does side_jmp_freeze() before
 * it has frozen.  A library that comes when a key that it shares is enabled
 * already, and that can't be armed, is counted in side_jmp_info.refused.  And
 * whoever else drops changed pages of the text makes these sites idle again.
 *
 *
 * ENVIRONMENT (ignored in secure execution: setuid, file capabilities)
 *
 *   SIDE_JMP_BACKEND=kernel|self|none
 *	Who may patch: the kernel's system call, this library through
 *	/proc/self/mem, or nobody.  Default: the first that works.
 *   SIDE_JMP_CONTROL=1
 *	Be controlled: see side_jmp_control_start().
 *   SIDE_JMP_DIRTY_PAGES=N
 *	How many pages of text may be changed (and so be private to this
 *	process instead of shared with the file); default
 *	SIDE_JMP_DIRTY_PAGES_DEFAULT.  Sites beyond stay armed.
 */
#ifndef SIDE_JMP_H
#define SIDE_JMP_H

/*
 * Our macros expand to what -Wpedantic, -Wold-style-cast and their like would
 * complain about in your code; with this, it is ours, -I or -isystem.
 */
#pragma GCC system_header

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "side_jmp/push.h"

/* A copy of the library for one object keeps its functions there. */
#ifdef SIDE_JMP_HIDDEN_API_
#define SIDE_JMP_API_BEGIN_	_Pragma("GCC visibility push(hidden)")
#else
#define SIDE_JMP_API_BEGIN_	_Pragma("GCC visibility push(default)")
#endif
#define SIDE_JMP_API_END_	_Pragma("GCC visibility pop")

#ifdef __cplusplus
extern "C" {
#endif
SIDE_JMP_API_BEGIN_

/* ------------------------------------------------------------------------
 * Keys
 */

#define SIDE_JMP_KEY_VERSION		1
/* Somebody sets the word without a sync: its sites stay armed. */
#define SIDE_JMP_KEY_ARMED		0x1
/* More than one copy of the library has sites of it. */
#define SIDE_JMP_KEY_SHARED		0x2
/* One of its users is live control, side-jmp enable(1). */
#define SIDE_JMP_KEY_CONTROLLED		0x4

struct side_jmp_subscriber;

/*
 * A key.  Define it with one of the macros below and pass its address around;
 * its layout is ABI, but only tracers have a reason to look inside.
 *
 * The word's top bit (31 or 63) belongs to the kernel, the bits below to this
 * library, which counts the users that want the key there.  Everyone changes it
 * atomically; a site is wanted if and only if the whole word is not 0.
 */
struct side_jmp_key {
	__extension__ union {
		uint32_t word32;
		/* aligned: an atomic also where 64-bit integers are not */
		uint64_t word64 __attribute__((__aligned__(8)));
	};
	uint32_t lock;		/* guards `subscribers`, and writes of `flags` */
	uint16_t version;	/* SIDE_JMP_KEY_VERSION */
	uint8_t width;		/* bits of the word: 32 or 64 */
	uint8_t flags;		/* SIDE_JMP_KEY_*; atomic */
	struct side_jmp_subscriber *subscribers;
	const char *name;
#ifdef __cplusplus	/* what a site of it has to know, see below */
	enum { side_jmp_bits_ = 32, side_jmp_shared_ = 0 };
#endif
};

typedef uint32_t side_jmp_word_32_;
typedef uint64_t side_jmp_word_64_ __attribute__((__aligned__(8)));

/* What stands in a function's code, also where -finstrument-functions is at work. */
#define SIDE_JMP_WITHIN_ \
	__attribute__((__always_inline__, __no_instrument_function__))

#define SIDE_JMP_HIDDEN		__attribute__((__visibility__("hidden")))
#define SIDE_JMP_EXPORTED	__attribute__((__visibility__("default")))

/*
 * A site names its key by 32 bits, and x86-64's medium code model would put a
 * key beyond their reach if -mlarge-data-threshold is as small as that.
 */
#if defined(__code_model_medium__) && !defined(__clang__)
#define SIDE_JMP_NEAR_		__attribute__((__section__(".data")))
#define SIDE_JMP_NEAR_SLOT_	__attribute__((__section__(".data.rel.ro")))
#else
#define SIDE_JMP_NEAR_
#define SIDE_JMP_NEAR_SLOT_
#endif

/*
 * A key's declaration tells a site two things about it that the compiler has
 * to know: the bytes of its word, and whether it is in this object (1: then a
 * site's record points at the key) or may be in another (2: then it points at a
 * slot, which holds the key's address).  In C sizes of two that are called after
 * the key say so, types or (of which clang does not mind two in C99) variables that
 * are defined nowhere; in C++ the key's own type.
 */
#if defined(__clang__) && !defined(__cplusplus)
#define SIDE_JMP_FACT_		extern
#else
#define SIDE_JMP_FACT_		__extension__ typedef
#endif
#define SIDE_JMP_KEY_FACTS_(fact, name, bits, place) \
	fact char side_jmp_word_of_##name[bits / 8] __attribute__((__unused__)); \
	fact char side_jmp_place_of_##name[place] __attribute__((__unused__)); \
	fact char SIDE_JMP_BY_NAME_(name)[1] __attribute__((__unused__))

/* What is not a key's name makes an error of this. */
#define SIDE_JMP_BY_NAME_(name)	name_a_key_here_or_ask_side_jmp_enabled__not_##name

/* Of a key that is defined by hand. */
#define SIDE_JMP_KEY_INIT_(name, bits) \
	{ { 0 }, 0, SIDE_JMP_KEY_VERSION, bits, 0, NULL, #name }

#ifdef __cplusplus
#define SIDE_JMP_KEY_32_		struct side_jmp_key
#define SIDE_JMP_KEY_64_		side_jmp_detail::side_jmp_key_<64>
#define SIDE_JMP_INIT_32_(text) \
	= { { 0 }, 0, SIDE_JMP_KEY_VERSION, 32, 0, NULL, text }
#define SIDE_JMP_INIT_64_(text)		(text)
#define SIDE_JMP_SLOT_DECLARED_(name)
#else
#define SIDE_JMP_KEY_32_		struct side_jmp_key
#define SIDE_JMP_KEY_64_		struct side_jmp_key
#define SIDE_JMP_INIT_32_(text) \
	= { { 0 }, 0, SIDE_JMP_KEY_VERSION, 32, 0, NULL, text }
#define SIDE_JMP_INIT_64_(text) \
	= { { 0 }, 0, SIDE_JMP_KEY_VERSION, 64, 0, NULL, text }
#define SIDE_JMP_SLOT_DECLARED_(name) \
	extern struct side_jmp_key *const name##_side_jmp_slot SIDE_JMP_HIDDEN;
#endif

/* In a class it is an error, which says what to write. */
#ifdef __cplusplus
#define SIDE_JMP_NO_MEMBER_(name) \
	extern char side_jmp_in_a_class_write_SIDE_JMP_KEY_MEMBER__##name[1] \
		__attribute__((__unused__));
#else
#define SIDE_JMP_NO_MEMBER_(name)
#endif

#define SIDE_JMP_KEY_DECLARE_(name, bits) \
	extern SIDE_JMP_KEY_##bits##_ name SIDE_JMP_HIDDEN SIDE_JMP_NEAR_; \
	SIDE_JMP_SLOT_DECLARED_(name) \
	SIDE_JMP_KEY_FACTS_(SIDE_JMP_FACT_, name, bits, 1)
#define SIDE_JMP_KEY_DEFINE_(name, bits, text) \
	SIDE_JMP_NO_MEMBER_(name) \
	SIDE_JMP_KEY_DECLARE_(name, bits); \
	SIDE_JMP_KEY_##bits##_ name SIDE_JMP_INIT_##bits##_(text)
#define SIDE_JMP_KEY_STATIC_(name, bits, text) \
	SIDE_JMP_NO_MEMBER_(name) \
	static SIDE_JMP_KEY_##bits##_ name SIDE_JMP_NEAR_ \
		SIDE_JMP_INIT_##bits##_(text); \
	SIDE_JMP_SLOT_DECLARED_(name) \
	SIDE_JMP_KEY_FACTS_(typedef, name, bits, 1)

#ifdef __cplusplus
#define SIDE_JMP_KEY_EXTERN_(name, bits) \
	struct name##_side_jmp_type; \
	extern struct name##_side_jmp_type name SIDE_JMP_EXPORTED; \
	struct name##_side_jmp_type : side_jmp_detail::side_jmp_key_<bits> { \
		enum { side_jmp_shared_ = 1 }; \
		constexpr explicit name##_side_jmp_type(const char *side_jmp_name_) : \
			side_jmp_detail::side_jmp_key_<bits>(side_jmp_name_) { } \
		static constexpr name##_side_jmp_type &side_jmp_self_() \
		{ \
			return name; \
		} \
	}; \
	SIDE_JMP_KEY_FACTS_(SIDE_JMP_FACT_, name, bits, 2)
#define SIDE_JMP_KEY_EXPORTED_(name, bits) \
	SIDE_JMP_EXPORTED struct name##_side_jmp_type name(#name)
#else
#define SIDE_JMP_KEY_EXTERN_(name, bits) \
	extern struct side_jmp_key name SIDE_JMP_EXPORTED; \
	static struct side_jmp_key *const name##_side_jmp_slot \
		__attribute__((__unused__)) SIDE_JMP_NEAR_SLOT_ = &name; \
	SIDE_JMP_KEY_FACTS_(SIDE_JMP_FACT_, name, bits, 2)
#define SIDE_JMP_KEY_EXPORTED_(name, bits) \
	SIDE_JMP_EXPORTED struct side_jmp_key name SIDE_JMP_INIT_##bits##_(#name)
#endif
#define SIDE_JMP_KEY_EXPORT_(name, bits) \
	SIDE_JMP_FACT_ char side_jmp_word_of_##name[bits / 8]; \
	SIDE_JMP_FACT_ char side_jmp_place_of_##name \
		[sizeof(side_jmp_place_of_##name) == 2 ? 2 : -1]; \
	SIDE_JMP_KEY_EXPORTED_(name, bits)

/* A key of this executable or shared library; defined once, in one file. */
#define SIDE_JMP_KEY(name)		SIDE_JMP_KEY_DEFINE_(name, 32, #name)
#define SIDE_JMP_KEY64(name)		SIDE_JMP_KEY_DEFINE_(name, 64, #name)

/* The same key, for the other files of the same object; goes into a header. */
#define SIDE_JMP_KEY_DECLARE(name)	SIDE_JMP_KEY_DECLARE_(name, 32)
#define SIDE_JMP_KEY64_DECLARE(name)	SIDE_JMP_KEY_DECLARE_(name, 64)

/* A key that only this file sees, or this block. */
#define SIDE_JMP_KEY_STATIC(name)	SIDE_JMP_KEY_STATIC_(name, 32, #name)
#define SIDE_JMP_KEY64_STATIC(name)	SIDE_JMP_KEY_STATIC_(name, 64, #name)

/*
 * The same, called after its place, "file.c:12": for macros that give each of
 * their uses a key.
 *
 *	#define DEBUG(...) do { SIDE_JMP_KEY_HERE(here); \
 *		if (side_jmp_unlikely(here)) printf(__VA_ARGS__); } while (0)
 */
#define SIDE_JMP_KEY_HERE(name) \
	SIDE_JMP_KEY_STATIC_(name, 32, __FILE__ ":" SIDE_JMP_TEXT_OF_(__LINE__))
#define SIDE_JMP_TEXT_OF_(x)		SIDE_JMP_TEXT_OF_I_(x)
#define SIDE_JMP_TEXT_OF_I_(x)		#x

#ifdef __cplusplus
/*
 * A static member of a class or of a class template, whose instances have a key
 * each: _MEMBER_DECLARE in the class and _MEMBER_DEFINE, with the class, once
 * outside; or, from C++17 on, _MEMBER alone in the class.
 *
 *	struct log { SIDE_JMP_KEY_MEMBER_DECLARE(verbose); };
 *	SIDE_JMP_KEY_MEMBER_DEFINE(verbose, log);
 *	template <class T> struct list { SIDE_JMP_KEY_MEMBER_DECLARE(check); };
 *	template <class T> SIDE_JMP_KEY_MEMBER_DEFINE(check, list<T>);
 */
#define SIDE_JMP_KEY_MEMBER_DECLARE(name) \
	static struct side_jmp_key name SIDE_JMP_HIDDEN SIDE_JMP_NEAR_
#define SIDE_JMP_KEY_MEMBER_DEFINE(name, ...) \
	struct side_jmp_key __VA_ARGS__::name \
		SIDE_JMP_INIT_32_(#__VA_ARGS__ "::" #name)
#define SIDE_JMP_KEY_MEMBER(name) \
	static inline struct side_jmp_key name SIDE_JMP_HIDDEN SIDE_JMP_NEAR_ \
		SIDE_JMP_INIT_32_(#name)
#endif

/*
 * A key that several objects share: SIDE_JMP_KEY_EXTERN in a header that all
 * of them include, SIDE_JMP_KEY_EXPORT once, after it, in the object that owns
 * the key.
 *
 * It is one key as long as the loader looks it up by its name and finds the
 * same one for all.  There are two, of which enabling one, with 0, leaves the
 * other's sites as they are, where
 *   - the owner is linked with -Bsymbolic or a --dynamic-list without the key,
 *     or the key's visibility is protected: the owner keeps its own, and an
 *     executable that names the key mostly has a copy, which the others use
 *     (`side-jmp check` finds it in the owner: key-binding);
 *   - two objects define it, as copies of an owner that is linked statically
 *     do, and do not see each other: dlopen() with RTLD_LOCAL (the default) or
 *     RTLD_DEEPBIND, dlmopen(), or one of them hides it by a version script.
 */
#define SIDE_JMP_KEY_EXTERN(name)	SIDE_JMP_KEY_EXTERN_(name, 32)
#define SIDE_JMP_KEY64_EXTERN(name)	SIDE_JMP_KEY_EXTERN_(name, 64)
#define SIDE_JMP_KEY_EXPORT(name)	SIDE_JMP_KEY_EXPORT_(name, 32)
#define SIDE_JMP_KEY64_EXPORT(name)	SIDE_JMP_KEY_EXPORT_(name, 64)

/*
 * Enable: count one more user of the key and arm its sites.  Disable: count
 * one less; with the last the sites go idle.
 *
 * Returns 0 or
 *   -EOVERFLOW	enable: 2^20 - 1 (2^40 - 1) users already; disable_many: one
 *		key more than 2^11 - 1 (2^23 - 1) times
 *   -EINVAL	disable: the key has no user; or not a key of a known version
 *   -errno	enable: a site could not be armed; the key is as before.
 *		EPERM: it is idle in the file, and nobody may patch; otherwise
 *		EIO: the text was moved into shared memory; EACCES, EPERM,
 *		ENOENT...: what the kernel said.
 * disable returns 0 also where sites could not go idle: they stay armed.
 */
int side_jmp_enable(struct side_jmp_key *key);
int side_jmp_disable(struct side_jmp_key *key);

/*
 * The same for n keys at once, in one batch with one synchronization of the
 * cores.  All or nothing: on an error no key has changed.  A key that is
 * named twice counts twice.
 */
int side_jmp_enable_many(struct side_jmp_key *const keys[], size_t n);
int side_jmp_disable_many(struct side_jmp_key *const keys[], size_t n);

/*
 * Make the sites of the key agree with its word, for those who change the
 * word themselves (the kernel, tracers).  Call it after every change.
 * Returns 0 or -errno: the word is not 0 and a site could not be armed.
 */
int side_jmp_sync(struct side_jmp_key *key);

/* Is the key enabled?  Pairs, as an acquire, with whoever changed the word. */
static inline bool side_jmp_enabled(const struct side_jmp_key *key)
{
	return key->width == 64 ?
		__atomic_load_n(&key->word64, __ATOMIC_ACQUIRE) != 0 :
		__atomic_load_n(&key->word32, __ATOMIC_ACQUIRE) != 0;
}

/*
 * Arm every site of the process and never patch again: for programs that are
 * about to drop rights.  From then on enabling and disabling a key makes no
 * system call.  Returns 0, also when called again, or -errno: some site could
 * not be armed, and patching may not have ended everywhere.  -EBUSY: a site is
 * under a debugger's breakpoint, and a no-op might stand there once that is
 * gone.
 *
 * Where several objects link this library statically, it reaches the copies
 * that share a key with this one; a copy that is loaded later patches again.
 */
int side_jmp_freeze(void);

/*
 * Freeze, and have the kernel refuse to patch this process, its children and
 * what they execute, for ever: by code_patch(), for user_events, and through
 * /proc/PID/mem (PR_SET_CODE_INTEGRITY, see kernel-patches/).  From any thread,
 * for all of them.
 *
 *   SIDE_JMP_INTEGRITY_MDWE   PR_SET_MDWE, too: no mapping becomes executable
 *                             any more (prctl(2); Linux 6.3)
 *
 * Returns 0, also when called again, or
 *   -EINVAL		flags; nothing is done
 *   -EBUSY		a site is under a debugger's breakpoint, and a no-op might
 *			stand there once that is gone; nothing is done
 *   -EOPNOTSUPP	the kernel does not know one of the two; the process is
 *			frozen, and the other is set
 *   -errno		what side_jmp_freeze() returns, or prctl(2)
 */
#define SIDE_JMP_INTEGRITY_MDWE	0x1
int side_jmp_enter_integrity(unsigned flags);

/* ------------------------------------------------------------------------
 * What is going on
 */

#define SIDE_JMP_DIRTY_PAGES_DEFAULT	4096

enum side_jmp_backend {
	SIDE_JMP_BACKEND_NONE,	/* sites stay armed */
	SIDE_JMP_BACKEND_SELF,	/* the process patches itself */
	SIDE_JMP_BACKEND_KERNEL,	/* code_patch(), see kernel-patches/ */
};

struct side_jmp_info {
	enum side_jmp_backend backend;	/* chosen when a site has to be
					   patched; none before */
	const char *backend_name;	/* "none", "self", "kernel" */
	const char *backend_reason;	/* why this one; a sentence */
	uint64_t objects;		/* executables and shared libraries */
	uint64_t keys;			/* that have a site */
	uint64_t sites;
	uint64_t armed, idle;		/* as the text is now */
	uint64_t refused;		/* not in the state that suits the word:
					   budget, breakpoint, failed write */
	uint64_t foreign;		/* of those: neither armed nor idle */
	uint64_t pages_dirtied;		/* pages of text that are private */
	uint64_t pages_budget;
	uint64_t syncs;			/* core synchronizations so far */
	uint64_t writes;		/* writes to text so far */
	uint64_t dropped_pages;		/* last resorts taken so far */
	uint64_t objects_rejected;	/* tables that were not accepted */
	int reject_error;		/* the last one's -errno: EINVAL for a
					   malformed table, EILSEQ for other
					   bytes at a site */
	char reject_reason[240];	/* the last one: what, where, why */
	uint64_t objects_refused;	/* whose sites the kernel does not patch:
					   they stay armed */
	int refuse_error;		/* the last one's -errno, see
					   code_patch(2); EDQUOT: more pages
					   than the budget */
};

/*
 * Fill in the first `size` bytes of *info; pass sizeof(*info).  Reads every
 * site's text: some nanoseconds a site.  Returns 0 or -EINVAL (NULL, size 0).
 */
int side_jmp_get_info(struct side_jmp_info *info, size_t size);

/* How many pages of text may be dirtied from now on; see the environment. */
void side_jmp_set_dirty_pages(uint64_t pages);

/* ------------------------------------------------------------------------
 * Live control
 */

/*
 * Let root and processes of the same user see and change keys and events of this
 * process while it runs: side-jmp ps, list -p, trace, top, enable(1).  Starts a
 * thread that sleeps, with all signals blocked, and makes a socket in
 * /run/user/UID/side_jmp, /tmp/side_jmp-UID or /dev/shm/side_jmp-UID, whichever
 * can be had first; children that are forked have their own, soon after fork().
 * A process that has such a thread can't unshare(CLONE_NEWUSER); and under
 * ThreadSanitizer its children die of theirs, without TSAN_OPTIONS=die_after_fork=0.
 * Who may debug a process needs none of this: side-jmp(1) makes itself a way,
 * see its side-jmp-ps(1).
 *
 * Returns 0, also when called again, or -errno: no folder that is the user's
 * alone (-EPERM, -EACCES, -EROFS...), no socket, no thread (-EAGAIN); -EBUSY:
 * another thread is stopping it.
 */
int side_jmp_control_start(void);
/*
 * No more.  0, -EINVAL (not started, or being stopped by somebody else),
 * -ETIMEDOUT: the thread is in the midst of a request, and will end.
 */
int side_jmp_control_stop(void);
/* What the environment asks for; every object's constructor calls it. */
void side_jmp_control_begin(void);

/* ------------------------------------------------------------------------
 * Records and objects.  Written by the macros below, read by the library and
 * by tools; frozen.
 */

#define SIDE_JMP_RECORD_VERSION		1
#define SIDE_JMP_RECORD_KEY_SLOT	0x1	/* key: of a pointer to the key */
#define SIDE_JMP_RECORD_WORD64		0x2	/* the key's word has 64 bits */

/*
 * One site, in the section `side_jmp`.  The offsets are relative to the
 * field that holds them, so the table is read-only and needs no relocation.
 */
struct side_jmp_record {
	int32_t site;		/* the patchable instruction */
	int32_t check;		/* where it jumps when armed */
	int32_t key;		/* the struct side_jmp_key, or its slot */
	uint8_t version;	/* SIDE_JMP_RECORD_VERSION */
	uint8_t layout;		/* 0 inline, 1 dense, 2 wide, 3 nop */
	uint8_t flags;		/* SIDE_JMP_RECORD_* */
	uint8_t reserved;	/* 0 */
};

#define SIDE_JMP_OBJECT_VERSION		1

/* An executable or a shared library with its table of sites. */
struct side_jmp_object {
	uint32_t version;	/* SIDE_JMP_OBJECT_VERSION */
	uint32_t record_size;	/* bytes of a record */
	const struct side_jmp_record *start, *stop;
	void *priv;		/* of the library that it is registered with */
};

/*
 * Take in a table (every object's constructor does), and arm its sites and
 * forget it.  To no effect if that has been done.  0 or -errno: see
 * side_jmp_info.reject_reason; -EBUSY: another thread is at it right now, or
 * the call that a signal handler has struck.
 */
int side_jmp_object_register(struct side_jmp_object *object);
int side_jmp_object_unregister(struct side_jmp_object *object);

/*
 * What a destructor calls: forgets a shared library, whose text goes, and leaves
 * its sites as they are.  An executable stays registered, for its text stays
 * until the process ends.
 */
int side_jmp_object_unload(struct side_jmp_object *object);

SIDE_JMP_API_END_
#ifdef __cplusplus
} /* extern "C" */

/* C++: a key's type says what it is. */
extern "C++" {
namespace side_jmp_detail {

template <unsigned bits_> struct side_jmp_key_ : side_jmp_key {
	enum { side_jmp_bits_ = bits_ };
	constexpr explicit side_jmp_key_(const char *text) :
		side_jmp_key{ { 0 }, 0, SIDE_JMP_KEY_VERSION, bits_, 0, nullptr,
			      text } { }
};

template <class T> struct plain {
	typedef T type;
};
template <class T> struct plain<T &> : plain<T> { };
template <class T> struct plain<const T> : plain<T> { };

/* What a site asks of what it was given. */
template <class T> struct side_jmp_facts {
	typedef typename plain<T>::type type;
	static_assert(__is_base_of(side_jmp_key, type),
		      "side_jmp: not a key; write a key's name here, or ask "
		      "side_jmp_enabled() of its address");
	static constexpr bool side_jmp_is_64 = type::side_jmp_bits_ == 64;
	static constexpr bool side_jmp_is_shared = type::side_jmp_shared_ != 0;
};

inline constexpr SIDE_JMP_WITHIN_ bool side_jmp_computed()
{
	return __builtin_is_constant_evaluated();
}
/* Compilers name this one to who makes a constant of a site. */
inline bool side_jmp_unlikely_is_no_constant_ask_is_constant_evaluated_before()
{
	return false;
}
constexpr bool side_jmp_no_constant(bool side_jmp_is_asked)
{
	return side_jmp_is_asked &&
	       side_jmp_unlikely_is_no_constant_ask_is_constant_evaluated_before();
}

/* Where a shared key is said to be: one in an object, however many files. */
template <class T, bool shared_ = side_jmp_facts<T>::side_jmp_is_shared>
struct __attribute__((__visibility__("hidden"))) side_jmp_slot {
	static struct side_jmp_key *const side_jmp_at;
};
template <class T> struct __attribute__((__visibility__("hidden"))) side_jmp_slot<T, true> {
	static struct side_jmp_key *const side_jmp_at;
};
template <class T>
struct side_jmp_key *const side_jmp_slot<T, true>::side_jmp_at =
	&side_jmp_facts<T>::type::side_jmp_self_();

} /* namespace */
} /* extern "C++" */
#endif

/* ------------------------------------------------------------------------
 * The site.  Architectures supply the instructions; the template and the
 * record exist once, here.
 */

#if defined(SIDE_JMP_LAYOUT_DENSE) + defined(SIDE_JMP_LAYOUT_WIDE) + \
	defined(SIDE_JMP_LAYOUT_NOP) > 1
#error "side_jmp: define one of SIDE_JMP_LAYOUT_DENSE, _WIDE and _NOP, not two"
#endif

#include "side_jmp/arch/site.h"

#ifdef __cplusplus
#define SIDE_JMP_IS_64_(name) \
	side_jmp_detail::side_jmp_facts<decltype(name)>::side_jmp_is_64
#define SIDE_JMP_IS_SHARED_(name) \
	side_jmp_detail::side_jmp_facts<decltype(name)>::side_jmp_is_shared
#define SIDE_JMP_SLOT_(name) \
	side_jmp_detail::side_jmp_slot<decltype(name)>::side_jmp_at
#else
#define SIDE_JMP_IS_64_(name)		(sizeof(side_jmp_word_of_##name) == 8)
#define SIDE_JMP_IS_SHARED_(name)	(sizeof(side_jmp_place_of_##name) == 2)
#define SIDE_JMP_SLOT_(name)		name##_side_jmp_slot
#endif

#define SIDE_JMP_WORD_(name) \
	(SIDE_JMP_IS_64_(name) ? \
	 __atomic_load_n(SIDE_JMP_WORD_AT_(name, 64), __ATOMIC_ACQUIRE) : \
	 __atomic_load_n(SIDE_JMP_WORD_AT_(name, 32), __ATOMIC_ACQUIRE))
/* A key begins with its word. */
#define SIDE_JMP_WORD_AT_(name, bits) \
	((const side_jmp_word_##bits##_ *)(const void *)&(name))
/*
 * The same without the acquire, for what synchronizes by itself: around an
 * atomic load compilers move less.
 */
#define SIDE_JMP_PEEK_(name) \
	(SIDE_JMP_IS_64_(name) ? \
	 *(const volatile side_jmp_word_64_ *)SIDE_JMP_WORD_AT_(name, 64) : \
	 *(const volatile side_jmp_word_32_ *)SIDE_JMP_WORD_AT_(name, 32))

/*
 * In C++ a constant expression may have come to a site.  As a value it is no
 * constant: const bool on = side_jmp_unlikely(key); would be false for ever.
 * Statements are done where the function runs, and not where it is computed.
 */
#ifndef __cplusplus
#define SIDE_JMP_NO_CONSTANT_(site)	site
#define SIDE_JMP_WHERE_IT_RUNS_(site)	site
#else
#ifdef __clang__	/* it warns of the bare one where that is always true */
#define SIDE_JMP_COMPUTED_	side_jmp_detail::side_jmp_computed()
#else
#define SIDE_JMP_COMPUTED_	__builtin_is_constant_evaluated()
#endif
#define SIDE_JMP_NO_CONSTANT_(site) \
	(SIDE_JMP_COMPUTED_ ? side_jmp_detail::side_jmp_no_constant(true) : site)
#define SIDE_JMP_WHERE_IT_RUNS_(site)	(!SIDE_JMP_COMPUTED_ && site)
#endif

#if SIDE_JMP_ARCH_HAS_SITES

#define SIDE_JMP_OWN_FLAGS_(name) \
	(SIDE_JMP_IS_64_(name) ? SIDE_JMP_RECORD_WORD64 : 0)
#define SIDE_JMP_OWN_ADDRESS_(name)	&(name)
#define SIDE_JMP_FLAGS_(name) \
	((SIDE_JMP_IS_SHARED_(name) ? SIDE_JMP_RECORD_KEY_SLOT : 0) | \
	 SIDE_JMP_OWN_FLAGS_(name))
#define SIDE_JMP_KEY_ADDRESS_(name) \
	(SIDE_JMP_IS_SHARED_(name) ? (const void *)&SIDE_JMP_SLOT_(name) : \
				     (const void *)&(name))

/*
 * `o` ties the record to the section of its function: garbage collection
 * keeps or drops both (SHF_LINK_ORDER); `?` joins it to the COMDAT group that
 * the function is in.
 */
#define SIDE_JMP_RECORD_(layout, check) \
	"	.pushsection side_jmp, \"a?o\", @progbits, .Lside_jmp_hot%=\n" \
	"	.balign 4\n" \
	"	.long .Lside_jmp_site%= - .\n" \
	"	.long " check " - .\n" \
	"	.long " SIDE_JMP_ARCH_KEY_OPERAND " - .\n" \
	"	.byte 1, " layout ", %c[side_jmp_flags], 0\n" \
	"	.popsection\n"

#define SIDE_JMP_HERE_ASM_(site, layout) \
	".Lside_jmp_hot%=:\n" \
	SIDE_JMP_ARCH_ALIGN \
	".Lside_jmp_site%=:\n" \
	site \
	SIDE_JMP_RECORD_(layout, "%l[side_jmp_check]")
#define SIDE_JMP_INLINE_ASM_ \
	SIDE_JMP_HERE_ASM_(SIDE_JMP_ARCH_JUMP_SITE, "0")

/* A wide site names its key in the code, so a key elsewhere gets an inline. */
#define SIDE_JMP_WIDE_ASM_ \
	"	.if %c[side_jmp_flags] & 1\n" \
	SIDE_JMP_INLINE_ASM_ \
	"	.else\n" \
	SIDE_JMP_WIDE_OWN_ASM_ \
	"	.endif\n"
#define SIDE_JMP_WIDE_OWN_ASM_ \
	".Lside_jmp_hot%=:\n" \
	SIDE_JMP_ARCH_ALIGN \
	SIDE_JMP_ARCH_WIDE_SITE(".Lside_jmp_site%=") \
	SIDE_JMP_RECORD_("2", "%l[side_jmp_check]")

#if defined(SIDE_JMP_LAYOUT_DENSE)
#define SIDE_JMP_ASM_ \
	".Lside_jmp_hot%=:\n" \
	SIDE_JMP_ARCH_JUMP_TO(".Lside_jmp_site%=") \
	".Lside_jmp_back%=:\n" \
	"	.pushsection side_jmp_modify_code, \"ax?\", @progbits\n" \
	SIDE_JMP_ARCH_ALIGN \
	".Lside_jmp_site%=:\n" \
	SIDE_JMP_ARCH_DENSE_SITE(".Lside_jmp_back%=") \
	"	.popsection\n" \
	SIDE_JMP_RECORD_("1", SIDE_JMP_ARCH_DENSE_CHECK)
#define SIDE_JMP_CLOBBERS_	SIDE_JMP_ARCH_DENSE_CLOBBERS
#define SIDE_JMP_OPERANDS_(name)
#define SIDE_JMP_IS_SHORT_	0
#define SIDE_JMP_LABELS_	side_jmp_check
#elif defined(SIDE_JMP_LAYOUT_WIDE)
#define SIDE_JMP_ASM_		SIDE_JMP_WIDE_ASM_
#define SIDE_JMP_CLOBBERS_	SIDE_JMP_ARCH_WIDE_CLOBBERS
#define SIDE_JMP_OPERANDS_(name)	SIDE_JMP_ARCH_WIDE_OPERANDS(name)
#define SIDE_JMP_IS_SHORT_	SIDE_JMP_ARCH_WIDE_IS_SHORT
#define SIDE_JMP_LABELS_	side_jmp_check, side_jmp_on
#elif defined(SIDE_JMP_LAYOUT_NOP)
#define SIDE_JMP_ASM_ \
	SIDE_JMP_HERE_ASM_(SIDE_JMP_ARCH_NOP_SITE, SIDE_JMP_ARCH_NOP_LAYOUT)
#define SIDE_JMP_CLOBBERS_	SIDE_JMP_ARCH_NOP_CLOBBERS
#define SIDE_JMP_OPERANDS_(name)
#define SIDE_JMP_IS_SHORT_	SIDE_JMP_ARCH_JUMP_IS_SHORT
#define SIDE_JMP_LABELS_	side_jmp_check
#else
#define SIDE_JMP_ASM_		SIDE_JMP_INLINE_ASM_
#define SIDE_JMP_CLOBBERS_	SIDE_JMP_ARCH_JUMP_CLOBBERS
#define SIDE_JMP_OPERANDS_(name)
#define SIDE_JMP_IS_SHORT_	SIDE_JMP_ARCH_JUMP_IS_SHORT
#define SIDE_JMP_LABELS_	side_jmp_check
#endif

/*
 * clang has no cold labels; it lays out asm goto's targets as unlikely.  gcc
 * puts what is cold into another section, which not every site reaches.
 */
#if defined(__clang__) || SIDE_JMP_IS_SHORT_
#define SIDE_JMP_COLD_		__attribute__((__unused__))
#else
#define SIDE_JMP_COLD_		__attribute__((__cold__, __unused__))
#endif
#if defined(__clang__) || SIDE_JMP_ARCH_WIDE_IS_SHORT
#define SIDE_JMP_WIDE_COLD_	__attribute__((__unused__))
#else
#define SIDE_JMP_WIDE_COLD_	__attribute__((__cold__, __unused__))
#endif

/*
 * True while the key is enabled.  `name` is the key's name, possibly
 * qualified (ns::key), not its address: a site is bound to its key when it is
 * compiled.  No "memory" clobber: a site orders nothing by itself; the test
 * in the check block is an acquire.
 *
 * An expression.  In C within functions only; in C++ wherever a lambda may
 * stand, default arguments and initializers included.  Not, before C++20, in
 * what is not evaluated (decltype, sizeof, noexcept): say bool there.
 *
 * In C++ it is no constant expression: the initializer of a const, static or
 * global variable that has one is computed when the program runs.  In a constexpr
 * function (from C++17 on) that is to make constants, too, ask first:
 *
 *	if (!std::is_constant_evaluated() && side_jmp_unlikely(key))
 *
 * (__builtin_is_constant_evaluated() before C++20).  side_jmp_call() and events
 * do: they are statements, and nothing while a constant is computed.
 */
#define side_jmp_unlikely(name) \
	SIDE_JMP_NO_CONSTANT_(SIDE_JMP_INLINE_(name, SIDE_JMP_ACQUIRE_))

/* The same with the wide layout, whatever the translation unit's is. */
#define side_jmp_unlikely_wide(name) \
	SIDE_JMP_NO_CONSTANT_(SIDE_JMP_WIDE_(name, SIDE_JMP_ACQUIRE_))

#define SIDE_JMP_INLINE_(name, test_) \
	(SIDE_JMP_NAMED_(name) \
	 SIDE_JMP_SITE_(name, SIDE_JMP_KEY_ADDRESS_, SIDE_JMP_FLAGS_, test_, \
			SIDE_JMP_ASM_, SIDE_JMP_OPERANDS_(name), \
			SIDE_JMP_CLOBBERS_, SIDE_JMP_LABELS_, SIDE_JMP_COLD_))
#define SIDE_JMP_WIDE_(name, test_) \
	(SIDE_JMP_NAMED_(name) \
	 SIDE_JMP_SITE_(name, SIDE_JMP_KEY_ADDRESS_, SIDE_JMP_FLAGS_, test_, \
			SIDE_JMP_WIDE_ASM_, SIDE_JMP_ARCH_WIDE_OPERANDS(name), \
			SIDE_JMP_ARCH_WIDE_CLOBBERS, SIDE_JMP_WIDE_LABELS_, \
			SIDE_JMP_WIDE_COLD_))
#define SIDE_JMP_WIDE_LABELS_	side_jmp_check, side_jmp_on
/* The same of a key of this object, in less text: events have these twice each. */
#ifdef SIDE_JMP_LAYOUT_WIDE
#define SIDE_JMP_INLINE_OWN_	SIDE_JMP_WIDE_OWN_
#else
#define SIDE_JMP_INLINE_OWN_(name, test_) \
	SIDE_JMP_SITE_(name, SIDE_JMP_OWN_ADDRESS_, SIDE_JMP_OWN_FLAGS_, test_, \
		       SIDE_JMP_ASM_, , SIDE_JMP_CLOBBERS_, SIDE_JMP_LABELS_, \
		       SIDE_JMP_COLD_)
#endif
#define SIDE_JMP_WIDE_OWN_(name, test_) \
	SIDE_JMP_SITE_(name, SIDE_JMP_OWN_ADDRESS_, SIDE_JMP_OWN_FLAGS_, test_, \
		       SIDE_JMP_WIDE_OWN_ASM_, \
		       SIDE_JMP_ARCH_WIDE_OPERANDS(name), \
		       SIDE_JMP_ARCH_WIDE_CLOBBERS, SIDE_JMP_WIDE_LABELS_, \
		       SIDE_JMP_WIDE_COLD_)

/* What the check block does: to `on` if the word is not 0. */
#define SIDE_JMP_ACQUIRE_(name, on) \
	if (SIDE_JMP_WORD_(name) != 0) \
		goto on;
/* Of a key of this object, without the acquire and, by the port, a register. */
#ifdef SIDE_JMP_ARCH_TEST
#define SIDE_JMP_GLANCE_(name, on) \
	__asm__ __inline__ goto (SIDE_JMP_ARCH_TEST \
		: /* no outputs */ \
		: [side_jmp_key] SIDE_JMP_ARCH_KEY_CONSTRAINT (&(name)), \
		  [side_jmp_flags] "i" (SIDE_JMP_OWN_FLAGS_(name)) \
		: SIDE_JMP_ARCH_TEST_CLOBBERS \
		: on);
#else
#define SIDE_JMP_GLANCE_(name, on) \
	if (SIDE_JMP_PEEK_(name) != 0) \
		goto on;
#endif

/*
 * The site: in C in a statement expression, in C++ in a lambda, which may stand
 * where no statement does.
 *
 * clang before 17 takes the labels of every asm goto of a function for targets of
 * all, and refuses two of them with the scope of a destructor, a cleanup variable
 * or an array of any length in between.  It does not look into the functions of a
 * class, nor, in C, at the length of an array in a type that is cast to.
 */
#ifndef __cplusplus
#define SIDE_JMP_SITE_BEGINS_ \
__extension__ ({ \
	__label__ side_jmp_check, side_jmp_on, side_jmp_out; \
	bool side_jmp_value_ = false; \
	SIDE_JMP_APART_BEGINS_
#define SIDE_JMP_SITE_ENDS_ \
	side_jmp_out: ; \
	SIDE_JMP_APART_ENDS_ \
	side_jmp_value_; \
})
#define SIDE_JMP_IS_FALSE_	goto side_jmp_out;
#define SIDE_JMP_IS_TRUE_	side_jmp_value_ = true;
#define SIDE_JMP_NAMED_(name)	(void)sizeof(SIDE_JMP_BY_NAME_(name)),
#if defined(__clang__) && __clang_major__ < 17
/* The array is of 1 and has no object: -Wvla minds it for nothing. */
#define SIDE_JMP_APART_BEGINS_ \
	_Pragma("clang diagnostic push") \
	_Pragma("clang diagnostic ignored \"-Wvla\"") \
	(void)(char (*)[__extension__ ({
#define SIDE_JMP_APART_ENDS_ \
	1u; })])0; \
	_Pragma("clang diagnostic pop")
#endif
#else
#define SIDE_JMP_SITE_BEGINS_ \
SIDE_JMP_LAMBDA_OF_A_SITE_SO_IN_DECLTYPE_WRITE_BOOL_ () \
SIDE_JMP_WITHIN_ -> bool { \
	SIDE_JMP_APART_BEGINS_
#define SIDE_JMP_SITE_ENDS_ \
	SIDE_JMP_APART_ENDS_ \
}()
#define SIDE_JMP_IS_FALSE_	return false;
#define SIDE_JMP_IS_TRUE_	return true;
#define SIDE_JMP_NAMED_(name)
/* A name for what compilers say where no lambda may stand. */
#define SIDE_JMP_LAMBDA_OF_A_SITE_SO_IN_DECLTYPE_WRITE_BOOL_	[]
#if defined(__clang__) && __clang_major__ < 17
#define SIDE_JMP_APART_BEGINS_ \
	struct side_jmp_apart { \
		static inline SIDE_JMP_WITHIN_ \
		bool side_jmp_is() {
#define SIDE_JMP_APART_ENDS_ \
		} \
	}; \
	return side_jmp_apart::side_jmp_is();
#endif
#endif
#ifndef SIDE_JMP_APART_BEGINS_
#define SIDE_JMP_APART_BEGINS_
#define SIDE_JMP_APART_ENDS_
#endif

#define SIDE_JMP_SITE_(name, at_, flags_, test_, asm_, operands_, clobbers_, labels_, \
		       cold_) \
SIDE_JMP_SITE_BEGINS_ \
	__asm__ __inline__ goto (asm_ \
		: /* no outputs */ \
		: [side_jmp_key] SIDE_JMP_ARCH_KEY_CONSTRAINT (at_(name)), \
		  [side_jmp_flags] "i" (flags_(name)) \
		  operands_ \
		: clobbers_ \
		: labels_); \
	SIDE_JMP_IS_FALSE_ \
side_jmp_check: cold_; \
	test_(name, side_jmp_on) \
	SIDE_JMP_IS_FALSE_ \
side_jmp_on: cold_; \
	SIDE_JMP_IS_TRUE_ \
SIDE_JMP_SITE_ENDS_

/* ------------------------------------------------------------------------
 * Every object finds its own table and registers it.  Weak and hidden: the
 * linker keeps one copy per object, however many files include this header.
 */

#ifdef __cplusplus
extern "C" {
#endif

extern const struct side_jmp_record __start_side_jmp[]
	__attribute__((__weak__, __visibility__("hidden")));
extern const struct side_jmp_record __stop_side_jmp[]
	__attribute__((__weak__, __visibility__("hidden")));

extern struct side_jmp_object side_jmp_this_object;

/*
 * 101, the first priority that is ours to use: before everybody else.  It
 * stands at the declaration: gcc forgets that of a definition that follows
 * one.
 */
__attribute__((__weak__, __visibility__("hidden"), __constructor__(101)))
void side_jmp_this_object_start(void);
__attribute__((__weak__, __visibility__("hidden"), __destructor__(101)))
void side_jmp_this_object_stop(void);

__attribute__((__weak__, __visibility__("hidden")))
struct side_jmp_object side_jmp_this_object = {
	SIDE_JMP_OBJECT_VERSION, sizeof(struct side_jmp_record),
	__start_side_jmp, __stop_side_jmp, NULL,
};

/* Every file calls it; a table that is not accepted is so once. */
void side_jmp_this_object_start(void)
{
	static bool started;

	if (!started) {
		started = true;
		(void)side_jmp_object_register(&side_jmp_this_object);
	}
}

void side_jmp_this_object_stop(void)
{
	(void)side_jmp_object_unload(&side_jmp_this_object);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#else /* no port: a site is a load, a test and a branch */

#define SIDE_JMP_ACQUIRE_		SIDE_JMP_WORD_
#define SIDE_JMP_GLANCE_		SIDE_JMP_PEEK_
#define SIDE_JMP_INLINE_(name, word_) \
	__extension__ (__builtin_expect(word_(name) != 0, 0))
#define SIDE_JMP_WIDE_(name, word_)	SIDE_JMP_INLINE_(name, word_)
#define SIDE_JMP_INLINE_OWN_		SIDE_JMP_INLINE_
#define SIDE_JMP_WIDE_OWN_		SIDE_JMP_INLINE_
#define side_jmp_unlikely(name) \
	SIDE_JMP_NO_CONSTANT_(SIDE_JMP_INLINE_(name, SIDE_JMP_WORD_))
#define side_jmp_unlikely_wide(name)	side_jmp_unlikely(name)

#endif

/* Of every object, when its sites and events are known: others come at 101, 102. */
#ifdef __cplusplus
extern "C" {
#endif
__attribute__((__weak__, __visibility__("hidden"), __constructor__(103)))
void side_jmp_this_control_start(void);
void side_jmp_this_control_start(void)
{
	side_jmp_control_begin();
}
#ifdef __cplusplus
} /* extern "C" */
#endif

#include "side_jmp/call.h"

#include "side_jmp/pop.h"

#endif /* SIDE_JMP_H */
