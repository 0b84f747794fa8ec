/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "distro/distro.h"

/* A row per distribution; `driver` belongs to the functions of the family. */
struct Distro {
        const char *name, *title, *default_suite;
        const void *driver;
        int (*resolve)(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
        int (*install)(DistroPlan *p, const DistroInstall *i, Error *e);
        void (*plan_done)(DistroPlan *p);
};

struct DistroPlan {
        const Distro *distro;
        char *key, *title;
        char **packages; /* "name version arch", sorted */
        void *data;      /* the driver's */
};

const Distro *distro_find(const char *name); /* NULL */
