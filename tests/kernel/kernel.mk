# SPDX-License-Identifier: MIT
# The kernel series: applied, built, booted under emulation and tested.

.PHONY: check-kernel
check-kernel:
	@tests/kernel/check $(or $(ARCH),x86_64)
