# SPDX-License-Identifier: MIT
# What a newcomer does, on a minimal Debian of its own making.

.PHONY: check-fresh
check-fresh:
	@tests/fresh/check $(SUITE)
