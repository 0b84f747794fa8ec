/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What both printers of a plan go by: the name of each operation, the columns it owns, and what a column shows. */

#include "plan/plan.h"

typedef enum Column {
        COLUMN_PATH,
        COLUMN_SLOT,
        COLUMN_FSTYPE,
        COLUMN_SOURCE,
        COLUMN_TEXT,
        COLUMN_LOWER,
        COLUMN_UPPER,
        COLUMN_WORK,
        COLUMN_OPTIONS,
        COLUMN_PARTS,
        COLUMN_ATTRS,
        COLUMN_ATTRS_CLEAR,
        COLUMN_IDMAP,
        COLUMN_DISK_BASE,
        COLUMN_OWNER,
        COLUMN_RECURSIVE,
        COLUMN_DISK,
        COLUMN_DISK_TYPE,
        COLUMN_DISK_OPTIONS,
        COLUMN_CHECK,
        COLUMN_UNLOCK,
        COLUMN_VERITY,
        COLUMN_NODE,
        COLUMN_MODE,
        COLUMN_TYPE,
        COLUMN_BYTES,
        COLUMN_KEEP_SYMLINK,
        COLUMN_LIMIT,
        COLUMN_SOFT,
        COLUMN_HARD,
        COLUMN_SCORE,
        COLUMN_CPUS,
        COLUMN_PERSONALITY,
        COLUMN_CAPABILITIES,
        COLUMN_UID,
        COLUMN_GID,
        COLUMN_GROUPS,
        COLUMN_BASE,
        COLUMN_ARGV,
        COLUMN_ALTERNATIVES,
        COLUMN_ENV,
        COLUMN_INTERFACE,
        COLUMN_ALTERNATIVE,
        COLUMN_MAC,
        COLUMN_INSIDE,
        COLUMN_MAC_INSIDE,
        COLUMN_BRIDGE,
        COLUMN_MTU,
        COLUMN_ADDRESSES,
        COLUMN_GATEWAYS,
        COLUMN_PROTOCOL,
        COLUMN_PORT,
        COLUMN_PORT_INSIDE,
        COLUMN_MAJOR,
        COLUMN_PROPAGATION,
        COLUMN_ALL_ATTRS,
        COLUMN_IF_EXISTS,
        COLUMN_MAP,
        COLUMN_TIMEOUT,
        COLUMN_EFFECTIVE,
        COLUMN_INHERITABLE,
        COLUMN_RULES,
        COLUMN_SCHEDULER,
        COLUMN_OPTIONAL,
        _COLUMN_MAX,
} Column;

typedef struct OpRow {
        const char *name;
        uint64_t columns;
} OpRow;

typedef struct Cell { /* what a column shows of an operation: words, one text, or a mere "yes"; nothing when it has the usual value */
        char **words;
        char *text;
        bool is_list, is_flag;
} Cell;
void print_cell_done(Cell *c);

typedef struct ColumnRow {
        const char *name;
        Cell (*get)(const PlanOp *op);
} ColumnRow;

extern const OpRow print_ops[_OP_TYPE_MAX];
extern const ColumnRow print_columns[_COLUMN_MAX];
extern const char *const print_phases[_PHASE_MAX];

bool print_has_column(const PlanOp *op, Column c);
char **print_namespaces(uint64_t bits);
