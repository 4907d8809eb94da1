#!/bin/sh
# SPDX-License-Identifier: MIT
# Completion: each shell offers what the tool understands.
. "$(dirname "$0")/../tap.sh"
tool=$BUILD/tools/side-jmp dir=$TOP/tools/completion
export HOME=$TMP XDG_CONFIG_HOME=$TMP XDG_DATA_HOME=$TMP XDG_CACHE_HOME=$TMP TERM=dumb
PATH=$BUILD/tools:$PATH
"$tool" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' >"$TMP/subcommands"
options() { "$tool" "$1" --help | grep -o -- '--[a-z][a-z-]*' | sort -u; }
needs() {
	for w; do
		grep -qxF -- "$w" "$TMP/got" ||
			{ echo "not offered: $w, but"; cat "$TMP/got"; return 1; }
	done
}
lacks() { for w; do ! grep -qxF -- "$w" "$TMP/got" || { echo "offered: $w"; return 1; }; done; }
# FUNCTION: it offers every subcommand, and of each every option
everything() {
	"$1" 'side-jmp ' && [ -s "$TMP/subcommands" ] && needs $(cat "$TMP/subcommands") || return 1
	for sub in $(cat "$TMP/subcommands"); do
		"$1" "side-jmp $sub --" && sed -i 's/=$//' "$TMP/got" && needs $(options "$sub") ||
			{ echo "of $sub"; return 1; }
	done
}
mkdir "$TMP/folder" && echo >"$TMP/folder/a-file" && cd "$TMP/folder" || exit 1

# ---- bash ------------------------------------------------------------------------
in_bash() { # LINE: calls the function as bash does, with the words as it splits them
	bash --norc -c '. "$1/side-jmp.bash"; line=$2
		read -ra COMP_WORDS <<<"${line//=/ = }"
		[[ $line == *" " || $line == *= ]] && COMP_WORDS+=("")
		COMP_LINE=$line COMP_POINT=${#line} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_side_jmp side-jmp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
		printf "%s\n" "${COMPREPLY[@]}"' - "$dir" "$1" >"$TMP/got" 2>"$TMP/err" &&
	[ ! -s "$TMP/err" ] || cat "$TMP/err"
}
ok completion_bash_syntax bash -n "$dir/side-jmp.bash"
ok completion_bash_offers_everything everything in_bash
bash_values() {
	in_bash 'side-jmp pre' && needs prepare && lacks list &&
	in_bash 'side-jmp list a-' && needs a-file && in_bash 'side-jmp run -o a-' &&
	needs a-file &&
	in_bash 'side-jmp run --color=' && needs always never auto &&
	in_bash 'side-jmp run --color ne' && needs never &&
	in_bash 'side-jmp prepare --output=a-' && needs a-file && in_bash "side-jmp stat $$" &&
	needs $$
}
ok completion_bash_values bash_values
bash_command() { # what follows COMMAND is not ours
	in_bash 'side-jmp run -e a:b basenam' && needs basename &&
	in_bash 'side-jmp run --event=a:b basenam' && needs basename &&
	in_bash 'side-jmp run ls --' && lacks --event= && in_bash 'side-jmp run -- ls a-' &&
	needs a-file &&
	in_bash 'side-jmp run -s -e a:b --' && needs --wait
}
ok completion_bash_of_a_command bash_command

# ---- zsh -------------------------------------------------------------------------
ok completion_zsh_syntax zsh -n "$dir/_side-jmp"
cat >"$TMP/in_zsh" <<'END'
# DIR LINE: what a tab at the end of the line makes of it, or offers
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2=; unsetopt zle_bracketed_paste prompt_sp; fpath=($1 \$fpath)
autoload -Uz compinit && compinit -u -D"
zpty -w z "unsetopt auto_list; setopt auto_menu; zstyle ':completion:*' verbose no
list-all() { compstate[list]='list force'; compstate[insert]=; }
show-all() {
	local -a all
	compadd() {
		if [[ \${@[(i)-[OAD]]} -le \$# ]]; then builtin compadd \"\$@\"; return; fi
		local -a m
		builtin compadd -O m \"\$@\"; print -rl -- \$m >>$3
		builtin compadd \"\$@\"
	}
	_main_complete
	unfunction compadd
}
zle -C all complete-word show-all; bindkey '^T' all; print ready >$3.ready"
while [[ ! -e $3.ready ]]; do sleep .05; done
zpty -w -n z "$2"$'\x14'
for i in {1..100}; do [[ -s $3 ]] && break; sleep .05; done
sleep .2			# the rest of it
zpty -d z
END
in_zsh() {
	rm -f "$TMP/got" "$TMP/got.ready"
	timeout 30 zsh -f "$TMP/in_zsh" "$dir" "$1" "$TMP/got" >"$TMP/err" 2>&1; [ \
		-s "$TMP/got" ] || { cat "$TMP/err"; return 1; }
}
ok completion_zsh_offers_everything everything in_zsh
zsh_values() {
	in_zsh 'side-jmp list a-' && needs a-file && in_zsh 'side-jmp run --color=' &&
	needs always never auto &&
	in_zsh 'side-jmp run -e a:b basenam' && needs basename
}
ok completion_zsh_values zsh_values

# ---- fish ------------------------------------------------------------------------
ok completion_fish_syntax fish -n "$dir/side-jmp.fish"
in_fish() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$dir/side-jmp.fish" \
		"$1" 2>"$TMP/err" | cut -f1 >"$TMP/got"
	[ ! -s "$TMP/err" ] || { cat "$TMP/err"; return 1; }
}
ok completion_fish_offers_everything everything in_fish
fish_values() {
	in_fish 'side-jmp pre' && needs prepare && in_fish 'side-jmp list a-' && needs a-file &&
	in_fish 'side-jmp run --color ' && needs always never auto &&
	in_fish 'side-jmp run -o a-' && needs a-file &&
	in_fish 'side-jmp run -e a:b basenam' && needs basename && in_fish "side-jmp stat $$" &&
	needs $$
}
ok completion_fish_values fish_values
done_testing
