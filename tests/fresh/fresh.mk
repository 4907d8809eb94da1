# SPDX-License-Identifier: MIT
# What a newcomer does, on a minimal Debian of its own making; and what one does who
# has the packages.

.PHONY: check-fresh check-packages
check-fresh:
	@tests/fresh/check $(SUITE)
check-packages:
	@tests/fresh/packages $(SUITE)
