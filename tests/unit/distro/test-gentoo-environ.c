/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "distro/gentoo-environ.h"

static void filtered(const char *text, const char *expected)
{
        Buf b = {0};

        gentoo_environ_filter((Slice){text, strlen(text)}, &b);
        assert_string_equal(b.data ?: "", expected);
        buf_done(&b);
}

static void variables_of_the_build_go(void **state)
{
        filtered("declare -x ROOT=\"/x\"\ndeclare -x USE=\"a b\"\ndeclare -- T=\"/t\"\nexport HOME=/h\nD=/d\nFOO=1\n",
                 "declare -x USE=\"a b\"\nFOO=1\n");
        filtered("declare -x LC_ALL=\"C\"\ndeclare -ar BASH_VERSINFO=([0]=\"5\")\ndeclare -x PORTAGE_BIN_PATH=\"/x\"\ndeclare "
                 "DEPEND\n",
                 "declare DEPEND\n");
        filtered("declare -x CATEGORY=\"a\"\ndeclare -x PN=\"b\"\ndeclare -x SLOT=\"0\"\n", "declare -x SLOT=\"0\"\n");
        filtered("declare -x PATHS=\"1\"\ndeclare -x ROOTPATH=\"2\"\n", "declare -x PATHS=\"1\"\ndeclare -x ROOTPATH=\"2\"\n");
}

static void values_may_have_lines(void **state)
{
        filtered("declare -x T=\"a\nROOT=b\n\\\" c\"\ndeclare -x A=\"x\nD=y\"\n", "declare -x A=\"x\nD=y\"\n");
        filtered("T=$'a\\'\nb'\nA='\\'\nB=1\n", "A='\\'\nB=1\n");
        filtered("declare -a COMP_WORDS=([0]=\"a\n\" [1]=\")\")\ndeclare -a L=([0]=\"x\" [1]=$'y\\n')\n",
                 "declare -a L=([0]=\"x\" [1]=$'y\\n')\n");
}

static void functions_stay_as_they_are(void **state)
{
        static const char f[] = "pkg_preinst () \n{ \n    ROOT=x;\n    T=\"y\nz\"\n}\n";
        static const char here[] = "f () \n{ \n    cat  <<EOF\n}\nROOT=a\nEOF\n    echo $((1 << 2))\n}\n";
        static const char tabs[] = "g () \n{ \n    cat <<-'E'\n}\n\tE\n\n}\n";
        Buf all = {0};

        filtered(f, f);
        filtered(here, here);
        filtered(tabs, tabs);
        buf_addf(&all, "%sROOT=b\n%sROOT=b\n", here, tabs);
        _cleanup_buf_ Buf expected = {0};
        buf_addf(&expected, "%s%s", here, tabs);
        filtered(all.data, expected.data);
        buf_done(&all);
}

static void what_is_cut_off_is_no_danger(void **state)
{
        filtered("declare -x A=\"x", "declare -x A=\"x");
        filtered("declare -x T=\"x", "");
        filtered("f () \n{ \n", "f () \n{ \n");
        filtered("", "");
        filtered("declare", "declare");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(variables_of_the_build_go),
                        cmocka_unit_test(values_may_have_lines),
                        cmocka_unit_test(functions_stay_as_they_are),
                        cmocka_unit_test(what_is_cut_off_is_no_danger),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
