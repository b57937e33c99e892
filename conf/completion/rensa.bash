# shellcheck shell=bash
# Completion of rensa in bash. Commands, their options and what these take are read from `rensa help`, so that nothing here falls
# behind the program; only what a word such as NAME or DIR stands for is said here. Uses nothing of the package bash-completion.

# The options of a help text on standard input, each with the word for its value behind it, if it takes one.
_rensa_options() {
	sed -nE 's/^ +(-[A-Za-z], )?(--[a-z-]+)( ([A-Z][^ ]*))?(  .*)?$/\2 \4/p'
}

# The names of all commands, and what the one operand of each stands for: "wallet address NAME", "status".
_rensa_commands() {
	"$1" help 2>/dev/null | sed -nE '/^commands/,/^$/s/^  ([a-z][a-z -]*[a-z])( (\[?[A-Z][^ ]*))?(  .*)$/\1 \3/p' | tr -d '[]'
}

# Wallets lie in files of their own, so that no node and no passphrase is needed to name them.
_rensa_wallets() {
	local file
	for file in "$1"/wallets/*.wallet; do
		[ -e "$file" ] || continue
		file=${file##*/}
		printf '%s\n' "${file%.wallet}"
	done
}

# What rensa doctor can look at.
_rensa_checks='config node data_dir secrets disk journal shm segments memory files file_size clock libevent ports peers
	ready roles usage logs reload neighbours wallets'

# _rensa_values WORD CURRENT HOME: what a value or an operand that help calls WORD can be.
_rensa_values() {
	local word=$1 cur=$2 home=$3 head=
	case $word in
	FILE | PATH) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	DIR) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	NAME | 'NAME|ADDRESS') mapfile -t COMPREPLY < <(compgen -W "$(_rensa_wallets "$home")" -- "$cur") ;;
	LEVELS) mapfile -t COMPREPLY < <(compgen -W 'error warn info debug' -- "$cur") ;;
	CHECKS | KINDS)
		[[ $cur != *,* ]] || head=${cur%,*},
		[ "$word" = KINDS ] && word='block transaction reorganisation peer' || word=$_rensa_checks
		mapfile -t COMPREPLY < <(compgen -P "$head" -W "$word" -- "${cur##*,}")
		;;
	COINS | HASH | HEIGHT | 'HEIGHT|HASH' | ID | N | SECONDS | TEXT | URL) ;; # only the user knows
	esac
}

# Those of the lines on standard input that begin with the text, followed by a space or by nothing.
_rensa_beginning() {
	awk -v text="$1" 'index($0 " ", text " ") == 1'
}

_rensa() {
	local program=${COMP_WORDS[0]/#\~\//$HOME/} cur=${COMP_WORDS[COMP_CWORD]} home=${RENSA_HOME:-$HOME/.rensa}
	local commands options option='' takes='' command='' operand='' is_help=no i word
	COMPREPLY=()
	commands=$(_rensa_commands "$program")
	options=$("$program" help 2>/dev/null | _rensa_options)
	# What stands in front of the cursor: an option that waits for its value, and the words of the command. bash makes a word
	# of its own of = in --option=value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$word" = = ]; then
			continue
		elif [ -n "$option" ]; then
			[ "$option" != --home ] || home=${word/#\~\//$HOME/}
			option=''
		elif [[ $word == --* ]]; then
			takes=$(_rensa_beginning "$word" <<<"$options" | cut -d ' ' -f 2 | head -n 1)
			[ -z "$takes" ] || option=$word
		elif [ -z "$command" ] && [ "$word" = help ]; then
			is_help=yes
		elif [ -z "$operand" ] && [ -n "$(_rensa_beginning "${command:+$command }$word" <<<"$commands")" ]; then
			command=${command:+$command }$word
			# shellcheck disable=SC2086 # one word or two
			options+=$'\n'$("$program" help $command 2>/dev/null | _rensa_options)
		else
			operand=$word
		fi
	done
	[ "$cur" != = ] || cur=''
	if [ -n "$option" ]; then
		_rensa_values "$takes" "$cur" "$home"
		return
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d ' ' -f 1 <<<"$options" | sort -u)" -- "$cur")
		return
	elif [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d ' ' -f 1 <<<"$commands" | sort -u)" -- "$cur")
		return
	fi
	word=$(_rensa_beginning "$command" <<<"$commands")
	word=${word#"$command"}
	word=${word# }
	if [[ $word == [a-z]* ]]; then
		# Half a command, as wallet: its second words.
		mapfile -t COMPREPLY < <(compgen -W "$(_rensa_beginning "$command" <<<"$commands" | cut -d ' ' -f 2)" -- "$cur")
	elif [ $is_help = no ] && [ -z "$operand" ] && [[ $command != 'wallet create' && $command != 'wallet import' ]]; then
		_rensa_values "$word" "$cur" "$home"
	fi
}

complete -F _rensa rensa
