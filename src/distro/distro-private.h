/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "distro/distro.h"

/* A row per distribution; `driver` belongs to the functions of the family. */
struct Distro {
        const char *name, *title, *default_suite;
        const char *prefix; /* for suites that begin so; NULL: for all others */
        bool is_path;       /* what stands for the suite is a path or URL */
        const void *driver;
        int (*resolve)(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
        int (*install)(DistroPlan *p, const DistroInstall *i, Error *e);
        void (*plan_done)(DistroPlan *p);
        /* The mirrors that a request without any means, as text: other ones lead to something else. */
        char *(*mirrors)(const Distro *d, const DistroRequest *r);
        char **(*repos)(const DistroPlan *p);
        int (*clean)(const char *dir, DistroCleaned *ret, Error *e); /* dir: CACHE_DIR/NAME */
};

struct DistroPlan {
        const Distro *distro;
        char *key, *title;
        int64_t valid_until; /* of the index; 0: it does not say */
        char **packages;     /* "name version arch", sorted */
        void *data;          /* the driver's */
};

/* The plan keys in CACHE_DIR/keys. */
int distro_keys(const char *cache_dir, char ***ret, Error *e);

const Distro *distro_find(const char *name, const char *suite); /* suite may be NULL; NULL */
