/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Turns the calling process, just born in namespaces of its own, into one that can do nothing but write into a tree: the
 * mount becomes its "/", its capabilities shrink to those that owners and modes need, its system calls to those that
 * unpacking needs.
 *
 * Who: the unpack worker, ID 0 of its user namespace, before it sees the first untrusted byte. */

#include "base/error.h"

/* tree_mount: a detached mount. */
int unpack_confine(int tree_mount, Error *e);
