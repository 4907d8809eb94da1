# SPDX-License-Identifier: MIT
# Makes a manual page of section 3 (mdoc) of a header: of the manual that its first
# comment is, and of what it declares with the comment that stands before.
#
#	awk -v date="November 1, 2026" -f manual.awk side_jmp.h more.h >side_jmp.3
#	awk -v names=1 -f manual.awk side_jmp.h more.h	the functions and macros, one a line
#
# What a header has to look like:
#   - The manual begins with "NAME: one line." or "NAME words: one line."  A line
#     after two empty ones is a heading.  Text that is indented is shown as it is.
#   - A comment at the left margin is about the declarations up to the next empty
#     line.  "/* ----" begins a chapter, called after its first sentence.
#   - Public are functions, structures, enumerations and typedefs that begin with
#     side_jmp_, macros with arguments, and those that are a number.  Not public is
#     what ends in _ or _<digit>, has small letters after SIDE_JMP_, or is in `own`.

BEGIN {
	own = "^side_jmp_(suits_.*|field_type_.*|cxx_.*|this_.*|these_.*|function)$"
	n_names = 0
}

FNR == 1 { in_comment = in_decl = skip = 0; comment = chapter = ""; has_comment = 0; n_files++ }

{ line = columns($0) }

skip == "macro"		{ if (!/\\$/) skip = 0; next }
skip == "body"		{ if (/^}/) skip = 0; next }

in_comment {
	if (/\*\/$/) {
		sub(/ *\*\/$/, "", line)
		in_comment = 0
	}
	add_comment(substr(line, 4))
	if (!in_comment)
		end_comment()
	next
}
in_decl == "struct" {
	decl = decl "\n" line
	if (/^}/)
		declared()
	next
}
in_decl == "function" {
	prototype(line)
	next
}
/^\/\* SPDX/		{ next }
/^\/\*/ {
	flush()
	comment = ""
	line = substr(line, 3)
	if (line ~ /\*\/$/)
		sub(/ *\*\/$/, "", line)
	else
		in_comment = 1
	sub(/^ /, "", line)
	add_comment(line)
	if (!in_comment)
		end_comment()
	next
}
/^$/			{ flush(); next }
/^#[ \t]*define/ {
	if (/\\$/)
		skip = "macro"
	macro()
	next
}
/^(struct|enum) side_jmp_[a-z0-9_]* \{$/ {
	split($0, words, " ")
	if (is_public(words[2])) {
		decl = line
		in_decl = "struct"
	}
	next
}
/^(int|void|bool|static inline|typedef void) / {
	decl = ""
	in_decl = "function"
	prototype(line)
	next
}

END { flush(); if (names) print_names(); else print_page() }

# ---- reading ------------------------------------------------------------------

function columns(s,   out, i, c, n) { # tabs as spaces
	if (index(s, "\t") == 0)
		return s
	n = length(s)
	for (i = 1; i <= n; i++) {
		c = substr(s, i, 1)
		if (c != "\t")
			out = out c
		else
			out = out substr("        ", length(out) % 8 + 1)
	}
	return out
}

function add_comment(s) {
	comment = comment (comment == "" ? "" : "\n") s
}

function end_comment(   s) {
	if (comment ~ /^ *----/) {
		s = comment
		gsub(/----*/, "", s)
		sub(/\*\//, "", s)
		sub(/^[ \n]*/, "", s)
		sub(/[.\n].*/, "", s)
		sub(/ *$/, "", s)
		chapter = toupper(substr(s, 1, 1)) substr(s, 2)
		comment = ""
		return
	}
	sub(/^\n*/, "", comment)
	if (manual == "") {
		manual = comment
		comment = ""
	}
	has_comment = comment != ""
}

function is_public(name) {
	return name ~ /^side_jmp_[a-z0-9_]*[a-z0-9]$|^SIDE_JMP_[A-Z0-9_]*[A-Z0-9]$/ &&
		name !~ /_[0-9]+$/ && name !~ own
}

function macro(   s, name, arguments) {
	s = line
	sub(/^#[ \t]*define /, "", s)
	sub(/ *\\$/, "", s)
	match(s, /^[A-Za-z0-9_]+/)
	name = substr(s, 1, RLENGTH)
	if (!is_public(name))
		return
	if (substr(s, RLENGTH + 1, 1) == "(") {
		arguments = substr(s, RLENGTH + 1)
		sub(/\).*/, ")", arguments)
		show(name, name arguments, 1)
	} else if (substr(s, RLENGTH + 1) ~ /^ +(0x)?[0-9A-Fa-f]+( |$)/)
		show(name, "#define " s, 0)
}

function prototype(s,   end) {
	end = s ~ /;$|^\{/
	if (s ~ /^\{/) {
		s = ";"
		skip = "body"
	}
	decl = decl (decl == "" || s == ";" ? "" : "\n") s
	if (end) {
		sub(/^static inline /, "", decl)
		declared()
	}
}

function declared(   name) {
	in_decl = 0
	name = decl
	if (decl ~ /^(struct|enum) .*\{\n/)
		sub(/ \{.*/, "", name)
	else if (decl !~ /side_jmp_[a-z0-9_]*\(/)
		return
	else {
		match(name, /side_jmp_[a-z0-9_]*\(/)
		name = substr(name, RSTART, RLENGTH - 1)
	}
	sub(/^(struct|enum) /, "", name)
	if (is_public(name))
		show(name, decl, decl ~ /\(/ && decl !~ /^(typedef|struct|enum)/)
}

# A declaration of NAME; a page has each once, and of one name a structure and a macro.
function show(name, text, is_call) {
	if ((name, is_call) in seen)
		return
	seen[name, is_call] = 1
	if (is_call)
		all[++n_names] = name
	shown = shown (shown == "" ? "" : "\n") text
}

function flush() {
	if (shown != "") {
		if (chapter != "")
			page = page ".Ss " heading(chapter) "\n"
		chapter = ""
		page = page literal(shown) (has_comment ? paragraphs(comment) : "")
	}
	shown = comment = ""
	has_comment = 0
}

# ---- writing ------------------------------------------------------------------

function escape(s) {
	gsub(/\\/, "\\e", s)
	return s
}

function literal_line(s) {
	s = escape(s)
	gsub(/-/, "\\-", s)
	gsub(/'/, "\\(aq", s)
	gsub(/`/, "\\(ga", s)
	gsub(/\^/, "\\(ha", s)
	gsub(/~/, "\\(ti", s)
	return s ~ /^\./ ? "\\&" s : s
}

function literal(s,   n, i, lines, least, out) {
	n = split(s, lines, "\n")
	least = 99
	for (i = 1; i <= n; i++)
		if (lines[i] != "" && match(lines[i], /[^ ]/) && RSTART < least)
			least = RSTART
	out = ".Bd -literal -offset indent\n"
	for (i = 1; i <= n; i++)
		out = out literal_line(substr(lines[i], least)) "\n"
	return out ".Ed\n"
}

# Marks: `code` is bold, *word* is slanted; an option's - is one.
function text_of(s,   out) {
	s = escape(s)
	while (match(s, /`[^`]+`/)) {
		out = out substr(s, 1, RSTART - 1) "\\fB" substr(s, RSTART + 1, RLENGTH - 2) "\\fR"
		s = substr(s, RSTART + RLENGTH)
	}
	s = out s
	out = ""
	while (match(s, /\*[a-z]+\*/)) {
		out = out substr(s, 1, RSTART - 1) "\\fI" substr(s, RSTART + 1, RLENGTH - 2) "\\fR"
		s = substr(s, RSTART + RLENGTH)
	}
	s = out s
	gsub(/\(\)/, "\\\\\\&()", s)	# mandoc would have each function marked up
	gsub(/ -/, " \\-", s)
	sub(/^-/, "\\-", s)
	return s
}

# In one argument: a word of it could be a macro of mdoc's (In, An, No).
function heading(s) {
	s = text_of(s)
	gsub(/"/, "\\(dq", s)
	return "\"" s "\""
}

# Each sentence begins a line, and none is long.
function sentences(s,   out, head) {
	s = text_of(s)
	while (match(s, /[.!?][)"]* +[^a-z ]/)) {
		head = substr(s, 1, RSTART + RLENGTH - 2)
		sub(/ +$/, "", head)
		out = out filled(head)
		s = substr(s, RSTART + RLENGTH - 1)
	}
	return out filled(s)
}
function filled(s,   n, i, words, out, length_) {
	n = split(s, words, / +/)
	for (i = 1; i <= n; i++) {
		if (i > 1 && length_ + 1 + length(words[i]) <= 79) {
			out = out " " words[i]
			length_ += 1 + length(words[i])
			continue
		}
		if (words[i] ~ /^[.']/)
			words[i] = "\\&" words[i]
		out = out (i > 1 ? "\n" : "") words[i]
		length_ = length(words[i])
	}
	return out "\n"
}

function paragraphs(s,   n, i, lines, out, text, code, empty) {
	n = split(s "\n", lines, "\n")
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^  / || (code != "" && lines[i] == "" && lines[i + 1] ~ /^  /)) {
			if (text != "") {
				out = out ".Pp\n" sentences(text)
				text = ""
			}
			code = code (code == "" ? "" : "\n") lines[i]
			empty = 0
			continue
		}
		if (code != "") {
			out = out literal(code)
			code = ""
		}
		if (lines[i] == "") {
			if (text != "")
				out = out ".Pp\n" sentences(text)
			text = ""
			empty++
			continue
		}
		if (empty >= 2 && lines[i + 1] == "") {
			out = out "\001" lines[i] "\n"
			empty = 0
			continue
		}
		empty = 0
		text = text (text == "" ? "" : " ") lines[i]
	}
	if (text != "")
		out = out ".Pp\n" sentences(text)
	return out
}

function print_names(   i) {
	for (i = 1; i <= n_names; i++)
		print all[i]
}

function print_page(   title, what, rest, i, n, lines, other) {
	# "NAME words: what."
	i = index(manual, "\n\n")
	what = substr(manual, 1, i - 1)
	rest = substr(manual, i + 1)
	gsub(/\n/, " ", what)
	title = what
	sub(/:.*/, "", title)
	sub(/^[^:]*: */, "", what)
	sub(/\.$/, "", what)
	sub(/ events$/, "_event", title)
	other = title == "side_jmp" ? "side_jmp_event" : "side_jmp"

	print ".\\\" SPDX-License-Identifier: MIT"
	print ".\\\" Made of " title ".h by runtime/man/manual.awk."
	print ".Dd " date
	print ".Dt " toupper(title) " 3"
	print ".Os"
	print ".nh"
	print ".Sh NAME"
	print ".Nm " title (n_names ? " ," : "")
	for (i = 1; i <= n_names; i++)
		if (all[i] != title)
			print ".Nm " all[i] (i < n_names ? " ," : "")
	print ".Nd " text_of(what)
	print ".Sh SYNOPSIS"
	print ".In " title ".h"
	print ".Sh DESCRIPTION"
	n = split(paragraphs(rest), lines, "\n")
	for (i = 1; i < n; i++) {
		if (lines[i] ~ /^\001/)
			print ".Sh " heading(substr(lines[i], 2))
		else if (lines[i] != ".Pp" || lines[i - 1] !~ /^(\001|$)/)
			print lines[i]
	}
	print ".Sh REFERENCE"
	n = split(page, lines, "\n")
	for (i = 1; i < n; i++)
		print lines[i]
	print ".Sh SEE ALSO"
	print ".Xr side-jmp 1 ,"
	print ".Xr " other " 3 ,"
	print ".Xr side_jmp 7"
}
