# shellcheck shell=bash
# Completion of rensad in bash. Options are read from `rensad --help` and keys from `rensad --sample`, so that nothing here falls
# behind the program. Uses nothing of the package bash-completion.

_rensad() {
	local program=${COMP_WORDS[0]/#\~\//$HOME/} cur=${COMP_WORDS[COMP_CWORD]} prev=''
	COMPREPLY=()
	# bash makes a word of its own of = in --option=value and key=value.
	[ "$COMP_CWORD" -eq 0 ] || prev=${COMP_WORDS[COMP_CWORD - 1]}
	if [ "$cur" = = ]; then
		cur=''
	elif [ "$prev" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $prev in
	-c | --config) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	-o | --set)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W "$("$program" --sample 2>/dev/null |
			sed -nE '/^\[/{s/^\[([a-z]+)\]$/\1/;h};/^#[a-z_]+ =/{G;s/^#([a-z_]+) =.*\n(.*)$/\2.\1=/p}')" -- "$cur")
		;;
	*)
		[[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null |
			sed -nE 's/^ +((-[A-Za-z]), )?(--[a-z-]+)( .*)?$/\2 \3/p')" -- "$cur")
		;;
	esac
}

complete -F _rensad rensad
