/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks as they are kept: berth's own file, KEY=VALUE lines, and those of systemd-networkd. */

#include "machine/run-lan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

void machine_lan_done(MachineLan *l)
{
        free(l->name);
        free(l->uplink);
        free(l->vlans);
        strv_free(l->addresses);
        strv_free(l->gateways);
        strv_free(l->ports);
        strv_free(l->has);
        *l = (MachineLan){};
}

void lan_file_done(LanFile *f)
{
        machine_lan_done(&f->lan);
        free(f->mac);
        free(f->uplink_file);
        free(f->boot_id);
        free(f->carry);
        *f = (LanFile){};
}

/* ---- berth's own ---- */

typedef enum KeyType { KEY_TEXT, KEY_WORDS, KEY_BOOL } KeyType;
typedef struct Key {
        const char *name;
        KeyType type;
        size_t offset;
} Key;
#define ROW(k, t, member)                       \
        {                                       \
                k, t, offsetof(LanFile, member) \
        }
static const Key keys[] = {
                ROW("NAME", KEY_TEXT, lan.name),
                ROW("UPLINK", KEY_TEXT, lan.uplink),
                ROW("MACVLAN", KEY_BOOL, lan.macvlan),
                ROW("DHCP", KEY_BOOL, lan.dhcp),
                ROW("TAKE_OVER", KEY_BOOL, lan.take_over),
                ROW("ACCEPT_RA", KEY_BOOL, lan.accept_ra),
                ROW("VLANS", KEY_TEXT, lan.vlans),
                ROW("ADDRESSES", KEY_WORDS, lan.addresses),
                ROW("GATEWAYS", KEY_WORDS, lan.gateways),
                ROW("MAC", KEY_TEXT, mac),
                ROW("UPLINK_FILE", KEY_TEXT, uplink_file),
                ROW("NETWORKD", KEY_BOOL, networkd),
                ROW("LENT_IPV4", KEY_BOOL, lent_ipv4),
                ROW("BOOT_ID", KEY_TEXT, boot_id),
                ROW("CARRY", KEY_TEXT, carry),
};
static const char *const halves[_LAN_HALF_MAX] = {"whole", "creating", "raising", "deleting"};

char *lan_file_text(const LanFile *f)
{
        _cleanup_buf_ Buf b = {};

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const void *p = (const char *)f + keys[i].offset;
                _cleanup_free_ char *words =
                                keys[i].type == KEY_WORDS && *(char **const *)p ? strv_join(*(char **const *)p, " ") : NULL;
                const char *text = keys[i].type == KEY_TEXT    ? *(char *const *)p
                                   : keys[i].type == KEY_WORDS ? words
                                   : *(const bool *)p          ? "1"
                                                               : NULL;
                if (text)
                        buf_addf(&b, "%s=%s\n", keys[i].name, text);
        }
        buf_addf(&b, "STATE=%s\n", halves[f->half]);
        return buf_take(&b);
}

static void take(const Key *k, const char *value, LanFile *f)
{
        void *p = (char *)f + k->offset;

        switch (k->type) {
        case KEY_TEXT:
                free(*(char **)p);
                *(char **)p = xstrdup(value);
                break;
        case KEY_WORDS:
                strv_free(*(char ***)p);
                *(char ***)p = strv_split(value, " ");
                break;
        case KEY_BOOL:
                *(bool *)p = str_eq(value, "1");
                break;
        }
}

int lan_file_parse(char *text, const char *name, LanFile *ret)
{
        LanFile f = {.half = _LAN_HALF_MAX};
        char *save = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *eq = strchr(line, '=');
                if (!eq)
                        continue;
                *eq = '\0';
                for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                        if (str_eq(keys[i].name, line))
                                take(&keys[i], eq + 1, &f);
                for (LanHalf i = 0; i < _LAN_HALF_MAX && str_eq(line, "STATE"); i++)
                        f.half = str_eq(halves[i], eq + 1) ? i : f.half;
        }
        if (!str_eq(f.lan.name, name) || !f.lan.uplink || f.half == _LAN_HALF_MAX) {
                lan_file_done(&f);
                return -EBADMSG;
        }
        *ret = f;
        return 0;
}

/* ---- networkd's ---- */

char *lan_networkd_name(const LanFile *f, LanNetworkd which)
{
        static const char *const ends[_LAN_NETWORKD_MAX] = {".netdev", ".network", "-uplink.network"};

        if (which == LAN_UPLINK && f->uplink_file)
                return xstrdup(f->uplink_file);
        return xasprintf("10-berth-%s%s", f->lan.name, ends[which]);
}

static void add_head(Buf *b, const LanFile *f)
{
        buf_addf(b, "# Made by 'berth network create %s'; 'berth network delete %s' removes it.\n", f->lan.name, f->lan.name);
}

static void add_netdev(Buf *b, const LanFile *f)
{
        const MachineLan *l = &f->lan;

        buf_addf(b, "[NetDev]\nName=%s\nKind=%s\n", l->name, l->macvlan ? "macvlan" : "bridge");
        if (f->mac)
                buf_addf(b, "MACAddress=%s\n", f->mac);
        if (l->macvlan)
                buf_adds(b, "\n[MACVLAN]\nMode=bridge\n");
        else if (l->vlans)
                buf_adds(b, "\n[Bridge]\nVLANFiltering=yes\n");
}

static void add_network(Buf *b, const LanFile *f, const char *kept)
{
        const MachineLan *l = &f->lan;
        const bool dhcp = l->dhcp || (l->take_over && f->lent_ipv4),
                   speaks = dhcp || l->take_over || l->accept_ra || l->addresses;

        buf_addf(b, "[Match]\nName=%s\n\n[Network]\n", l->name);
        STRV_FOREACH (a, l->addresses)
                buf_addf(b, "Address=%s\n", *a);
        STRV_FOREACH (g, l->gateways)
                buf_addf(b, "Gateway=%s\n", *g);
        if (dhcp)
                buf_adds(b, "DHCP=ipv4\n");
        if (!speaks)
                buf_adds(b, "LinkLocalAddressing=no\n");
        buf_addf(b, "IPv6AcceptRA=%s\n", l->accept_ra ? "yes" : "no");
        if (!speaks)
                buf_adds(b, "\n[Link]\nRequiredForOnline=no\n");
        if (kept && *kept)
                buf_addf(b, "\n%s", kept);
}

static void add_uplink(Buf *b, const LanFile *f)
{
        const MachineLan *l = &f->lan;
        _cleanup_strv_ char **vlans = l->vlans ? strv_split(l->vlans, ",") : NULL;

        if (f->uplink_file) {
                buf_addf(b, "[Network]\nMACVLAN=%s\n", l->name);
                return;
        }
        buf_addf(b, "[Match]\nName=%s\n\n[Network]\n%s=%s\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n", l->uplink,
                 l->macvlan ? "MACVLAN" : "Bridge", l->name);
        if (vlans)
                buf_adds(b, "\n[BridgeVLAN]\nPVID=1\nEgressUntagged=1\n");
        STRV_FOREACH (v, vlans)
                buf_addf(b, "\n[BridgeVLAN]\nVLAN=%s\n", *v);
}

char *lan_networkd_text(const LanFile *f, LanNetworkd which, const char *kept)
{
        _cleanup_buf_ Buf b = {};

        add_head(&b, f);
        if (which == LAN_NETDEV)
                add_netdev(&b, f);
        else if (which == LAN_NETWORK)
                add_network(&b, f, kept);
        else
                add_uplink(&b, f);
        return buf_take(&b);
}

/* ---- what is asked for, for src/net ---- */

static int read_vlans(const char *text, NetLan *ret, Error *e)
{
        _cleanup_strv_ char **words = text ? strv_split(text, ",") : NULL;

        STRV_FOREACH (w, words) {
                unsigned first = 0, last = 0;
                int end = 0, n = sscanf(*w, "%4u%n-%4u%n", &first, &end, &last, &end);
                last = n == 1 ? first : last;
                if (n < 1 || (*w)[end] || first < 1 || last < first || last > 4094)
                        return error_set(e, -EINVAL, "'%s' is no VLAN: they are numbers from 1 to 4094, or FIRST-LAST", *w);
                *(struct NetVlans *)vec_push(&ret->vlans) = (struct NetVlans){(uint16_t)first, (uint16_t)last};
        }
        return 0;
}

int lan_to_net(const LanFile *f, NetLan *ret, Error *e)
{
        const MachineLan *l = &f->lan;
        int r = 0;

        *ret = (NetLan){.name = l->name,
                        .uplink = l->uplink,
                        .macvlan = l->macvlan,
                        .take_over = l->take_over,
                        .accept_ra = l->accept_ra,
                        .vlans_filtered = l->vlans != NULL};
        if (f->mac)
                (void)plan_parse_mac(f->mac, ret->mac);
        for (char **a = l->addresses; r >= 0 && a && *a; a++)
                r = value_address_read(*a, false, vec_push(&ret->addresses), e);
        for (char **g = l->gateways; r >= 0 && g && *g; g++)
                r = value_address_read(*g, true, vec_push(&ret->gateways), e);
        if (r >= 0)
                r = read_vlans(l->vlans, ret, e);
        if (r < 0)
                net_lan_done(ret);
        return r;
}

int lan_check_options(const MachineLan *l, bool networkd, Error *e)
{
        if (l->macvlan && l->vlans)
                return error_set(e, -EINVAL, "--vlan= is for bridges; make the macvlan of a VLAN interface of '%s' instead",
                                 l->uplink);
        if (l->gateways && !l->addresses)
                return error_set(e, -EINVAL, "--gateway= needs an address from which it is reached; add --address=");
        if (l->dhcp && l->addresses)
                return error_set(e, -EINVAL, "--dhcp and --address= exclude each other; leave one of them out");
        if (l->dhcp && !networkd)
                return error_set(e, -EOPNOTSUPP,
                                 "--dhcp is done by systemd-networkd, which does not run here; use --address=, or start a DHCP "
                                 "client on '%s' yourself",
                                 l->name);
        if (str_eq(l->name, l->uplink))
                return error_set(e, -EINVAL, "the network needs a name of its own, as '%s' is that of the uplink", l->uplink);
        return 0;
}

/* What the uplink has would be out of reach as soon as it is a bridge's port. */
int lan_check_carry(const LanFile *f, const NetCarry *carry, Error *e)
{
        const MachineLan *l = &f->lan;

        if (!l->take_over && !l->macvlan && (carry->n > 0 || carry->lent_ipv6))
                return error_set(
                                e, -EBUSY,
                                "the host is reached by addresses of '%s', which would be cut off; add --take-over and '%s' gets "
                                "them",
                                l->uplink, l->name);
        if (l->take_over && carry->lent_ipv4 && !f->networkd)
                return error_set(e, -EBUSY,
                                 "'%s' has its address from a DHCP client, which would go on asking there; stop it, or have it "
                                 "ask "
                                 "on '%s' instead",
                                 l->uplink, l->name);
        if (l->take_over && carry->lent_ipv6 && !l->accept_ra)
                return error_set(e, -EBUSY,
                                 "'%s' has IPv6 addresses by routers' announcements; add --accept-ra and '%s' listens to them",
                                 l->uplink, l->name);
        return 0;
}
