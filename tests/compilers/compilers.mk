# SPDX-License-Identifier: MIT
# With the compilers of Debian's releases, each in a machine of its own:
# COMPILERS='gcc-14 clang-19', COMPILERS='trixie/*', COMPILERS=? (lists them).

.PHONY: check-compilers
check-compilers:
	@set -f; T='$(T)' LOGS='$(abspath $(B))/compilers' tests/compilers/run $(COMPILERS)
