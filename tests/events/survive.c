/* SPDX-License-Identifier: MIT */
/*
 * survive [TIMES [SEED [DIRECTORY]]]: what a CTF trace holds after SIGKILL,
 * wherever it struck: survive.h says how it is read.
 *
 * In DIRECTORY, which may be of a small file system; else in /tmp.
 */
#include "tests/events/src/survive.h"

/* ---- killed at random: the CPUs' lanes above all ---------------------------- */

enum { WORKERS = 4 };

static pid_t worker(void)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	pthread_create(&thread, NULL, write_on, NULL);
	write_on(NULL);
	_exit(0);
}

static void prefork(unsigned kills, const struct kind *kind)
{
	pid_t pids[WORKERS];

	setpgid(0, 0);
	start(kind);
	for (int i = 0; i < WORKERS; i++)
		pids[i] = worker();
	for (unsigned i = 0; i < kills; i++) {
		int which = rand() % WORKERS;

		nap((unsigned)rand() % 3000);
		kill(pids[which], SIGKILL);
		waitpid(pids[which], NULL, 0);
		pids[which] = worker();
	}
	nap((unsigned)rand() % 3000);
	kill(0, SIGKILL);
}

static void killed(unsigned times, unsigned kills, const struct kind *kinds,
		   size_t n_kinds, const char *name)
{
	bool good = true;

	for (unsigned i = 0; i < times && good; i++) {
		unsigned seed = (unsigned)rand();
		pid_t tree = fork();

		if (!tree) {
			srand(seed);
			prefork(kills, &kinds[i % n_kinds]);
			_exit(1);
		}
		waitpid(tree, NULL, 0);
		while (waitpid(-tree, NULL, 0) > 0)
			;
		nap(20000);		/* the orphans */
		good = all_there(2 * (kills + WORKERS)) && found > 100 &&
		       (i % 8 || babeltrace());
		forget();
	}
	tap_ok(good, name);
}

/* ---- killed at an instruction: the spare lanes ------------------------------- */

/* After that many bytes in one event there is no room for a small one. */
enum { WHOLE_PACKET = 64 * 1024 - HEADER - EVENT - 12 - 30 };

/*
 * A child that is stopped, and does so many instructions of an emission.  A
 * restartable sequence never comes to its end under PTRACE_SINGLESTEP.
 */
static bool step_and_kill(unsigned steps, uint32_t length, bool turns)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		uint32_t who = new_writer();

		if (turns) {
			fill(0, WHOLE_PACKET);
			emit(who, 0, WHOLE_PACKET);
		}
		fill(turns, length);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		emit(who, turns, length);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	for (unsigned i = 0; i < steps && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return true;
}

/* At every `stride`th of them; 1 takes minutes.  turns: to another packet, too. */
static void stepped(unsigned stride, uint32_t length, bool turns,
		    const struct kind *kind, const char *name)
{
	bool good = true;
	unsigned i = 1 + (unsigned)rand() % stride;

	in_turn = true;
	start(kind);
	for (; good && step_and_kill(i, length, turns); i += stride)
		good = shared->next % 16 || (all_there(0) && !lost);
	good = good && all_there(0) && !lost;
	tap_note("%u instructions", i);
	tap_ok(good && i > 300 && babeltrace(), name);
	side_jmp_trace_stop();
	forget();
	in_turn = false;
}

int main(int argc, char **argv)
{
	unsigned more = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	unsigned stride = more > 1 ? 1 : 53;

	srand(argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)time(NULL));
	if (!survive_begin(argc > 3 ? argv[3] : NULL))
		return 1;
	killed(8 * more, 8, &plain, 1, "survive_workers_killed_at_any_time");
	killed(8 * more, 8, rounds, 2, "survive_workers_killed_while_lanes_go_round");
	killed(8 * more, 8, pieces, 2, "survive_workers_killed_while_pieces_begin");
	stepped(stride, 8, false, &plain, "survive_kill_at_any_instruction_of_a_small_event");
	stepped(stride, 2000, false, &plain, "survive_kill_at_any_instruction_of_a_large_event");
	stepped(stride, 8, true, rounds, "survive_kill_at_any_instruction_of_a_round");
	stepped(stride, 8, true, pieces, "survive_kill_at_any_instruction_of_a_piece");
	return survive_end();
}
