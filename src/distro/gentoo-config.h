/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a new Gentoo root has that is in no package: the layout of its top, Portage's configuration, what env-update makes. */

#include "distro/gentoo.h"
#include "distro/tar.h"

/* As baselayout's own "layout" and "layout-usrmerge" make it for a root that is built from nothing. Before any package. */
void gentoo_config_layout(const GentooPlan *p, Tar *tar);
/* /etc/portage, the world file, and Portage's empty databases. */
void gentoo_config_write(const GentooPlan *p, Tar *tar);
/* After the phases, which may have written to /etc/env.d: reads it below the root, and adds what follows from it. */
int gentoo_config_env_update(int root_dirfd, Tar *tar, const Events *ev, Error *e);
