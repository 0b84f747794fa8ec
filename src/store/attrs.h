/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mode, owner and extended attributes of a directory. overlayfs takes those of "/" from its upper directory, so every new one
 * starts with what the root had. overlayfs' own trusted.overlay.* are no part of it. */

int attrs_copy(int from_fd, int to_fd); /* and the modification time */
int attrs_equal(int a_fd, int b_fd);    /* 1, 0 or -errno */
