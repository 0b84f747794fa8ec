/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What all Gentoo machines of a host share: repositories, sources and built packages, bound in by their .nspawn files. */

#include "machine/create.h"

/* Names in --share=: 0, or -EINVAL with those that there are. */
int create_shares_check(const CreateShares *s, Error *e);
/* "distfiles", "binpkgs", "repos": their directory on this host, made where it is berth's own. Allocated. */
int create_shares_directory(const MachineHost *h, const CreateShares *s, const char *name, char **ret, Error *e);
/* Where git's repositories are kept: beside those that all Gentoo machines get. */
char *create_shares_repos(const MachineHost *h, const CreateShares *s);
/* Of a new machine that is not there yet: writes its settings file. 1 when there is one now that this wrote. A tree without Portage has no
 * shares, and it is an error only if they were asked for. repos: "NAME=PATH" or "PATH", shared too. */
int create_shares_write(const MachineHost *h, const CreateShares *s, char *const *repos, const StoreImage *made, Error *e);
