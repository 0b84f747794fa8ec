/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Owner, mode, extended attributes, ACLs and time of an archive entry. A new file already has owner 0:0 and its
 * permission bits, so that most entries need only their time set. `inherited`: made in a setgid directory, so that
 * nothing is assumed. All return 0 or -errno. */

#include <archive_entry.h>
#include <stdbool.h>

bool attr_owner_is_valid(struct archive_entry *entry); /* to be asked first: among the 65536 IDs of the tree */
int attr_apply_file(int fd, struct archive_entry *entry, bool inherited);
int attr_apply_name(int dirfd, const char *name, struct archive_entry *entry,
                    bool inherited); /* links and fifos; links are not followed */
/* Follows a link, as dpkg does with a directory's entry. `fresh`: just made with the permission bits, by 0:0. */
int attr_apply_directory(int dirfd, const char *name, struct archive_entry *entry, bool fresh);
bool attr_is_special_directory(struct archive_entry *entry); /* owner or mode are not those of most: 0:0, 0755 */
