/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables on stdout: columns padded to the widest cell, nothing cut off. libsmartcols does that, too, but berth is one program for all
 * verbs, and each start of a machine would pay for loading it. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/option.h"

typedef enum CellType { CELL_TEXT, CELL_NUMBER, CELL_BOOL } CellType; /* how JSON shows it; numbers stand right */

typedef struct Column {
        const char *title; /* in capitals; JSON's keys are in small letters */
        CellType type;
} Column;

typedef struct Table {
        const Column *columns;
        size_t n_columns;
        const char *noun; /* "machines": for the closing count and "No machines." */
        struct {
                char **items; /* row by row; NULL = "-", and null in JSON */
                size_t n;
        } cells;
} Table;

void table_add(Table *t, const char *cell); /* copies */
int table_print(const Table *t, const Options *o, Error *e);
void table_done(Table *t);
