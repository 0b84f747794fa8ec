/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

typedef struct PartitionType {
        const char *guid;         /* lower case */
        const char *designator;   /* "root", "usr-verity", "linux-generic" … as systemd.image-policy(7) calls them */
        const char *architecture; /* NULL: any */
} PartitionType;

const PartitionType *partition_type(const char *guid); /* NULL: nothing to mount */
const char *partition_architecture(void);              /* of this host; NULL when no type has it */
const char *partition_secondary_architecture(void);    /* that it runs too */
