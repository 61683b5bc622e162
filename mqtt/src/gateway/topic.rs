//! Which topics a device owns. Everything else is foreign: nothing is routed between devices.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

const ROOT: &str = "zelo/v1/devices/";
const ALIAS_TELEMETRY: &str = "v1/devices/me/telemetry";

/// Where a device may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Up {
    Telemetry,
    Status,
    Replies,
}

/// Where a device may listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Down {
    Commands,
    Notices,
}

impl Up {
    /// What this topic is to this device; `None` when it is not its own.
    pub(crate) fn parse(topic: &str, device: Uuid) -> Option<Self> {
        if topic == ALIAS_TELEMETRY {
            return Some(Self::Telemetry);
        }
        match own_leaf(topic, device)? {
            "telemetry" => Some(Self::Telemetry),
            "status" => Some(Self::Status),
            "replies" => Some(Self::Replies),
            _ => None,
        }
    }
}

impl Down {
    /// What this filter is to this device; `None` for foreign, wildcard and shared ones.
    pub(crate) fn parse(filter: &str, device: Uuid) -> Option<Self> {
        match own_leaf(filter, device)? {
            "commands" => Some(Self::Commands),
            "notices" => Some(Self::Notices),
            _ => None,
        }
    }

    /// The topic, as the device's id is written in lower case.
    pub(crate) fn topic(self, device: Uuid) -> String {
        let leaf = match self {
            Self::Commands => "commands",
            Self::Notices => "notices",
        };
        format!("{ROOT}{}/{leaf}", device.hyphenated())
    }
}

fn own_leaf(topic: &str, device: Uuid) -> Option<&str> {
    let (id, leaf) = topic.strip_prefix(ROOT)?.split_at_checked(Hyphenated::LENGTH)?;
    let mut own = Uuid::encode_buffer();
    let own = device.hyphenated().encode_lower(&mut own);
    if !id.eq_ignore_ascii_case(own) {
        return None;
    }
    leaf.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: Uuid = Uuid::from_u128(0x0199_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0001);

    #[test]
    fn a_device_owns_its_five_topics_and_the_alias() {
        let own = |leaf: &str| format!("zelo/v1/devices/{DEVICE}/{leaf}");
        assert_eq!(Up::parse(&own("telemetry"), DEVICE), Some(Up::Telemetry));
        assert_eq!(Up::parse(&own("telemetry").replace("aaaa", "AAAA"), DEVICE), Some(Up::Telemetry));
        assert_eq!(Up::parse("v1/devices/me/telemetry", DEVICE), Some(Up::Telemetry));
        assert_eq!(Up::parse(&own("status"), DEVICE), Some(Up::Status));
        assert_eq!(Up::parse(&own("replies"), DEVICE), Some(Up::Replies));
        assert_eq!(Down::parse(&own("commands"), DEVICE), Some(Down::Commands));
        assert_eq!(Down::parse(&Down::Notices.topic(DEVICE), DEVICE), Some(Down::Notices));
    }

    #[test]
    fn everything_else_is_foreign() {
        let foreign = [
            String::new(),
            "#".into(),
            format!("zelo/v1/devices/{}/telemetry", Uuid::from_u128(7)),
            format!("zelo/v1/devices/{DEVICE}/telemetry/"),
            format!("zelo/v1/devices/{DEVICE}/commands"),
            format!("zelo/v1/devices/{DEVICE}"),
            format!("/zelo/v1/devices/{DEVICE}/telemetry"),
            "zelo/v1/devices/ééééééééééééééééééé/telemetry".into(),
        ];
        for topic in foreign {
            assert_eq!(Up::parse(&topic, DEVICE), None, "{topic}");
        }
        for filter in [
            "zelo/v1/devices/+/commands",
            "$share/g/zelo/v1/devices/x/commands",
            "v1/devices/me/rpc/request/+",
        ] {
            assert_eq!(Down::parse(filter, DEVICE), None, "{filter}");
        }
    }
}
