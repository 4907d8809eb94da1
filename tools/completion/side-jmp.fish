# SPDX-License-Identifier: MIT
# Completion for side-jmp in fish.

function __side_jmp_sub --description 'Is this the subcommand?'
	set -l words (commandline -opc)
	test (count $words) -gt 1; and contains -- $words[2] $argv
end

function __side_jmp_first --description 'Is the subcommand still to come?'
	test (count (commandline -opc)) -eq 1
end

complete -c side-jmp -f
complete -c side-jmp -n __side_jmp_first -s h -l help -d 'Show help'
complete -c side-jmp -n __side_jmp_first -l version -d 'Show the version'
complete -c side-jmp -n __side_jmp_first -a list -d 'Show sites, keys and events of files'
complete -c side-jmp -n __side_jmp_first -a check -d 'Check everything that must hold of them'
complete -c side-jmp -n __side_jmp_first -a disasm -d 'Show the code around sites'
complete -c side-jmp -n __side_jmp_first -a prepare -d 'Make sites idle or armed in a file'
complete -c side-jmp -n __side_jmp_first -a stat -d 'Show the sites of a running process'
complete -c side-jmp -n __side_jmp_first -a run -d 'Start a command and show its events'
complete -c side-jmp -n __side_jmp_first -a ps -d 'Show which running processes have sites'
complete -c side-jmp -n __side_jmp_first -a trace -d 'Show events of running processes'
complete -c side-jmp -n __side_jmp_first -a top -d 'Show their events by rate'
complete -c side-jmp -n __side_jmp_first -a snapshot -d 'Copy a trace that is being written'
complete -c side-jmp -n __side_jmp_first -a enable -d 'Enable keys of running processes'
complete -c side-jmp -n __side_jmp_first -a disable -d 'Take that back'
complete -c side-jmp -n __side_jmp_first -a convert -d 'A trace as JSON for Perfetto'
complete -c side-jmp -n __side_jmp_first -a report -d 'A trace as a page for a browser'
complete -c side-jmp -n __side_jmp_first -a help -d 'Explain a subcommand'

set -l any list check disasm prepare stat run ps trace top snapshot enable disable convert report
set -l live list ps trace top enable disable
complete -c side-jmp -n '__side_jmp_sub help' -a "$any"
complete -c side-jmp -n "__side_jmp_sub $any" -s h -l help -d 'Show help'
complete -c side-jmp -n "__side_jmp_sub $any" -l version -d 'Show the version'
complete -c side-jmp -n "__side_jmp_sub $any" -l usage -d 'Show a short usage message'
complete -c side-jmp -n '__side_jmp_sub list check disasm prepare' -F
complete -c side-jmp -n '__side_jmp_sub list check disasm' -s j -l json -d 'As JSON'
complete -c side-jmp -n '__side_jmp_sub list check disasm' -l debug -r -F \
	-d 'The separate debug file'
complete -c side-jmp -n '__side_jmp_sub list check' -s r -l recursive \
	-d 'All files below folders'
complete -c side-jmp -n '__side_jmp_sub list check' -l only-with-sites -d 'Pass over other files'
complete -c side-jmp -n '__side_jmp_sub list check' -l everything -d 'Pass over nothing'

complete -c side-jmp -n '__side_jmp_sub list' -s q -l quiet -d 'No totals'
complete -c side-jmp -n '__side_jmp_sub list' -l sites -d Sites
complete -c side-jmp -n '__side_jmp_sub list' -l keys -d Keys
complete -c side-jmp -n '__side_jmp_sub list' -l events -d Events
complete -c side-jmp -n '__side_jmp_sub list' -l no-lines -d 'Do not read debug information'
complete -c side-jmp -n '__side_jmp_sub list' -l root -r -a '(__fish_complete_directories)' \
	-d 'Where files that a core names are'

complete -c side-jmp -n '__side_jmp_sub check' -s q -l quiet -d 'Print findings only'
complete -c side-jmp -n '__side_jmp_sub check' -l strict -d 'Notes are findings, too'

complete -c side-jmp -n '__side_jmp_sub disasm' -s c -l context -x \
	-d 'Instructions before and after'

complete -c side-jmp -n '__side_jmp_sub prepare' -l idle -x -d 'Make sites of these keys idle'
complete -c side-jmp -n '__side_jmp_sub prepare' -l armed -x -d 'Make sites of these keys armed'
complete -c side-jmp -n '__side_jmp_sub prepare' -l events -d 'Also events'
complete -c side-jmp -n '__side_jmp_sub prepare' -s n -l dry-run -d 'Write nothing'
complete -c side-jmp -n '__side_jmp_sub prepare' -s o -l output -r -F -d 'Write to another file'
complete -c side-jmp -n '__side_jmp_sub prepare' -s q -l quiet -d 'Say nothing'

complete -c side-jmp -n '__side_jmp_sub stat' -s j -l json -d 'As JSON, with all keys'
complete -c side-jmp -n '__side_jmp_sub stat' -s k -l keys -d 'All keys'
complete -c side-jmp -n '__side_jmp_sub stat' -s w -l watch -x -d 'Again and again; seconds'
complete -c side-jmp -n '__side_jmp_sub stat' -a '(__fish_complete_pids)'

complete -c side-jmp -n '__side_jmp_sub run' -s e -l event -x -d 'Enable these events'
complete -c side-jmp -n '__side_jmp_sub run' -s o -l output -r -F -d 'Write to a file or directory/'
complete -c side-jmp -n '__side_jmp_sub run' -l context -x -a 'cpu comm thread_time stack' \
	-d 'With each event'
complete -c side-jmp -n '__side_jmp_sub run' -s s -l summary -d 'Counts and rates at the end'
complete -c side-jmp -n '__side_jmp_sub run' -s j -l json -d 'The summary as JSON'
complete -c side-jmp -n '__side_jmp_sub run' -s q -l quiet -d 'No events, only the summary'
complete -c side-jmp -n '__side_jmp_sub run' -s w -l wait -d 'Wait for processes left behind'
complete -c side-jmp -n '__side_jmp_sub run' -s C -l color -x -a 'always never auto' \
	-d 'When to use colours'
complete -c side-jmp -n '__side_jmp_sub run' \
	-a '(__fish_complete_subcommand --fcs-skip=2 -e --event -o --output --context -C --color)'

complete -c side-jmp -n "__side_jmp_sub $live" -s p -l pid -x -a '(__fish_complete_pids)' \
	-d 'This process'
complete -c side-jmp -n "__side_jmp_sub $live" -s n -l name -x -d 'All that are called so'
complete -c side-jmp -n "__side_jmp_sub $live" -s a -l all -d 'All that ask to be controlled'
complete -c side-jmp -n '__side_jmp_sub ps' -s e -l event -x -d 'That have these keys or events'
complete -c side-jmp -n '__side_jmp_sub ps' -s j -l json -d 'As JSON'
complete -c side-jmp -n '__side_jmp_sub snapshot' -s p -l pid -x -a '(__fish_complete_pids)' \
	-d 'The trace of this process'
complete -c side-jmp -n '__side_jmp_sub snapshot' -a '(__fish_complete_directories)'
complete -c side-jmp -n '__side_jmp_sub enable disable' -s q -l quiet -d 'Say nothing'
complete -c side-jmp -n '__side_jmp_sub trace' -s e -l event -x -d 'These events'
complete -c side-jmp -n '__side_jmp_sub trace' -s o -l output -r -F \
	-d 'Write to a file or directory/'
complete -c side-jmp -n '__side_jmp_sub trace' -l for -x -d 'End after that time'
complete -c side-jmp -n '__side_jmp_sub trace' -l context -x \
	-a 'cpu comm thread_time stack' -d 'With each event'
complete -c side-jmp -n '__side_jmp_sub trace' -l count -x -d 'End after so many events'
complete -c side-jmp -n '__side_jmp_sub trace' -s q -l quiet -d 'Do not say how many'
complete -c side-jmp -n '__side_jmp_sub top' -s e -l event -x -d 'These events'
complete -c side-jmp -n '__side_jmp_sub top' -s d -l delay -x -d 'The interval; seconds'
complete -c side-jmp -n '__side_jmp_sub top' -s t -l times -x -d 'End after so many intervals'
complete -c side-jmp -n '__side_jmp_sub top' -s j -l json -d 'One interval, as JSON'
complete -c side-jmp -n '__side_jmp_sub convert report' -a '(__fish_complete_directories)'
complete -c side-jmp -n '__side_jmp_sub convert report' -s o -l output -r -F -d 'Write to a file'
complete -c side-jmp -n '__side_jmp_sub convert report' -l since -x -d 'Only so long before its end'
complete -c side-jmp -n '__side_jmp_sub convert report' -s q -l quiet -d 'Do not say how many'
