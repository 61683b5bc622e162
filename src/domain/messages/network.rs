//! Which addresses an outgoing call may reach: the public Internet, and the networks that the operator names. Whoever
//! types an address must not reach through us what only this machine reaches (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What no stranger's machine answers on: IANA's special-purpose registries (RFC 6890 and its followers), multicast and
/// what is reserved.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // Azure's platform address: public by its number, answered by the host under the machine.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The only unicast space of IPv6 that is routed; NAT64, ULA, link-local, mapped and multicast lie outside it.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Inside it: protocol assignments with Teredo, documentation, 6to4, which carries an address of IPv4.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// A network as CIDR writes it: `10.0.0.0/8`, `fd00::/8`; an address alone is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => within_v4(network, self.prefix, address),
            (IpAddr::V6(network), IpAddr::V6(address)) => within_v6(network, self.prefix, address),
            _ => false,
        }
    }
}

fn within_v4(network: Ipv4Addr, prefix: u8, address: Ipv4Addr) -> bool {
    (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(prefix)
}

fn within_v6(network: Ipv6Addr, prefix: u8, address: Ipv6Addr) -> bool {
    (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(prefix)
}

/// What is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write networks as 10.0.0.0/8 or fd00::/8, with blanks between")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_no_address| NoNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_no_number| NoNetwork)?;
        if prefix > longest { Err(NoNetwork) } else { Ok(Self { address, prefix }) }
    }
}

/// The private networks that may be called besides the public Internet; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// This machine itself: for the demo, and for tests.
    #[must_use]
    pub fn this_host() -> Self {
        let v4 = Network { address: Ipv4Addr::LOCALHOST.into(), prefix: 8 };
        let v6 = Network { address: Ipv6Addr::LOCALHOST.into(), prefix: 128 };
        Self(vec![v4, v6])
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether a call may go to this address. An address of IPv4 that IPv6 carries is judged as what it is.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|network| network.holds(address))
    }
}

impl FromStr for Networks {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        text.split([' ', ',', '\t'])
            .filter(|word| !word.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !SPECIAL_V4.iter().any(|(network, prefix)| within_v4(*network, *prefix, address))
        }
        IpAddr::V6(address) => {
            let within = |(network, prefix): &(Ipv6Addr, u8)| within_v6(*network, *prefix, address);
            within(&GLOBAL_V6) && !SPECIAL_V6.iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(networks: &Networks, text: &str) -> bool {
        networks.admit(text.parse().unwrap())
    }

    #[test]
    fn only_the_public_internet_is_called_unless_more_is_allowed() {
        let none = Networks::default();
        let inside = "0.0.0.0 0.1.2.3 10.0.0.7 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.9 169.254.169.254 \
                      172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 \
                      198.51.100.4 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 \
                      :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::a00:1 \
                      64:ff9b::808:808 64:ff9b:1::1 100::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 2001::1 2001:db8::1 \
                      2002:7f00:1:: 3fff::1 5f00::1";
        for address in inside.split_whitespace() {
            assert!(!admits(&none, address), "{address}");
        }
        let outside = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 223.255.0.1 \
                       200.147.3.157 ::ffff:8.8.8.8 2606:4700:4700::1111 2804:10:2::1 2a00:1450::1";
        for address in outside.split_whitespace() {
            assert!(admits(&none, address), "{address}");
        }
    }

    #[test]
    fn an_operator_allows_networks_by_name_and_no_more_than_those() {
        let clinic: Networks = "10.20.0.0/16 fd12:3456::/32, 192.168.0.9".parse().unwrap();
        for address in ["10.20.255.1", "::ffff:10.20.0.1", "fd12:3456:1::9", "192.168.0.9"] {
            assert!(admits(&clinic, address), "{address}");
        }
        for address in ["10.21.0.1", "fd12:3457::9", "192.168.0.8", "127.0.0.1", "169.254.169.254"] {
            assert!(!admits(&clinic, address), "{address}");
        }
        let here = Networks::this_host().and(clinic);
        assert!(admits(&here, "127.0.0.1") && admits(&here, "::1") && admits(&here, "10.20.0.1"));
        assert_eq!("".parse(), Ok(Networks::default()));
        for wrong in ["10.0.0.0/33", "fd00::/129", "10.0.0", "localhost", "10.0.0.0/", "10.0.0.0/-1", "/8"] {
            assert_eq!(wrong.parse::<Networks>(), Err(NoNetwork), "{wrong}");
        }
    }
}
