# SPDX-License-Identifier: MIT
# Completion for side-jmp in bash.  Needs bash alone; where bash-completion is
# loaded, a COMMAND's own arguments are completed, too.

# Options of a subcommand; those that want a value end in =.
_side_jmp_options() {
	case $1 in
	list)
		echo --sites --keys --events --json --quiet --recursive --everything
		echo --only-with-sites --no-lines --debug= --root= --pid= --name= --all
		;;
	check) echo --json --quiet --strict --recursive --everything --only-with-sites --debug= ;;
	disasm) echo --json --context= --debug= ;;
	prepare) echo --idle= --armed= --events --dry-run --output= --quiet ;;
	stat) echo --json --keys --watch= ;;
	ps) echo --pid= --name= --all --event= --json ;;
	trace)
		echo --pid= --name= --all --event= --output= --context= --for= --count= --quiet
		;;
	top) echo --pid= --name= --all --event= --delay= --times= --json ;;
	snapshot) echo --pid= ;;
	enable | disable) echo --pid= --name= --all --quiet ;;
	convert | report) echo --since= --output= --quiet ;;
	run)
		echo --event= --output= --context= --summary --summary= --json --quiet --wait \
			--color=
		;;
	esac
	echo --help --usage --version
}

# Does the word before, an option of the subcommand, want a value as a word of
# its own?
_side_jmp_wants_value() {
	case $1:$2 in
	disasm:-c | prepare:-o | convert:-o | report:-o | stat:-w | \
		 run:-[eoC] | *:-[pn]) return 0 ;;
	ps:-e | trace:-[eo] | top:-[edt]) return 0 ;;
	*:--?*=*) return 1 ;;
	*:--?*) [[ $2 != --summary && " $(_side_jmp_options "$1" | tr '\n' ' ')" == *" $2= "* ]] ;;
	*) return 1 ;;
	esac
}

# Values of an option.
_side_jmp_values() {
	case $1 in
	--debug | --output | -o | --summary) compgen -f -- "$2" ;;
	--pid | -p) (cd /proc && compgen -W "$(echo [0-9]*)" -- "$2") ;;
	--root) compgen -d -- "$2" ;;
	--color | -C) compgen -W 'always never auto' -- "$2" ;;
	esac
}

_side_jmp() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	local sub=${COMP_WORDS[1]} i

	COMPREPLY=()
	local all='list check disasm prepare stat run ps trace top snapshot enable disable
		convert report'
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "$all help --help --version" -- "$word"))
		return
	fi
	if [[ $sub == help ]]; then
		COMPREPLY=($(compgen -W "$all" -- "$word"))
		return
	fi
	# COMMAND, and what follows it, is no longer ours
	if [[ $sub == run ]]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			if [[ ${COMP_WORDS[i]} == -- ]]; then
				((i++))
				break
			fi
			if [[ ${COMP_WORDS[i]} == -* ]]; then
				_side_jmp_wants_value run "${COMP_WORDS[i]}" &&
					[[ ${COMP_WORDS[i+1]} != = ]] && ((i++))
				# bash splits --option=value into three words
				[[ ${COMP_WORDS[i+1]} == = ]] && ((i += 2))
				continue
			fi
			break
		done
		if ((i < COMP_CWORD)); then
			if declare -F _command_offset >/dev/null; then
				_command_offset "$i"
			else
				COMPREPLY=($(compgen -f -- "$word"))
			fi
			return
		fi
	fi
	# --option=value, in three words
	if [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD-2]}
	elif [[ $word == = ]]; then
		word=
	elif ! _side_jmp_wants_value "$sub" "$before"; then
		before=
	fi
	if [[ -n $before ]]; then
		COMPREPLY=($(_side_jmp_values "$before" "$word"))
	elif [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$(_side_jmp_options "$sub")" -- "$word"))
		[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
	elif [[ $sub == stat ]]; then
		COMPREPLY=($(cd /proc && compgen -W "$(echo [0-9]*)" -- "$word"))
	elif [[ $sub == @(ps|trace|top|enable|disable) ]]; then
		COMPREPLY=()
	elif [[ $sub == run ]]; then
		COMPREPLY=($(compgen -c -- "$word"; compgen -d -- "$word"))
	else
		COMPREPLY=($(compgen -f -- "$word"))
	fi
}

complete -o filenames -o bashdefault -F _side_jmp side-jmp
