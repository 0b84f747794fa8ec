/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a new Gentoo root has that is in no package: the layout of its top, Portage's configuration, what env-update makes. */

#include "distro/gentoo.h"
#include "distro/tar.h"

/* The values of an incremental variable (INSTALL_MASK, FEATURES, CONFIG_PROTECT…) of the profile and of --make-conf together, words. */
char **gentoo_config_words(const GentooPlan *p, const char *variable);
/* As baselayout's own "layout" and "layout-usrmerge" make it for a root that is built from nothing. Before any package. */
void gentoo_config_layout(const GentooPlan *p, Tar *tar);
void gentoo_config_portage(const GentooPlan *p, Tar *tar); /* /etc/portage alone */
/* /etc/portage, the world file, and Portage's empty databases. memory: "PATH MD5" of protected files that were there already. */
void gentoo_config_write(const GentooPlan *p, char *const *memory, Tar *tar);
/* Reads /etc/env.d below the root and adds what follows from it. ret_protect: CONFIG_PROTECT and its _MASK as they are set there. */
int gentoo_config_env_update(int root_dirfd, Tar *tar, const Events *ev, char **ret_protect, char **ret_mask, Error *e);
