# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs pkg_* phases inside a new Gentoo root, each package's in a subshell with its saved environment. What follows this text calls
# berth_begin, then for each package in the order of installation berth_enter, its environment at the top level (within a function its
# declarations would be local) and berth_run in a subshell, then berth_installed; at last berth_end. The functions are what the Package
# Manager Specification gives to such phases, with Portage's names where eclasses use those.

# ---- failing ----

die() {
        [ "${1-}" = -n ] && { shift; [[ ${PORTAGE_NONFATAL-} = 1 ]] && { [[ -z $* ]] || echo " * $*" >&2; return 1; }; }
        echo " * ERROR: $CATEGORY/$PF failed ($EBUILD_PHASE phase): ${*:-(no error message)}" >&2
        local i
        for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
                [[ ${FUNCNAME[i]} = berth_phase ]] && break
                echo " *   in ${FUNCNAME[i]}" >&2
        done
        [[ $BASHPID = "$berth_pid" ]] || kill -TERM "$berth_pid"
        exit 1
}
assert() {
        local status="${PIPESTATUS[*]}" x
        for x in $status; do [[ $x = 0 ]] || die "$@"; done
}
nonfatal() { PORTAGE_NONFATAL=1 "$@"; }
# A helper that failed ends the phase from EAPI 4 on.
berth_helper_failed() {
        echo " * $1" >&2
        [[ $EAPI = [0-3] || ${PORTAGE_NONFATAL-} = 1 ]] || die "$1"
        return 1
}

# ---- saying ----

einfo() { echo -e " * $*"; }
einfon() { echo -ne " * $*"; }
elog() { echo -e " * $*"; }
ewarn() { echo -e " * $*" >&2; }
eqawarn() { :; }
eerror() { echo -e " * $*" >&2; }
ebegin() { echo -e " * $* ..."; }
eend() {
        local status=${1:-0}
        [[ $# -gt 0 ]] && shift
        [[ $status = 0 || -z $* ]] || eerror "$*"
        return "$status"
}
ewend() { eend "$@"; }
eindent() { :; }
eoutdent() { :; }
debug-print() { :; }
debug-print-function() { :; }
debug-print-section() { :; }
addread() { :; }
addwrite() { :; }
adddeny() { :; }
addpredict() { :; }
inherit() { :; }
register_die_hook() { :; }
register_success_hook() { :; }

# ---- words and flags ----

has() {
        local needle=$1 x
        shift
        for x; do [[ $x = "$needle" ]] && return 0; done
        return 1
}
hasv() { has "$@" && echo "$1"; }
hasq() { has "$@"; }
use() {
        local flag=${1#!}
        if has "$flag" $USE; then [[ $1 != !* ]]; else [[ $1 = !* ]]; fi
}
useq() { use "$@"; }
usev() {
        use "$1" || return
        if [[ $# -gt 1 && $EAPI != [0-7] ]]; then echo "$2"; else echo "${1#!}"; fi
}
usex() { if use "$1"; then echo "${2-yes}${4-}"; else echo "${3-no}${5-}"; fi; }
in_iuse() {
        local x
        for x in $IUSE $IUSE_EFFECTIVE; do [[ ${x#[+-]} = "$1" ]] && return 0; done
        return 1
}
get_libdir() {
        local name=LIBDIR_${ABI-}
        echo "${CONF_LIBDIR-${!name:-lib}}"
}

# ---- versions: PMS 3.3 and 12.3.13 ----

berth_vercmp_number() { # with any number of digits
        local a=$1 b=$2
        while [[ $a = 0?* ]]; do a=${a#0}; done
        while [[ $b = 0?* ]]; do b=${b#0}; done
        if ((${#a} != ${#b})); then ((berth_d = ${#a} > ${#b} ? 1 : -1))
        elif [[ $a > $b ]]; then berth_d=1
        elif [[ $a < $b ]]; then berth_d=-1
        else berth_d=0; fi
}
berth_vercmp_component() {
        local a=$1 b=$2 LC_ALL=C
        if [[ $a = 0* || $b = 0* ]]; then # as decimal fractions
                while [[ $a = *0 ]]; do a=${a%0}; done
                while [[ $b = *0 ]]; do b=${b%0}; done
                if [[ $a > $b ]]; then berth_d=1; elif [[ $a < $b ]]; then berth_d=-1; else berth_d=0; fi
        else
                berth_vercmp_number "$a" "$b"
        fi
}
# Sets berth_d to -1, 0 or 1.
berth_vercmp() {
        local v='^([0-9]+)((\.[0-9]+)*)([a-z]?)((_(alpha|beta|pre|rc|p)[0-9]*)*)(-r([0-9]+))?$' i LC_ALL=C
        berth_d=0
        [[ $1 =~ $v ]] || die "'$1' is no version"
        local a0=${BASH_REMATCH[1]} a1=${BASH_REMATCH[2]} al=${BASH_REMATCH[4]} as=${BASH_REMATCH[5]} ar=${BASH_REMATCH[9]:-0}
        [[ $2 =~ $v ]] || die "'$2' is no version"
        local b0=${BASH_REMATCH[1]} b1=${BASH_REMATCH[2]} bl=${BASH_REMATCH[4]} bs=${BASH_REMATCH[5]} br=${BASH_REMATCH[9]:-0}
        berth_vercmp_number "$a0" "$b0"
        ((berth_d)) && return
        local IFS=.
        local -a x=(${a1#.}) y=(${b1#.})
        for ((i = 0; i < ${#x[@]} && i < ${#y[@]}; i++)); do
                berth_vercmp_component "${x[i]}" "${y[i]}"
                ((berth_d)) && return
        done
        ((berth_d = ${#x[@]} > ${#y[@]} ? 1 : ${#x[@]} < ${#y[@]} ? -1 : 0))
        ((berth_d)) && return
        if [[ $al > $bl ]]; then berth_d=1; elif [[ $al < $bl ]]; then berth_d=-1; fi
        ((berth_d)) && return
        IFS=_
        x=(${as#_}) y=(${bs#_})
        for ((i = 0; i < ${#x[@]} || i < ${#y[@]}; i++)); do
                berth_suffix "${x[i]-}" && local sa=$berth_kind na=$berth_number
                berth_suffix "${y[i]-}" && local sb=$berth_kind nb=$berth_number
                if ((sa != sb)); then
                        ((berth_d = sa > sb ? 1 : -1))
                else
                        berth_vercmp_number "$na" "$nb"
                fi
                ((berth_d)) && return
        done
        berth_vercmp_number "$ar" "$br"
}
berth_suffix() { # what is not there stands between rc and p
        berth_number=${1##*[a-z]}
        case $1 in
        alpha*) berth_kind=0 ;; beta*) berth_kind=1 ;; pre*) berth_kind=2 ;; rc*) berth_kind=3 ;; p*) berth_kind=5 ;; *) berth_kind=4 ;;
        esac
        berth_number=${berth_number:-0}
}
berth_compare() { # VERSION OPERATOR VERSION
        berth_vercmp "$1" "$3"
        case $2 in
        -eq) ((berth_d == 0)) ;; -ne) ((berth_d != 0)) ;; -lt) ((berth_d < 0)) ;;
        -le) ((berth_d <= 0)) ;; -gt) ((berth_d > 0)) ;; -ge) ((berth_d >= 0)) ;;
        *) die "'$2' compares nothing" ;;
        esac
}
ver_test() { if [[ $# = 2 ]]; then berth_compare "$PVR" "$@"; else berth_compare "$@"; fi; }
# Sets berth_parts to separator, component, separator, component, …, separator.
berth_split() {
        local v=$1 LC_ALL=C sep='^[^A-Za-z0-9]*' component='^([A-Za-z]+|[0-9]+)'
        berth_parts=()
        while :; do
                [[ $v =~ $sep ]]
                berth_parts+=("${BASH_REMATCH[0]}")
                v=${v:${#BASH_REMATCH[0]}}
                [[ $v =~ $component ]] || break
                berth_parts+=("${BASH_REMATCH[0]}")
                v=${v:${#BASH_REMATCH[0]}}
        done
}
ver_cut() {
        local range=$1 from to i max text=
        berth_split "${2-$PV}"
        ((max = ${#berth_parts[@]} / 2))
        from=${range%%-*} to=${range#*-}
        [[ $range = *-* ]] || to=$from
        to=${to:-$max}
        ((to > max)) && to=$max
        ((from == 0)) && text=${berth_parts[0]} && from=1
        for ((i = from; i <= to; i++)); do
                text+=${berth_parts[2 * i - 1]}
                ((i < to)) && text+=${berth_parts[2 * i]}
        done
        # a range without an end has what stands behind it, too
        [[ $range = *- ]] && text+=${berth_parts[2 * max]}
        echo "$text"
}
ver_rs() {
        local v from to i max IFS=
        (($# % 2 == 1)) && v=${!#} && set -- "${@:1:$#-1}" || v=$PV
        berth_split "$v"
        ((max = ${#berth_parts[@]} / 2))
        while (($# > 1)); do
                from=${1%%-*} to=${1#*-}
                [[ $1 = *-* ]] || to=$from
                to=${to:-$max}
                for ((i = from; i <= to && i <= max; i++)); do
                        [[ ($i = 0 || $i = "$max") && -z ${berth_parts[2 * i]} ]] || berth_parts[2 * i]=$2
                done
                shift 2
        done
        echo "${berth_parts[*]}"
}

# ---- what is installed ----

berth_vdb=() # category/name version, in the order of installation

berth_file() { # FILE of a package in berth_value
        berth_value=
        [[ -e /var/db/pkg/$1 ]] && berth_value=$(<"/var/db/pkg/$1")
}
berth_use_matches() { # the package's directory, the flags of an atom
        local flag name fallback known on x word IFS=$' \t\n,'
        berth_file "$1/USE" && local flags=$berth_value
        berth_file "$1/IUSE" && local known_flags=$berth_value
        berth_file "$1/IUSE_EFFECTIVE" && known_flags+=" $berth_value"
        for flag in $2; do
                name=${flag#-} fallback=
                [[ $name = *'(+)' ]] && fallback=+
                [[ $name = *'(-)' ]] && fallback=-
                name=${name%'('?')'}
                known= on=
                for word in $known_flags; do [[ ${word#[+-]} = "$name" ]] && known=1; done
                for word in $flags; do [[ $word = "$name" ]] && on=1 && known=1; done
                if [[ -z $known ]]; then
                        [[ -n $fallback ]] || return 1
                        [[ $fallback = + ]] && on=1
                fi
                if [[ $flag = -* ]]; then [[ -z $on ]] || return 1; else [[ -n $on ]] || return 1; fi
        done
}
# Sets berth_best to the highest installed package that the atom names.
berth_match() {
        local atom=${1##!*!} use= repo= slot= op= version= cp entry v dir best=
        atom=${atom#!} berth_best=
        [[ $atom = *'['*']' ]] && use=${atom##*'['} && use=${use%']'} && atom=${atom%'['*}
        [[ $atom = *::* ]] && repo=${atom##*::} && atom=${atom%%::*}
        [[ $atom = *:* ]] && slot=${atom#*:} && atom=${atom%%:*}
        slot=${slot%[=*]}
        case $atom in
        '>='* | '<='*) op=${atom:0:2} ;;
        [\<\>=~]*) op=${atom:0:1} ;;
        esac
        cp=${atom#"$op"}
        if [[ -n $op ]]; then
                local split='^(.+)-([0-9]+(\.[0-9]+)*[a-z]?(_(alpha|beta|pre|rc|p)[0-9]*)*(-r[0-9]+)?)(\*?)$'
                [[ $cp =~ $split ]] || die "'$1' is no atom"
                cp=${BASH_REMATCH[1]} version=${BASH_REMATCH[2]}
                [[ -n ${BASH_REMATCH[7]} ]] && op='*'
        fi
        for entry in "${berth_vdb[@]}"; do
                [[ ${entry% *} = "$cp" ]] || continue
                v=${entry#* } dir=$cp-${entry#* }
                case $op in
                '') ;;
                '>=') berth_compare "$v" -ge "$version" || continue ;;
                '<=') berth_compare "$v" -le "$version" || continue ;;
                '>') berth_compare "$v" -gt "$version" || continue ;;
                '<') berth_compare "$v" -lt "$version" || continue ;;
                '=') berth_compare "$v" -eq "$version" || continue ;;
                '~') berth_compare "${v%-r[0-9]*}" -eq "${version%-r[0-9]*}" || continue ;;
                '*') # up to the end of a component
                        [[ $v = "$version"* ]] || continue
                        local next=${v:${#version}:1}
                        [[ -z $next || $next = [._-] || ($next = [0-9] && $version != *[0-9]) || ($next != [0-9] && $version = *[0-9]) ]] ||
                                continue ;;
                esac
                if [[ -n $slot ]]; then
                        berth_file "$dir/SLOT"
                        [[ ${berth_value%%/*} = "${slot%%/*}" ]] || continue
                        [[ $slot != */* || ${berth_value#*/} = "${slot#*/}" ]] || continue
                fi
                [[ -z $repo ]] || { berth_file "$dir/repository"; [[ $berth_value = "$repo" ]] || continue; }
                [[ -z $use ]] || berth_use_matches "$dir" "$use" || continue
                [[ -n $best ]] && berth_compare "$v" -lt "$best" && continue
                best=$v berth_best=$dir
        done
        [[ -n $berth_best ]]
}
berth_atom_of() { # the last argument: -b, -d and -r all are this root
        while [[ $1 = -* ]]; do shift; done
        berth_atom=$1
}
has_version() { berth_atom_of "$@" && berth_match "$berth_atom"; }
best_version() {
        berth_atom_of "$@"
        berth_match "$berth_atom"
        local status=$?
        echo "$berth_best"
        return $status
}

# ---- files of the image ----

berth_added=()
into() { berth_into=$1; }
insinto() { berth_insinto=$1; }
exeinto() { berth_exeinto=$1; }
docinto() { berth_docinto=$1; }
insopts() { berth_insopts=("$@"); }
exeopts() { berth_exeopts=("$@"); }
diropts() { berth_diropts=("$@"); }
libopts() { :; }
# As of install(1): -m, -o and -g, by themselves or with the value in the same word.
berth_apply() { # FILE OPTION…
        local file=$1 owner= group=
        shift
        while (($#)); do
                case $1 in
                -m) chmod "$2" "$file" || return; shift ;;
                -m*) chmod "${1#-m}" "$file" || return ;;
                -o) owner=$2; shift ;;
                -o*) owner=${1#-o} ;;
                -g) group=$2; shift ;;
                -g*) group=${1#-g} ;;
                esac
                shift
        done
        [[ -z $owner$group ]] || chown "$owner${group:+:$group}" "$file"
}
dodir() {
        local d
        for d; do
                mkdir -p "${ED%/}/${d#/}" && berth_apply "${ED%/}/${d#/}" "${berth_diropts[@]}" || berth_helper_failed "dodir $d failed" ||
                        return
                berth_added+=("/${d#/}")
        done
}
keepdir() {
        local d
        for d; do
                dodir "$d" || return
                : >>"${ED%/}/${d#/}/.keep_${CATEGORY}_$PN-${SLOT%/*}" || berth_helper_failed "keepdir $d failed" || return
                berth_added+=("/${d#/}/.keep_${CATEGORY}_$PN-${SLOT%/*}")
        done
}
dosym() {
        local target=$1 link=$2
        [[ $1 = -r ]] && die "dosym -r is for what builds, not for what installs"
        if [[ $link = */ || -d ${ED%/}/${link#/} && ! -L ${ED%/}/${link#/} ]]; then
                berth_helper_failed "dosym: '$link' is a directory"
                return
        fi
        mkdir -p "${ED%/}/$(dirname "${link#/}")" && ln -snf "$target" "${ED%/}/${link#/}" ||
                berth_helper_failed "dosym $target $link failed" || return
        berth_added+=("/${link#/}")
}
dohard() { die "dohard is gone from EAPI 4 on"; }
# Options first, then names in the image.
berth_own() { # PROGRAM ARGUMENT…
        local program=$1 x
        local -a options=() files=()
        shift
        while [[ $1 = -* ]]; do options+=("$1"); shift; done
        options+=("$1")
        shift
        for x; do files+=("${ED%/}/${x#/}"); done
        "$program" "${options[@]}" "${files[@]}" || berth_helper_failed "f${program#ch} $* failed"
}
fowners() { berth_own chown "$@"; }
fperms() { berth_own chmod "$@"; }
berth_put() { # SOURCE DIRECTORY NAME OPTION…
        local to=$2/$3
        if [[ $1 = - ]]; then
                mkdir -p "${ED%/}/${2#/}" && cat >"${ED%/}/${to#/}"
        else
                mkdir -p "${ED%/}/${2#/}" && rm -f "${ED%/}/${to#/}" && cp "$1" "${ED%/}/${to#/}"
        fi && berth_apply "${ED%/}/${to#/}" "${@:4}" || berth_helper_failed "cannot install '$1' as '$to'" || return
        berth_added+=("/${to#/}")
}
doins() {
        local f recursive=
        [[ $1 = -r ]] && recursive=1 && shift
        for f; do
                if [[ -d $f ]]; then
                        [[ -n $recursive ]] || { berth_helper_failed "doins: '$f' is a directory" || return; }
                        local x before=$berth_insinto
                        berth_insinto=$before/$(basename "$f")
                        dodir "$berth_insinto"
                        for x in "$f"/* "$f"/.[!.]*; do [[ -e $x ]] && doins -r "$x"; done
                        berth_insinto=$before
                else
                        berth_put "$f" "$berth_insinto" "$(basename "$f")" "${berth_insopts[@]}" || return
                fi
        done
}
newins() { berth_put "$1" "$berth_insinto" "$2" "${berth_insopts[@]}"; }
doexe() {
        local f
        for f; do berth_put "$f" "$berth_exeinto" "$(basename "$f")" "${berth_exeopts[@]}" || return; done
}
newexe() { berth_put "$1" "$berth_exeinto" "$2" "${berth_exeopts[@]}"; }
dobin() {
        local f
        for f; do berth_put "$f" "${berth_into%/}/bin" "$(basename "$f")" -m0755 || return; done
}
newbin() { berth_put "$1" "${berth_into%/}/bin" "$2" -m0755; }
dosbin() {
        local f
        for f; do berth_put "$f" "${berth_into%/}/sbin" "$(basename "$f")" -m0755 || return; done
}
newsbin() { berth_put "$1" "${berth_into%/}/sbin" "$2" -m0755; }
doenvd() { berth_insinto=/etc/env.d doins "$@"; }
newenvd() { berth_insinto=/etc/env.d newins "$@"; }
doconfd() { berth_insinto=/etc/conf.d doins "$@"; }
newconfd() { berth_insinto=/etc/conf.d newins "$@"; }
doinitd() { berth_exeinto=/etc/init.d doexe "$@"; }
newinitd() { berth_exeinto=/etc/init.d newexe "$@"; }
# baselayout makes the layout of / with make(1); berth did before.
emake() {
        if ! type -P "${MAKE:-make}" >/dev/null; then
                [[ $CATEGORY/$PN = sys-apps/baselayout && " $* " = *\ layout* ]] && return 0
                die "emake: there is no ${MAKE:-make} in the new root"
        fi
        "${MAKE:-make}" "$@" || die -n "emake $* failed"
}

# ---- users and groups where nothing of sys-apps/shadow is there ----

berth_lines() { # FILE: in berth_list
        berth_list=()
        [[ -e $1 ]] || return 0
        local line
        while IFS= read -r line || [[ -n $line ]]; do berth_list+=("$line"); done <"$1"
}
berth_write() { # FILE MODE, from berth_list
        (
                umask 077
                if ((${#berth_list[@]})); then printf '%s\n' "${berth_list[@]}"; fi >"$1.berth"
        ) && chmod "$2" "$1.berth" && mv -f "$1.berth" "$1"
}
berth_append() { # FILE MODE LINE
        berth_lines "$1"
        berth_list+=("$3")
        berth_write "$1" "$2"
}
berth_entry() { # FILE KEY: the line of that name, or number, in berth_line
        local line name number
        berth_line=
        berth_lines "$1"
        for line in "${berth_list[@]}"; do
                IFS=: read -r name _ number _ <<<"$line"
                [[ $name = "$2" || $number = "$2" ]] && berth_line=$line && return 0
        done
        return 1
}
berth_free_id() { # FILE FIRST: the highest number below that nobody has
        local id=$2
        while berth_entry "$1" "$id"; do ((id--)); done
        berth_id=$id
}
berth_join() { # USER GROUP…: makes the user a member
        local user=$1 group i name rest members
        shift
        berth_lines /etc/group
        for group; do
                for i in "${!berth_list[@]}"; do
                        name=${berth_list[i]%%:*} members=${berth_list[i]##*:}
                        [[ $name = "$group" ]] || continue
                        [[ ,$members, = *,$user,* ]] || berth_list[i]+=${members:+,}$user
                        continue 2
                done
                echo "there is no group '$group'" >&2
                return 6
        done
        berth_write /etc/group 644
}
berth_options() { # of useradd and its kin; the last word is the name
        local key
        berth_name=
        while (($#)); do
                case $1 in
                --*=*) berth_o[${1%%=*}]=${1#*=} ;;
                -r | --system | -M | --no-create-home | -N | --no-user-group | -m | --create-home | -F | -f | --force | -o | --non-unique | \
                        -L | --lock | -U | --unlock | -a | --append) ;;
                -?*)
                        case $1 in
                        -u) key=--uid ;; -g) key=--gid ;; -G) key=--groups ;; -c) key=--comment ;; -s) key=--shell ;;
                        -d | --home) key=--home-dir ;; *) key=$1 ;;
                        esac
                        berth_o[$key]=${2-}
                        shift ;;
                *) berth_name=$1 ;;
                esac
                shift
        done
        [[ -n $berth_name ]]
}
berth_groupadd() {
        local -A berth_o=()
        berth_options "$@" || return 2
        berth_entry /etc/group "$berth_name" && { echo "group '$berth_name' already exists" >&2; return 9; }
        local id=${berth_o[--gid]-}
        [[ -n $id ]] || { berth_free_id /etc/group 999; id=$berth_id; }
        berth_append /etc/group 644 "$berth_name:x:$id:"
        [[ ! -e /etc/gshadow ]] || berth_append /etc/gshadow 640 "$berth_name:!::"
}
berth_useradd() {
        local -A berth_o=()
        berth_options "$@" || return 2
        local name=$berth_name id=${berth_o[--uid]-} gid=${berth_o[--gid]-}
        berth_entry /etc/passwd "$name" && { echo "user '$name' already exists" >&2; return 9; }
        [[ -n $id ]] || { berth_free_id /etc/passwd 999; id=$berth_id; }
        if [[ -n $gid ]]; then
                berth_entry /etc/group "$gid" || { echo "group '$gid' does not exist" >&2; return 6; }
                IFS=: read -r _ _ gid _ <<<"$berth_line"
        else
                gid=100
        fi
        local comment=${berth_o[--comment]-} home=${berth_o[--home-dir]-/dev/null} shell=${berth_o[--shell]-/sbin/nologin}
        berth_append /etc/passwd 644 "$name:x:$id:$gid:$comment:$home:$shell"
        berth_append /etc/shadow 640 "$name:!:$((${EPOCHSECONDS:-0} / 86400))::::::"
        local IFS=,
        [[ -z ${berth_o[--groups]-} ]] || berth_join "$name" ${berth_o[--groups]}
}
berth_usermod() {
        local -A berth_o=()
        berth_options "$@" || return 2
        local name=$berth_name i pw id gid comment home shell
        berth_entry /etc/passwd "$name" || { echo "user '$name' does not exist" >&2; return 6; }
        IFS=: read -r _ pw id gid comment home shell <<<"$berth_line"
        if [[ -n ${berth_o[--gid]-} ]]; then
                berth_entry /etc/group "${berth_o[--gid]}" || { echo "group '${berth_o[--gid]}' does not exist" >&2; return 6; }
                IFS=: read -r _ _ gid _ <<<"$berth_line"
        fi
        berth_lines /etc/passwd
        for i in "${!berth_list[@]}"; do
                [[ ${berth_list[i]%%:*} = "$name" ]] || continue
                comment=${berth_o[--comment]-$comment} home=${berth_o[--home-dir]-$home} shell=${berth_o[--shell]-$shell}
                berth_list[i]="$name:$pw:${berth_o[--uid]-$id}:$gid:$comment:$home:$shell"
        done
        berth_write /etc/passwd 644
        local IFS=,
        [[ -z ${berth_o[--groups]-} ]] || berth_join "$name" ${berth_o[--groups]}
}
berth_getent() {
        local file=/etc/$1 key status=0
        shift
        for key; do berth_entry "$file" "$key" && echo "$berth_line" || status=2; done
        return $status
}
type -P groupadd >/dev/null || groupadd() { berth_groupadd "$@"; }
type -P useradd >/dev/null || useradd() { berth_useradd "$@"; }
type -P usermod >/dev/null || usermod() { berth_usermod "$@"; }
type -P getent >/dev/null || getent() { berth_getent "$@"; }

# ---- CONTENTS after pkg_preinst ----

berth_md5() {
        berth_value=$(md5sum <"$1") && berth_value=${berth_value%% *}
}
berth_line_of() { # of what the image has there now, in berth_value
        if [[ -L $1 ]]; then berth_value="sym $1 -> $(readlink "$1") $(stat -c %Y "$1")"
        elif [[ -d $1 ]]; then berth_value="dir $1"
        elif [[ -f $1 ]]; then berth_md5 "$1" && berth_value="obj $1 $berth_value $(stat -c %Y "$1")"
        else berth_value="fif $1"; fi
}
# What the phase took away from the image is not the package's, what it changed or put there is: as if it had been merged afterwards.
berth_contents() {
        local file=/var/db/pkg/$CATEGORY/$PF/CONTENTS line path dir
        local -A seen=()
        local -a lines=()
        [[ -e $file ]] || return 0
        while IFS= read -r line; do
                path=${line#* }
                case $line in
                'obj '*)
                        path=${path% *} path=${path% *}
                        [[ -e $path ]] || continue
                        [[ $path -ot $T/.before ]] || ! berth_line_of "$path" || line=$berth_value ;;
                'sym '*)
                        path=${path%% -> *}
                        [[ -L $path || -e $path ]] || continue ;;
                'fif '*) [[ -e $path ]] || continue ;;
                esac
                lines+=("$line")
                seen[$path]=1
        done <"$file"
        for path in "${berth_added[@]}"; do
                path=/${path#/}
                for ((dir = 1; dir < ${#path}; dir++)); do # what is above it
                        [[ ${path:dir:1} = / && -z ${seen[${path:0:dir}]-} ]] && lines+=("dir ${path:0:dir}") && seen[${path:0:dir}]=1
                done
                [[ -n ${seen[$path]-} ]] && continue
                berth_line_of "$path" || continue
                lines+=("$berth_value")
                seen[$path]=1
        done
        if ((${#lines[@]})); then printf '%s\n' "${lines[@]}"; fi >"$file.berth" && cat "$file.berth" >"$file" && rm -f "$file.berth"
}

# ---- the environment as it is afterwards ----

berth_save() {
        type -P bzip2 >/dev/null || return 0
        local berth_x berth_names=() berth_c
        for berth_c in {A..Z} {a..z} _; do eval "berth_names+=(\${!$berth_c*})"; done
        {
                for berth_x in "${berth_names[@]}"; do
                        case $berth_x in
                        # the names that gentoo-environ.c leaves out, except those that say what the package is
                        berth_* | BASH | BASH_* | BASHOPTS | BASHPID | DIRSTACK | EPOCH* | EUID | UID | PPID | FUNCNAME | GROUPS) continue ;;
                        IFS | OPT* | PIPESTATUS | PWD | OLDPWD | RANDOM | SRANDOM | SECONDS | LINENO | SHELL* | SHLVL | HOST*) continue ;;
                        MACHTYPE | OSTYPE | HIST* | HOME | PATH | LC_ALL | TERM | _ | REPLY | ROOT | EROOT | SYSROOT | ESYSROOT) continue ;;
                        BROOT | EPREFIX | D | ED | T | TMP | TEMP | TMPDIR | WORKDIR | EBUILD_* | PORTAGE_* | MERGE_TYPE) continue ;;
                        EMERGE_FROM | REPLACING_VERSIONS | FILESDIR | DISTDIR) continue ;;
                        esac
                        declare -p "$berth_x" 2>/dev/null
                done
                while read -r _ _ berth_x; do
                        [[ $berth_x = berth_* || -n ${berth_own_functions[$berth_x]-} ]] || declare -fp "$berth_x"
                done < <(declare -F)
        } | bzip2 -c >"$T/environment.bz2" && cat "$T/environment.bz2" >"/var/db/pkg/$CATEGORY/$PF/environment.bz2"
}

# ---- running ----

berth_phase() {
        EBUILD_PHASE=$1 EBUILD_PHASE_FUNC=pkg_$1
        export EBUILD_PHASE EBUILD_PHASE_FUNC
        echo "berth: phase $CATEGORY/$PF $1"
        if [[ $1 = preinst ]]; then : >"$T/.before"; fi
        if declare -F "pkg_$1" >/dev/null; then
                cd "$PORTAGE_BUILDDIR/empty" || exit
                "pkg_$1"
        fi
        if [[ $1 = preinst ]]; then berth_contents; fi
        return 0
}

# Before the environment: what says which one.
berth_enter() { # CATEGORY NAME VERSION EAPI BASH PHASES
        berth_phases=$6 berth_pid=$BASHPID
        trap 'exit 1' TERM
        CATEGORY=$1 PN=$2 PVR=$3 EAPI=$4 PV=${3%-r[0-9]*} PR=r0
        [[ $PVR = "$PV" ]] || PR=${PVR##*-}
        P=$PN-$PV PF=$PN-$PVR
        T=/var/tmp/portage/$CATEGORY/$PF/temp
        export CATEGORY P PN PV PR PVR PF EAPI
        BASH_COMPAT=$5
        shopt -u patsub_replacement globskipdots 2>/dev/null
}
berth_variables() {
        local slash=
        [[ $EAPI = [0-6] ]] && slash=/
        export PORTAGE_BUILDDIR=/var/tmp/portage/$CATEGORY/$PF
        export T TEMP=$T TMP=$T TMPDIR=$T WORKDIR=$PORTAGE_BUILDDIR/work HOME=$PORTAGE_BUILDDIR/homedir
        export FILESDIR=$PORTAGE_BUILDDIR/files S=$WORKDIR DISTDIR=$PORTAGE_BUILDDIR/distdir
        export D=$PORTAGE_BUILDDIR/image$slash ROOT=$slash PORTAGE_CONFIGROOT=/ PORTAGE_INST_UID=0 PORTAGE_INST_GID=0
        export ED=$D EROOT=$ROOT EPREFIX=
        [[ -n $slash ]] || export SYSROOT= ESYSROOT= BROOT=
        export MERGE_TYPE=binary EMERGE_FROM=binary REPLACING_VERSIONS= FEATURES=
        [[ -z $berth_portage ]] || export PORTAGE_BIN_PATH=$berth_portage PATH=$berth_portage/ebuild-helpers:$PATH
}
# A command that fails does not end a phase, as nowhere else in Gentoo: die does.
berth_run() {
        local phase
        eval "$berth_functions" # an environment brings copies of some, which need more of Portage
        berth_variables
        for phase in $berth_phases; do
                berth_phase "$phase"
                # from here on it counts as installed
                [[ $phase = postinst || $phase = pretend || " $berth_phases " = *" preinst "* && $phase = setup ]] ||
                        berth_vdb+=("$CATEGORY/$PN $PVR")
        done
        [[ $berth_phases = pretend ]] || berth_save
        exit 0
}

berth_begin() {
        echo "berth: begin"
        umask 022
        local x
        for x in /usr/lib/portage/python*/ebuild-helpers; do [[ -d $x ]] && berth_portage=${x%/*}; done
        # Libraries outside of the loader's own directories are found only then.
        ! type -P ldconfig >/dev/null || ldconfig -X
}
berth_installed() { berth_vdb+=("$1/$2 $3"); }
berth_failed() { # CATEGORY/PF
        echo
        echo "berth: failed: $1"
        exit 1
}
berth_end() {
        local group
        berth_entry /etc/group portage && IFS=: read -r _ _ group _ <<<"$berth_line" &&
                chgrp "$group" /var/lib/portage /var/lib/portage/* /var/cache/edb && chmod 2755 /var/lib/portage
        ! type -P ldconfig >/dev/null || ldconfig -X
        exit 0
}

berth_portage=
berth_into=/usr berth_insinto=/ berth_exeinto=/ berth_docinto=
berth_insopts=(-m0644) berth_exeopts=(-m0755) berth_diropts=(-m0755)
declare -A berth_own_functions=()
while read -r _ _ berth_x; do berth_own_functions[$berth_x]=1; done < <(declare -F)
berth_functions=$(declare -f)
exec </dev/null 2>&1
