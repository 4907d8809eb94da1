# SPDX-License-Identifier: MIT
# The kernel series: applied, built, booted under emulation and tested.
#
#   ARCH=x86_64|arm64	one architecture
#   DEBUG=1		with the kernel's checks for nearly everything
#   DEBUG=kcsan		with the detector of data races
#   LSM=1		with security modules (x86_64)
#   BASE=1		the kernel without the series: what fails there?

KERNEL_KIND := $(or $(if $(BASE),base),$(if $(LSM),lsm),\
	$(if $(DEBUG),$(or $(filter kcsan,$(DEBUG)),debug)))
ifeq ($(KERNEL_KIND)$(ARCH),)
KERNELS := x86_64/series x86_64/base x86_64/lsm arm64/series
else
KERNELS := $(addsuffix /$(or $(KERNEL_KIND),series),$(or $(ARCH),x86_64 $(if $(LSM),,arm64)))
endif

.PHONY: check-kernel
check-kernel:
	@tests/kernel/check $(KERNELS)

# The series at work, for somebody who wants to see it.
.PHONY: demo-kernel
demo-kernel:
	@tests/kernel/demo

.PHONY: bench-kernel
bench-kernel:
	@tests/kernel/bench

# What a reviewer would check of each patch by itself.
.PHONY: quality-kernel
quality-kernel:
	@tests/kernel/quality $(ARCH)
