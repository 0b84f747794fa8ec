/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What senders and receivers have in common: the header of a stream (transfer/stream.h), and which snapshot is which on another host. */

#include "machine/create.h"

typedef struct SendHeader {
        char *format;   /* of the payload: "tar" */
        char *name;     /* of the machine, where it was sent */
        char *snapshot; /* its name; "": none, the state has none */
        char *id;       /* of the snapshot */
        char *from;     /* the snapshot that the payload is a change of; "": it is a whole state */
        char *from_id;
        char *driver; /* where it was sent */
} SendHeader;
void send_header_done(SendHeader *h);
char *send_header_format(const SendHeader *h);
int send_header_parse(const char *text, SendHeader *ret, Error *e);

/* An ID that a snapshot keeps when it is received elsewhere: STATE/received/NAME has those of snapshots that were, lines
 * "SNAPSHOT ID CREATED"; that of any other is its date. -ENOENT: no such snapshot. */
int send_id_of(const MachineHost *h, Store *s, const char *name, const char *snapshot, char **ret, Error *e);
/* first: nothing is kept of what an earlier machine of that name received. */
int send_id_note(const MachineHost *h, Store *s, const char *name, const char *snapshot, const char *id, bool first, Error *e);

/* The payload of format "tar": of a whole state just the archive. Of a change first its list, 32 bits of length and records that end with a
 * zero byte, then the archive of what is new or other, of the directories it is in, and of all files with several names:
 *   -PATH      goes, with all in it
 *   /PATH      a directory whose attributes are other ones: those that it has go */
#define SEND_LIST_MAX (256U * 1024 * 1024)
