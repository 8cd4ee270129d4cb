//! The lists of other libraries, each queried in its fastest way.

use std::net::Ipv4Addr;

use cidr::Ipv4Cidr;
use ip_network::Ipv4Network;
use ip_network_table::IpNetworkTable;
use ip_network_table_deps_treebitmap::IpLookupTable;
use ipnet::{IpNet, Ipv4Net};
use ipnet_trie::IpnetTrie;
use iprange::IpRange;
use octo_auth_core::allowlist::Allowlist;
use prefix_trie::PrefixSet;
use range_set_blaze::RangeSetBlaze;
use rangemap::RangeInclusiveSet;

use super::subject::Subject;

fn ends(rule: &Ipv4Net) -> std::ops::RangeInclusive<u32> {
    rule.network().to_bits()..=rule.broadcast().to_bits()
}

macro_rules! subject {
    ($name:ident, $text:literal, $inside:ty, $scans:literal, $build:expr, $holds:expr) => {
        pub(crate) struct $name($inside);

        impl Subject for $name {
            const NAME: &'static str = $text;
            const SCANS: bool = $scans;

            fn build(rules: &[Ipv4Net]) -> Self {
                let build: fn(&[Ipv4Net]) -> $inside = $build;
                Self(build(rules))
            }

            #[inline]
            fn holds(&self, address: Ipv4Addr) -> bool {
                ($holds)(&self.0, address)
            }
        }
    };
}

subject!(
    Ours,
    "octo-auth",
    Allowlist,
    false,
    |rules| rules.iter().copied().map(IpNet::V4).collect(),
    |list: &Allowlist, address: Ipv4Addr| list.permits(address.into())
);
subject!(IpnetScan, "ipnet, scan", Vec<Ipv4Net>, true, <[Ipv4Net]>::to_vec, |list: &[Ipv4Net], address| {
    list.iter().any(|rule| rule.contains(&address))
});
subject!(
    CidrScan,
    "cidr, scan",
    Vec<Ipv4Cidr>,
    true,
    |rules| rules.iter().filter_map(|rule| Ipv4Cidr::new(rule.addr(), rule.prefix_len()).ok()).collect(),
    |list: &[Ipv4Cidr], address| list.iter().any(|rule| rule.contains(&address))
);
subject!(
    PrefixTrie,
    "prefix-trie",
    PrefixSet<Ipv4Net>,
    false,
    |rules| rules.iter().copied().collect(),
    |set: &PrefixSet<Ipv4Net>, address: Ipv4Addr| set.is_covered(&Ipv4Net::from(address))
);
subject!(
    Blaze,
    "range-set-blaze",
    RangeSetBlaze<u32>,
    false,
    |rules| rules.iter().map(ends).collect(),
    |set: &RangeSetBlaze<u32>, address: Ipv4Addr| set.contains(address.to_bits())
);
subject!(
    Range,
    "iprange",
    IpRange<Ipv4Net>,
    false,
    |rules| {
        let mut range: IpRange<Ipv4Net> = rules.iter().copied().collect();
        range.simplify();
        range
    },
    |range: &IpRange<Ipv4Net>, address: Ipv4Addr| range.contains(&address)
);
subject!(
    NetworkTable,
    "ip_network_table",
    IpNetworkTable<()>,
    false,
    |rules| {
        let mut table = IpNetworkTable::new();
        for rule in rules {
            if let Ok(network) = Ipv4Network::new(rule.addr(), rule.prefix_len()) {
                table.insert(network, ());
            }
        }
        table
    },
    |table: &IpNetworkTable<()>, address| table.longest_match_ipv4(address).is_some()
);
subject!(
    Treebitmap,
    "treebitmap",
    IpLookupTable<Ipv4Addr, ()>,
    false,
    |rules| {
        let mut table = IpLookupTable::new();
        for rule in rules {
            table.insert(rule.addr(), rule.prefix_len().into(), ());
        }
        table
    },
    |table: &IpLookupTable<Ipv4Addr, ()>, address| table.longest_match(address).is_some()
);
subject!(
    Trie,
    "ipnet-trie",
    IpnetTrie<()>,
    false,
    |rules| {
        let mut trie = IpnetTrie::new();
        for rule in rules {
            trie.insert(*rule, ());
        }
        trie
    },
    |trie: &IpnetTrie<()>, address: Ipv4Addr| trie.longest_match_ipv4(&Ipv4Net::from(address)).is_some()
);
subject!(
    Rangemap,
    "rangemap",
    RangeInclusiveSet<u32>,
    false,
    |rules| rules.iter().map(ends).collect(),
    |set: &RangeInclusiveSet<u32>, address: Ipv4Addr| set.contains(&address.to_bits())
);
