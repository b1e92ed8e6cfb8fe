# Completion of haulmail for bash. It asks haulmail itself what may stand where the cursor is.

_haulmail() {
	local kind='' line
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ -z $kind ]]; then
			kind=$line
		else
			COMPREPLY+=("$line")
		fi
	done < <("${1/#~\//$HOME/}" __complete -- bash "${COMP_LINE:0:COMP_POINT}" "$2" </dev/null 2>/dev/null)
	case $kind in # compopt is not in bash 3
	files) compopt -o default 2>/dev/null ;;
	folders) compopt -o dirnames 2>/dev/null ;;
	esac
}

complete -F _haulmail haulmail
