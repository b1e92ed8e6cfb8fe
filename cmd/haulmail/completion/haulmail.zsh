#compdef haulmail
# Completion of haulmail for zsh. It asks haulmail itself what may stand where the cursor is.

_haulmail() {
	local kind line
	local -a answer shown
	answer=("${(@f)$(${(Q)words[1]/#\~\//$HOME/} __complete -- zsh "${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" </dev/null 2>/dev/null)}")
	kind=$answer[1]
	shift answer
	[[ $PREFIX == --*=* ]] && compset -P '--*='
	case $kind in
	(files) _files ;;
	(folders) _files -/ ;;
	(words)
		for line in $answer; do
			shown+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
		done
		_describe haulmail shown
		;;
	esac
}

# The file of that name in $fpath runs as the function at the first use; "source" only registers it.
if [[ $funcstack[1] == _haulmail ]]; then
	_haulmail "$@"
else
	compdef _haulmail haulmail
fi
