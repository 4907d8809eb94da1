# SPDX-License-Identifier: MIT
# The identifiers of C and C++ files that a user's macro could be: those outside of
# comments, strings and the names of directives that are neither reserved (__x, _X)
# nor prefixed with side_jmp_ or SIDE_JMP_.  One a line; macros.sh takes away what
# the languages and their libraries own.

{ text = text $0 "\n" }

# blank TEXT FROM TO: without what stands between the two
function blank(s, from, to,   out, i, rest) {
	while ((i = index(s, from)) > 0) {
		out = out substr(s, 1, i - 1) " "
		rest = substr(s, i + length(from))
		i = index(rest, to)
		s = i ? substr(rest, i + length(to)) : ""
	}
	return out s
}

END {
	text = blank(text, "/*", "*/")
	gsub(/\/\/[^\n]*/, "", text)
	gsub(/\\"/, "", text)
	gsub(/"[^"\n]*"/, " ", text)
	gsub(/'[^'\n]*'/, " ", text)
	gsub(/#[ \t]*include[^\n]*/, " ", text)
	gsub(/#[ \t]*error[^\n]*/, " ", text)
	gsub(/\n[ \t]*#[ \t]*[a-z]+/, "\n", text)
	gsub(/0[xX][0-9a-fA-F]+[uUlL]*/, " ", text)
	n = split(text, words, /[^A-Za-z0-9_]+/)
	for (i = 1; i <= n; i++)
		if (words[i] ~ /^[A-Za-z_]/ && words[i] !~ /^(__|_[A-Z]|side_jmp_|SIDE_JMP_)/ &&
		    words[i] !~ /^(SIDE_JMP_H|SIDE_JMP|side_jmp)$/)
			print words[i]
}
