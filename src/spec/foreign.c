/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/macro.h"
#include "spec/spelling.h"

/* Options and keys of systemd-nspawn 257 to 262 without a row in the spelling table. A row moves there when its setting comes. */
static const SpecForeign foreign[] = {
                {"private-users-delegate", "Exec", "PrivateUsersDelegate", "0"},
};

const SpecForeign *spec_foreign(size_t *ret_n)
{
        *ret_n = ELEMENTSOF(foreign);
        return foreign;
}
