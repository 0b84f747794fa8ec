/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has which IDs on this host, from its own files: name services other than these would have to be loaded, and berth loads nothing. */

#include "machine/machine.h"

/* The ranges of /etc/subuid or /etc/subgid (subuid(5): "USER:FIRST:COUNT") as .outside and .count; of this user, by number or name, or with
 * name NULL of all. Appends. */
void machine_subids(const char *path, const char *name, uid_t uid, SpecIdRanges *ret);
/* The IDs of /etc/passwd or /etc/group: each a range of one. */
void machine_account_ids(const char *path, SpecIdRanges *ret);
/* Of /etc/passwd, else what the environment says; NULL: unknown. */
char *machine_user_name(uid_t uid);
