/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker reports about one archive, as bytes. The parent trusts none of them.
 *
 *   report  = u64 bytes, u32 n_control, u32 n_paths, u32 n_digests, u32 n_contents, control*, path*, digest*, contents*
 *   control = u32 mode, string name, string data
 *   path, digest, contents = string
 *   string  = u32 length, bytes (no NUL in a name, path or digest)          all in the machine's byte order */

#include "base/buf.h"
#include "transfer/transfer.h"

#define UNPACK_REPORT_MAX        (256ULL * 1024 * 1024)
#define UNPACK_CONTROL_MAX       (64U * 1024 * 1024) /* all control files of a package */
#define UNPACK_CONTROL_FILES_MAX 256U

typedef struct UnpackReport {
        Buf control, paths, digests, contents;
        uint32_t n_control, n_paths, n_digests, n_contents;
        uint64_t bytes;
} UnpackReport;

/* All return -E2BIG once the report is past its limit. */
int unpack_report_control(UnpackReport *r, const UnpackFile *f);
int unpack_report_path(UnpackReport *r, const char *path);
int unpack_report_digest(UnpackReport *r, const char *line);
int unpack_report_contents(UnpackReport *r, const char *line);
int unpack_report_write(const UnpackReport *r, int fd);
void unpack_report_done(UnpackReport *r);

/* -EBADMSG when the bytes are not a report; *ret is written only on success. */
int unpack_report_parse(const char *data, size_t len, UnpackResult *ret);
