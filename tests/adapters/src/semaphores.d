/* SPDX-License-Identifier: MIT */
provider shop {
	probe order(int, char *);
	probe idle();
};
