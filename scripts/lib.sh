# shellcheck shell=bash
# What the scripts share: words to the reader, and build folders. Sourced, never run.

# The source tree. Exported, so that what a script starts finds it too.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export top

# Colour is for people: none in a pipe, a log, or where NO_COLOR asks for none.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' blue=$'\e[36m' plain=$'\e[0m'
else
	bold='' dim='' red='' green='' blue='' plain=''
fi
export bold dim red green blue plain

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Whole seconds as people read them.
duration() {
	if [ "$1" -lt 60 ]; then
		printf '%d s' "$1"
	else
		printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
	fi
}

# configure_tree FOLDER [CONFIGURE ARGUMENT...]: makes ./configure where it is missing or old, and a build folder with these
# arguments. A folder that has them already is left as it is; make then brings it up to date by itself.
configure_tree() {
	local folder=$1
	shift
	if [ -e "$top/config.status" ]; then
		echo "the source tree itself was configured, which keeps it from being built in folders: run make distclean in $top" >&2
		return 1
	fi
	if [ ! -x "$top/configure" ] || [ ! -e "$top/Makefile.in" ] || [ "$top/configure.ac" -nt "$top/configure" ]; then
		"$top/autogen.sh" || return 1
	fi
	mkdir -p "$folder" || return 1
	local wanted="$top $*"
	if [ -e "$folder/config.status" ] && [ -e "$folder/Makefile" ] && [ "$(cat "$folder/.configured" 2>/dev/null)" = "$wanted" ]; then
		return 0
	fi
	(cd "$folder" && "$top/configure" --quiet "$@") && printf '%s\n' "$wanted" >"$folder/.configured"
}
