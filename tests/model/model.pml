/* SPDX-License-Identifier: MIT */
/*
 * What the models share: the mutant is asked for when pan runs, so that one pan
 * serves all of them.  A mutant is a `#define NAME number` whose comment begins
 * with the scenario that has to see it; model.sh reads these lines.
 */
c_decl {
	\#include <stdlib.h>
};

byte mutant;			/* 0: the protocol as it is */
#define has(step)	(mutant != step)

inline ask_for_mutant()
{
	c_code { now.mutant = atoi(getenv("MUTANT") ? getenv("MUTANT") : "0"); }
}
