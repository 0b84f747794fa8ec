/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/macro.h"
#include "spec/spelling.h"

/* Options and keys of systemd-nspawn 257 to 262 without a row in the spelling table. A row moves there when its setting comes. */
static const SpecForeign foreign[] = {
                {"settings", NULL, NULL, NULL},
                {"template", NULL, NULL, NULL},
                {"ephemeral", "Exec", "Ephemeral", "no"},
                {"image", NULL, NULL, NULL},
                {"image-policy", NULL, NULL, NULL},
                {"oci-bundle", NULL, NULL, NULL},
                {"mstack", NULL, NULL, NULL},
                {"volatile", "Files", "Volatile", "no"},
                {"root-hash", NULL, NULL, NULL},
                {"root-hash-sig", NULL, NULL, NULL},
                {"verity-data", NULL, NULL, NULL},
                {"pivot-root", "Exec", "PivotRoot", NULL},
                {"slice", NULL, NULL, NULL},
                {"property", NULL, NULL, NULL},
                {"register", NULL, NULL, NULL},
                {"keep-unit", NULL, NULL, NULL},
                {"private-users-ownership", "Files", "PrivateUsersOwnership", "auto"},
                {"private-users-chown", "Files", "PrivateUsersChown", "no"},
                {"private-users-delegate", "Exec", "PrivateUsersDelegate", NULL},
                {"network-interface", "Network", "Interface", NULL},
                {"network-macvlan", "Network", "MACVLAN", NULL},
                {"network-ipvlan", "Network", "IPVLAN", NULL},
                {"network-veth", "Network", "VirtualEthernet", "no"},
                {"network-veth-extra", "Network", "VirtualEthernetExtra", NULL},
                {"network-bridge", "Network", "Bridge", NULL},
                {"network-zone", "Network", "Zone", NULL},
                {"network-namespace-path", "Network", "NamespacePath", NULL},
                {"port", "Network", "Port", NULL},
                {"ambient-capability", "Exec", "AmbientCapability", NULL},
                {"system-call-filter", "Exec", "SystemCallFilter", NULL},
                {"restrict-address-families", "Exec", "RestrictAddressFamilies", NULL},
                {"selinux-context", NULL, NULL, NULL},
                {"selinux-apifs-context", NULL, NULL, NULL},
                {"resolv-conf", "Exec", "ResolvConf", NULL},
                {"timezone", "Exec", "Timezone", "off"},
                {"link-journal", "Exec", "LinkJournal", "no"},
                {"bind-user", "Files", "BindUser", NULL},
                {"bind-user-shell", "Files", "BindUserShell", NULL},
                {"bind-user-group", NULL, NULL, NULL},
                {"overlay", "Files", "Overlay", NULL},
                {"overlay-ro", "Files", "OverlayReadOnly", NULL},
                {"background", NULL, NULL, NULL},
                {"set-credential", NULL, NULL, NULL},
                {"load-credential", NULL, NULL, NULL},
                {"forward-journal", NULL, NULL, NULL},
                {"cleanup", NULL, NULL, NULL},
};

const SpecForeign *spec_foreign(size_t *ret_n)
{
        *ret_n = ELEMENTSOF(foreign);
        return foreign;
}
