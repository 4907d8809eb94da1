# SPDX-License-Identifier: MIT
# Debian's archive, through an apt of our own.  Its lists, its downloads and its
# idea of what is installed (nothing) lie in a folder that the caller names, so
# it neither asks nor changes what this machine's apt and dpkg know; only the
# mirror is the machine's.  Sourced: archive_open, then `archive TOOL...`.

# archive_mirror: where this machine gets Debian from
archive_mirror() {
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(SITE)' |
	awk -v name="$codename" '($1 == name || $1 == "stable" || $1 == "oldstable") &&
		$2 == "main" && !found++ { sub(/\/$/, "", $3); print $3 }
		END { exit !found }' ||
	{ echo "archive: no mirror of Debian's $codename in apt's sources" >&2; return 1; }
}

# archive_open DIR ARCHITECTURE SUITE...: the indexes of these; the folder stays
# with the caller, who may open it again.  An archive that is being changed while
# we read, or does not answer, is asked three times.
archive_open() {
	archive=$1 archive_arch=$2; shift 2
	mirror=$(archive_mirror) || return 1
	mkdir -p "$archive/lists/partial" "$archive/archives/partial"
	: >"$archive/status"
	for suite; do
		case $suite in
		*-security) site=$mirror-security ;;
		*)	site=$mirror ;;
		esac
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"$site $suite main"
	done >"$archive/sources"
	cat >"$archive/conf" <<-END
	APT { Architecture "$archive_arch"; Architectures { "$archive_arch"; };
		Install-Recommends "false"; Sandbox::User "root";
		Update::Error-Mode "any"; Get::Assume-Yes "true"; };
	Dir { Cache "$archive"; State { Lists "$archive/lists"; Status "$archive/status"; };
		Etc { SourceList "$archive/sources"; SourceParts "-"; Preferences "-";
			PreferencesParts "-"; }; };
	Acquire { Languages "none"; Retries "3"; http::Timeout "60"; };
	Debug::NoLocking "true";
	END
	for pause in 5 20 0; do
		archive apt-get update && return
		sleep $pause
	done
	echo "archive: no index of $* for $archive_arch: $(archive_said)" >&2
	return 1
}

# archive TOOL...: apt-get or apt-cache; what it says is kept for archive_said
archive() {
	APT_CONFIG=$archive/conf "$@" 2>"$archive/said"
}

# archive_said: the first thing that the last one had to complain about
archive_said() {
	sed -n 's/^[EW]: //p' "$archive/said" | head -n 1
}
