/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Gathers what the plan goes by, with few and cheap probes: a start pays for each of them. */

#include "machine/machine.h"

bool machine_kernel_is_at_least(unsigned major, unsigned minor);
bool machine_cgroup_is_delegated(const MachineHost *h); /* to an ordinary user */
void machine_facts_host(const MachineHost *h, HostFacts *f);
/* The image's side: user (spec.user), os-release, machine-id, init (only when it boots). */
int machine_facts_image(const StoreImage *image, const MachineSpec *spec, HostFacts *f, Error *e);

/* os-release of an image: ID, VERSION_ID and PRETTY_NAME, NULL where there is none. */
typedef struct ImageOs {
        char *id, *version, *pretty;
} ImageOs;
void machine_image_os(const StoreImage *image, ImageOs *ret);
void machine_image_os_done(ImageOs *os);

/* A small file of the image, NULL when it is not there. */
char *machine_image_text(const StoreImage *image, const char *path);

InitKind machine_image_init(const StoreImage *image, char **ret_path);

/* The value of KEY= in os-release text, unquoted; NULL when it is not there. */
char *machine_os_value(const char *text, const char *key);
