/* SPDX-License-Identifier: MIT */
/*
 * ticks N: emits a tick every 10 ms, N times, then ends with 5.  Emits what
 * signals arrive; SIGTERM ends it with 7.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(ticks, tick, "Time goes by", (s32, n));
SIDE_JMP_EVENT(ticks, signal, "A signal arrived", (s32, number));

static void on_signal(int number)
{
	side_jmp_event(ticks, signal, number);
	if (number == SIGTERM)
		_exit(7);
}

int main(int argc, char **argv)
{
	static const int signals[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
	};
	int n = argc > 1 ? atoi(argv[1]) : 1;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], on_signal);
	for (int i = 0; i < n; i++) {
		side_jmp_event(ticks, tick, i);
		usleep(10000);
	}
	return 5;
}
