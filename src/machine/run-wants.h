/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts that only some settings ask for; a plain start pays for none of them. */

#include "machine/run-target.h"

int machine_facts_wanted(const Target *t, HostFacts *f, Error *e);

/* run-credentials.c */
int machine_facts_credentials(const MachineSpec *s, HostFacts *f, Error *e);
/* run-bind-user.c */
int machine_facts_bind_users(const Target *t, HostFacts *f, Error *e);

/* run-journal.c: the host's side of --link-journal=, a directory or a symbolic link below /var/log/journal. */
int target_link_journal(const Target *t, const HostFacts *f, Error *e);

/* run-template.c: makes the machine or directory that the spec names from its template, when it is not there yet. */
int target_from_template(const MachineHost *h, const MachineSpec *spec, Error *e);
/* Whether that is to be done. */
bool target_is_missing(const MachineHost *h, const MachineSpec *spec);
/* run-bundle.c: control groups and security modules. */
void machine_facts_bundle(HostFacts *f);
void machine_facts_controllers(HostFacts *f); /* of control groups */
