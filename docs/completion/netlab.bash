# SPDX-License-Identifier: GPL-2.0-or-later
# Bash completion for netlab. Verbs and options come from netlab's own --help, labs and guests
# from what runs; only what an argument stands for is written down here.

# _netlab_verbs NETLAB
_netlab_verbs() {
	"$1" --help 2>/dev/null | sed -n "/^'netlab VERB/q; s/^  \([a-z]\{1,\}\) .*/\1/p"
}

# _netlab_options NETLAB VERB: a line for each option, "NAME flag|argument|optional".
_netlab_options() {
	"$1" "$2" --help 2>/dev/null | awk '
		/^  (-., |    )--/ && match($0, /--[a-z0-9-]+/) {
			name = substr($0, RSTART, RLENGTH)
			rest = substr($0, RSTART + RLENGTH)
			kind = rest ~ /^\[=/ ? "optional" : rest ~ /^ [^ ]/ ? "argument" : "flag"
			print name, kind
			if (substr($0, 3, 1) == "-")
				print substr($0, 3, 2), kind
		}'
}

# The labs that run: each has a folder.
_netlab_labs() {
	local folder=/tmp/netlab-$UID path
	[[ ${XDG_RUNTIME_DIR-} != /* ]] || folder=$XDG_RUNTIME_DIR/netlab
	((EUID != 0)) || folder=/run/netlab
	folder=${NETLAB_RUNTIME_DIR:-$folder}
	for path in "$folder"/*/; do
		path=${path%/}
		[[ ! -d $path ]] || printf '%s\n' "${path##*/}"
	done
}

# _netlab_dead NETLAB: the labs that were killed and have left something.
_netlab_dead() {
	"$1" status --json 2>/dev/null | awk -F'"' '
		/^    "lab":/ { lab = $4 }
		/^    "state": "dead"/ { print lab }'
}

# _netlab_guests NETLAB LAB: every string in its status that lies at guests[].name.
_netlab_guests() {
	"$1" status "$2" --json 2>/dev/null | awk '
		{ text = text $0 "\n" }
		END {
			while (match(text, /"(\\.|[^"\\])*"|[][{}:,]/)) {
				token = substr(text, RSTART, RLENGTH)
				text = substr(text, RSTART + RLENGTH)
				if (token == "{" || token == "[") {
					depth++
					key[depth] = ""
				} else if (token == "}" || token == "]") {
					depth--
				} else if (token == ":") {
					key[depth] = last
				} else if (token != ",") {
					last = substr(token, 2, length(token) - 2)
					if (key[depth] == "name" && key[depth - 2] == "guests")
						print last
				}
				if (token == ",")
					key[depth] = ""
			}
		}'
}

# _netlab_nodes NETLAB WORD SUFFIX [NODE...]: the guests of the lab that runs or that WORD
# names, and each NODE, with SUFFIX; where there are several labs, "LAB/" of each.
_netlab_nodes() {
	local netlab=$1 word=$2 suffix=$3 labs lab prefix='' node
	shift 3
	mapfile -t labs < <(_netlab_labs)
	lab=${labs[0]-}
	if [[ $word == */* ]]; then
		lab=${word%%/*} prefix=${word%%/*}/
	elif ((${#labs[@]} > 1)); then
		printf '%s/\n' "${labs[@]}"
		return
	fi
	[[ -n $lab ]] || return 0
	for node in "$@" $(_netlab_guests "$netlab" "$lab"); do
		printf '%s\n' "$prefix$node$suffix"
	done
}

# What an option's argument can be; nothing for a number or a text.
_netlab_option_values() {
	case $1 in
	--format) compgen -W 'svg dot mermaid' -- "$2" ;;
	--level) compgen -W 'emerg alert crit err warning notice info debug' -- "$2" ;;
	--clock) compgen -W 'lab wall' -- "$2" ;;
	--export) compgen -W 'vscode eclipse' -- "$2" ;;
	--on-panic) compgen -W 'halt continue' -- "$2" ;;
	--accel) compgen -W 'auto kvm tcg' -- "$2" ;;
	-o | --output | --source) compgen -d -- "$2" ;;
	--diff) compgen -W 'O1 debug defconfig lab modular roots sanitize' -- "$2" ;;
	-w | --write | --core | --vmlinux) compgen -f -- "$2" ;;
	esac
}

# _netlab_guests_of_file TOPOLOGY: the names below "guests:", as the file is mostly written.
_netlab_guests_of_file() {
	[[ -r $1 ]] || return 0
	awk '/^[^ #]/ { inside = /^guests:/ } inside && /^  [A-Za-z0-9-]+:/ {
		sub(/:.*/, ""); sub(/^ +/, ""); print }' "$1"
}

# _netlab_settings TOPOLOGY: the machine's keys of each of its guests.
_netlab_settings() {
	local guest key
	while read -r guest; do
		for key in memory cpus cpu machine root kernel kernel_arguments on_panic; do
			printf '%s.%s=\n' "$guest" "$key"
		done
	done < <(_netlab_guests_of_file "$1")
}

_netlab_topologies() {
	compgen -f -X '!*.yaml' -- "$1"
	compgen -f -X '!*.yml' -- "$1"
	compgen -d -- "$1"
}

# _netlab_words NETLAB VERB POSITION WORD: what may stand at this position (from 0).
_netlab_words() {
	case $2:$3 in
	export:0) printf '%s\n' qemu links libvirt ;;
	up:0 | run:0 | export:1 | check:* | apply:1) _netlab_topologies "$4" ;;
	apply:0)
		_netlab_topologies "$4"
		_netlab_labs
		;;
	graph:0)
		_netlab_topologies "$4"
		_netlab_labs
		;;
	down:0 | status:0)
		_netlab_labs
		_netlab_dead "$1"
		;;
	monitor:0 | capture:0) _netlab_labs ;;
	exec:0) _netlab_nodes "$1" "$4" '' host ;;
	console:0 | gdb:0 | dump:0 | pause:0 | resume:0) _netlab_nodes "$1" "$4" '' ;;
	dump:1) compgen -f -- "$4" ;;
	drive:0) _netlab_nodes "$1" "$4" : ;;
	drive:1) printf '%s\n' tcp udp ;;
	kernel:0) printf '%s\n' build config list path ;;
	clean:*) printf '%s\n' kernels images modules sources builds logs ;;
	image:0) printf '%s\n' build list path ;;
	image:1)
		printf '%s\n' disk
		_netlab_topologies "$4"
		;;
	kernel:1) printf '%s\n' O1 debug defconfig lab modular roots sanitize ;;
	esac
}

# _netlab_candidates NETLAB CURRENT-WORD VERB WORDS-BETWEEN...
_netlab_candidates() {
	local netlab=$1 current=$2 verb=$3 position=0 pending='' file='' word options
	shift 3
	options=$(_netlab_options "$netlab" "$verb")
	for word in "$@"; do
		if [[ $word == -- ]]; then
			compgen -f -- "$current"
			return
		elif [[ -n $pending ]]; then
			pending=''
		elif [[ $word == -* ]]; then
			! grep -qxe "$word argument" <<<"$options" || pending=$word
		else
			# Of export, the file is the second word.
			[[ -n $file || $verb:$position == export:0 ]] || file=$word
			position=$((position + 1))
		fi
	done
	if [[ $pending == -s || $pending == --set ]]; then
		_netlab_settings "$file"
	elif [[ -n $pending ]]; then
		_netlab_option_values "$pending" "$current"
	elif [[ $current == --freeze=* ]]; then
		_netlab_guests_of_file "$file" | sed 's/^/--freeze=/'
	elif [[ $verb:$position == export:2 && $current != -* ]]; then
		_netlab_guests_of_file "$file"
	elif [[ $current == -* ]]; then
		cut -d' ' -f1 <<<"$options"
	else
		_netlab_words "$netlab" "$verb" "$position" "$current"
	fi
}

_netlab() {
	local netlab=${COMP_WORDS[0]/#\~/$HOME} line=${COMP_LINE:0:COMP_POINT} words current
	local candidate cut
	# bash has broken words at ":" and "="; here they are whole.
	read -ra words <<<"$line"
	current=${words[-1]}
	[[ $line != *[[:blank:]] ]] || { words+=(''); current=''; }
	cut=${current%"${COMP_WORDS[COMP_CWORD]}"}
	[[ $cut == *[:=] ]] || cut=''
	[[ $current != *[:=] ]] || cut=$current
	COMPREPLY=()
	while read -r candidate; do
		[[ $candidate == "$current"* ]] || continue
		COMPREPLY+=("${candidate#"$cut"}")
	done < <(if ((${#words[@]} <= 2)); then
		_netlab_verbs "$netlab"
	else
		_netlab_candidates "$netlab" "$current" "${words[@]:1:${#words[@]}-2}"
	fi)
	[[ ${COMPREPLY[*]-} != *[:/=] ]] || compopt -o nospace 2>/dev/null
	[[ ! -e ${COMPREPLY[0]-} ]] || compopt -o filenames 2>/dev/null
}

complete -F _netlab netlab
