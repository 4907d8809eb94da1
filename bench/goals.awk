# SPDX-License-Identifier: MIT
# The goals, from the CSV files of the benchmarks: value, goal, met or missed.
BEGIN { FS = "," }
FNR > 1 { min[$1] = $5; median[$1] = $6 }

# value <= limit?
function goal(name, value, limit, unit) {
	seen++
	met += value <= limit
	printf "%-58s %9.3f %9.3f  %-8s %s\n", name, value, limit, unit,
		value <= limit ? "met" : "MISSED"
}
# Of the fastest rounds: what the machine's other work can't spoil.
function fastest(a, b) { return min[b] ? min[a] / min[b] : 999 }
function typical(a, b) { return median[b] ? median[a] / median[b] : 999 }

END {
	printf "\n%-58s %9s %9s\n", "goal", "value", "at most"
	split("16 256 4096", counts, " ")
	split("latency throughput", loops, " ")
	for (i = 1; i <= 3; i++) {
		w = "latency hot " counts[i] " "
		goal(w "inline idle / no site",
		     fastest(w "inline idle", w "no site"), 1.02, "min")
		goal(w "inline idle / no site",
		     median[w "inline idle / no site"], 1.02, "median")
	}
	for (l = 1; l <= 2; l++)
		for (i = 1; i <= 3; i++) {
			w = loops[l] " hot " counts[i] " "
			goal(w "wide armed / hand-written test",
			     fastest(w "wide armed", w "hand-written test"),
			     1.1, "min")
			goal(w "wide armed / hand-written test",
			     median[w "wide armed / test"], 1.1, "median")
		}
	w = "flip busy: "
	goal(w "enable / bare membarrier",
	     typical(w "enable", w "bare membarrier"), 2, "median")
	goal(w "disable / bare membarrier",
	     typical(w "disable", w "bare membarrier"), 2, "median")
	split("100 10000 100000", batches, " ")
	for (i = 1; i <= 3; i++) {
		w = "batch of " batches[i] ": "
		goal(w "enable", median[w "enable"], 2000, "median")
		goal(w "disable", median[w "disable"], 2000, "median")
	}
	for (i = 2; i <= 3; i++) {
		w = "start " batches[i] ": "
		copies = min[w "copies of pages"] / (min[w "density"] + 1e-9)
		goal(w "beyond the copies of pages",
		     min[w "register and idle"] - copies, 100, "min")
		goal(w "beyond the copies of pages",
		     median[w "beyond the copies"], 100, "median")
		goal(w "register", min[w "register"], 50, "min")
		goal(w "register", median[w "register"], 50, "median")
	}
	goal("event: disabled / no event",
	     fastest("event: disabled", "event: no event"), 1.02, "min")
	goal("event: disabled / no event",
	     median["event: disabled / no event"], 1.02, "median")
	for (i = 1; i <= 2; i++) {
		w = "event: CTF into a ring / LTTng-UST" (i == 1 ? "" : " by two threads")
		if (w in min)
			goal(w, median[w], .25, "median")
	}
	printf "%d of %d goals met\n", met, seen
	print "\nNo goal, for comparison, in the loop that saturates the adders:"
	for (i = 1; i <= 3; i++) {
		w = "throughput hot " counts[i] " "
		printf "%-58s %9.3f\n", w "inline idle / no site",
			fastest(w "inline idle", w "no site")
		printf "%-58s %9.3f\n", w "inline idle / hand-written nop5",
			fastest(w "inline idle", w "hand-written nop5")
	}
}
