# SPDX-License-Identifier: MIT
# One TAP stream out of those of several programs, each between a line
# "@begin NAME" and a line "@end NAME STATUS"; "@done" ends it all.  Results
# get PREFIX in front of their names.  A program that did not end well, without
# a plan or with a wrong one, and a stream without its end are failures.
function result(ok, name) { print (ok ? "ok " : "not ok ") ++n " - " prefix "_" name; bad += !ok }
{ sub(/\r+$/, "") }
/^@begin / { name = $2; seen = failed = 0; plan = -1; inside = 1; next }
/^@end / {
	if (plan != seen || ($3 != 0 && $3 != 4 && !($3 == 1 && failed))) {
		print "# " name " ended with " $3 " after " seen " results, plan " plan
		result(0, name "_ends_well")
	}
	programs++; inside = 0; next
}
/^@done/ { done = 1; next }
inside && /^(not )?ok / {
	ok = !/^not /; seen++; failed += !ok; skip += /# SKIP/
	sub(/^(not )?ok [0-9]+ - /, ""); result(ok, $0); next
}
inside && /^1\.\./ { plan = substr($0, 4) + 0; next }
{ sub(/^# /, ""); print "# " $0 }
END {
	result(done && programs > 0, "all_programs_ran")
	print "1.." n
	exit bad ? 1 : n - 1 == skip ? 4 : 0
}
