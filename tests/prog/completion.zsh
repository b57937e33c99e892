# What zsh offers when Tab is pressed behind each line, one line of candidates for each, as users have it: an interactive zsh on a
# terminal of its own, with our completion alone.   zsh -f completion.zsh FOLDER-OF-COMPLETIONS SCRATCH-FILE LINE...
zmodload zsh/zpty || exit 1
zpty shell zsh -f -i
zpty -w shell "PS1= PS2= fpath=($1 \$fpath); unset zle_bracketed_paste; autoload -Uz compinit && compinit -D -u
compadd() {
	local -a hits
	[[ \${@[(I)-[ODA]]} -gt 0 ]] || { builtin compadd -O hits \"\$@\"; print -rl -- \${hits/#/offered:} >>$2 }
	builtin compadd \"\$@\"
}
finish() { print -r -- end >>$2; zle kill-buffer }
zle -N finish; bindkey '^X' finish
print -r -- ready >>$2"

# What the shell draws is read and dropped, so that it never waits for us.
integer seen=0
await() {
	while ! tail -n +$((seen + 1)) $1 | grep -qx $2; do
		zpty -r -t shell drawn
		sleep 0.02
	done
}
: >$2
await $2 ready
for line in "${@[3,-1]}"; do
	seen=$(wc -l <$2)
	zpty -w -n shell "$line"$'\t'
	zpty -w -n shell $'\x18'
	await $2 end
	print -r -- ${${(M)${(f)"$(tail -n +$((seen + 1)) $2)"}:#offered:*}#offered:}
done
zpty -d shell
