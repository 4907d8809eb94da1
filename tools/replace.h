/* SPDX-License-Identifier: MIT */
/* Writing a file in one step: whoever looks sees the old one or the new one. */
#ifndef TOOLS_REPLACE_H
#define TOOLS_REPLACE_H

#include "tools/image.h"

/*
 * Write the bytes of an image that image_open() has read to `to` (or, NULL, to
 * where it was read from), with the mode, owner, extended attributes and holes
 * of the file it was read from.  Through a new file beside it that is renamed
 * once it is on disk, so that a crash or a full disk leaves what was there.
 *
 * Others may write in the folder: only the very file that was read is replaced,
 * or the one that `to` was at first, and only a regular file.  0, or -1 and why.
 */
int replace_file(const struct image *im, const char *to, char why[WHY_MAX]);

#endif
