/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The profile of a Gentoo machine, running or not, by its repositories: those in its tree, and those that are bound into it. */

#include "machine/machine.h"

typedef struct MachineProfile {
        char *name, *status; /* "gentoo:default/linux/amd64/23.0", "stable" */
        bool current;
} MachineProfile;

typedef struct MachineProfiles {
        char *current; /* as items have it; the link's target where it leads into no repository; NULL: none is set */
        bool dangling; /* it leads to nothing that is there */
        struct {
                MachineProfile *items;
                size_t n;
        } list;
} MachineProfiles;

/* set: a profile, "repo:path" or a path that a repository has; it is read before the link is changed. NULL: only reads. */
int machine_profile(const MachineHost *h, const char *name, const char *set, MachineProfiles *ret, Error *e);
void machine_profiles_done(MachineProfiles *p);
