/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#include "base/alloc.h"
#include "machine/run-names.h"

#define OURS(lines) "# From here to the next such line: machines, kept by berth\n" lines "# Here ends what is kept by berth\n"

static void expect(const char *text, const char *lines, const char *expected)
{
        _cleanup_free_ char *got = names_hosts_text(text, lines);

        assert_string_equal(got, expected);
}

static void a_part_of_the_file_is_ours(void **state)
{
        const char *web = "10.0.0.2 web\n", *none = "127.0.0.1 localhost\n";

        expect(none, web, "127.0.0.1 localhost\n" OURS("10.0.0.2 web\n"));
        expect("", web, OURS("10.0.0.2 web\n"));
        expect("127.0.0.1 localhost", web, "127.0.0.1 localhost\n" OURS("10.0.0.2 web\n"));
        expect(none, "", none);
}

static void what_others_wrote_stays(void **state)
{
        const char *mixed = "127.0.0.1 localhost\n" OURS("10.0.0.2 web\n") "192.0.2.1 other\n";

        expect(mixed, "", "127.0.0.1 localhost\n192.0.2.1 other\n");
        expect(mixed, "10.0.0.3 db\n", "127.0.0.1 localhost\n" OURS("10.0.0.3 db\n") "192.0.2.1 other\n");
        /* somebody took the end away: what is left may be theirs */
        expect("# From here to the next such line: machines, kept by berth\n192.0.2.1 other\n", "",
               "# From here to the next such line: machines, kept by berth\n192.0.2.1 other\n");
        expect("# From here to the next such line: machines, kept by berth\n192.0.2.1 other\n" OURS("10.0.0.2 web\n"), "",
               "# From here to the next such line: machines, kept by berth\n192.0.2.1 other\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_part_of_the_file_is_ours),
                        cmocka_unit_test(what_others_wrote_stays),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
