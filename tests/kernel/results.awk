# SPDX-License-Identifier: MIT
# A guest's console to one TAP stream: what tests/kernel/init ran and what the
# kernel had to say.  -v known=FILE lists results that fail without the series,
# too; -v kind= is the kind of kernel.
#
# A test that dies, hangs or prints another number of results than its plan
# says has failed, and so has a kernel that says anything alarming, or a guest
# with one CPU, where nothing runs while text changes.
function result(ok, text, why) {
	total++
	if (why != "") { skipped++; print "ok " total " - " text " # SKIP " why }
	else if (ok) { passed++; print "ok " total " - " text }
	else { failed++; print "not ok " total " - " text; show() }
}
function show(  i) {
	for (i = n > 30 ? n - 29 : 1; i <= n; i++) print "#   " tail[i]
	n = 0
}
# A result that is known to fail without the series tells nothing about it,
# whichever way it goes: it is shown, and counts as skipped.
function judge(ok, name, why,  text) {
	text = test ": " name
	if (text in fails) {
		seen[text] = 1
		if (kind == "base")
			result(1, text (ok ? ": passes this time" : ": fails as recorded"))
		else
			result(1, text, (ok ? "passes here, " : "") "fails without the series, too")
	} else
		result(ok, text, ok ? why : "")
	n = 0
}
function finish(status,  what) {
	if (test == "") return
	if (status == "") what = "did not end"
	else if (plan < 0 && !here) {
		# Says it by its status alone
		if (status == 4) result(1, test, "skipped by itself")
		else judge(status == 0, "status", "")
	}
	else if (status == 4 && plan == 0 && !here) result(1, test, reason)
	else if (here != plan) what = here " results, plan says " plan
	else if (status == 4 && skips == here) ;
	else if (status != 0 && !bad) what = "ended with " status
	if (what != "") result(0, test " " what)
	test = ""
}
BEGIN {
	while ((getline line < known) > 0)
		if (line !~ /^#/ && line != "") fails[line] = 1
}
{ sub(/\r$/, "") }
# Data races are others', too: ours are those with us on a stack, between the
# access and what the kernel was entered by.  (An interrupt's are not ours; and
# what a worker runs is named also if the race is the queue's own.)
function race(  i, k, line, inside) {
	k = split(report, line, "\n")
	for (i = 1; i <= k; i++) {
		if (line[i] ~ /^(read|write|.*access).* to 0x/) inside = 1
		if (line[i] ~ /^ (asm_|el[01]|ret_from_fork)/) inside = 0
		if (inside && line[i] ~ /^ .*(code_patch|user_event)/) { alarm(k); break }
	}
	report = ""
}
# The first one is shown, from LINES before this one on.
function alarm(lines) {
	if (!alarms++) first = nlog - lines + 1
}
function alarming(line) {
	return line ~ /WARNING:|BUG:|Oops|general protection fault|Kernel panic/ ||
		line ~ /UBSAN|KASAN|KCSAN|kmemleak/ ||
		line ~ /rcu.*stall|INFO: task .* blocked|sleeping function/ ||
		line ~ /possible circular|possible recursive|inconsistent lock|suspicious RCU/ ||
		line ~ /Bad page|refcount_t|list_(add|del) corruption/
}
dmesg && !/^@@DONE/ {
	if (kind == "kcsan" && /^=====/) race()
	else if (kind == "kcsan") report = report "\n" $0
	else if (alarming($0)) alarm(0)
	log_[++nlog] = $0
	next
}
/^@@KERNEL / { booted = 1; cpus = $4; print "# kernel" substr($0, 9) " CPUs"; next }
/^@@BEGIN / { finish(""); test = $2; here = bad = skips = n = 0; plan = -1; next }
/^@@END / { printf "# %s: %s s\n", $2, $4; finish($3); next }
/^@@DMESG/ { finish(""); dmesg = 1; next }
/^@@DONE/ { done = 1; dmesg = 0; next }
test == "" { after[++nafter] = $0; next }
{ tail[++n] = $0 }
/^1\.\.[0-9]+/ {
	split($1, p, /\.\./); plan = p[2] + 0
	reason = $0; sub(/^[^#]*#?[ ]*(SKIP)?[ ]*/, "", reason)
	if (reason == "") reason = "skipped by itself"
}
/^ok [0-9]+/ {
	here++; name = $0; sub(/^ok [0-9]+ *-? */, "", name)
	why = ""
	if (match(name, / *# *SKIP */)) {
		why = substr(name, RSTART + RLENGTH)
		name = substr(name, 1, RSTART - 1)
		if (why == "") why = "no reason given"
		skips++
	}
	judge(1, name, why)
}
/^not ok [0-9]+/ {
	here++; bad = 1; name = $0; sub(/^not ok [0-9]+ *-? */, "", name)
	judge(0, name, "")
}
END {
	finish("")
	n = 0
	if (!booted || !done) {
		for (i = nafter > 60 ? nafter - 59 : 1; i <= nafter; i++) tail[++n] = after[i]
		result(0, "guest: " (!booted ? "did not boot" : "did not get to the end"))
	}
	if (alarms) for (i = first; i <= nlog && i < first + 30; i++) tail[++n] = log_[i]
	if (done) result(!alarms, "kernel log is quiet")
	if (done) result(cpus > 1, "guest: has more than one CPU")
	print "1.." total
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed || !passed
}
