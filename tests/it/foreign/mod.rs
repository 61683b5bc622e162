//! Wearables built on MQTT clients that we did not write, each in both protocols, against the running program.
//! Runs when `ZELO_TEST_FOREIGN=1`, which `tests/run` sets after it installed them.

mod client;
mod mosquitto;
mod rumqtt;
mod ward;

use std::collections::BTreeSet;

use client::{Act, Client, Heard, Version};
use ward::{Bed, Ward};

use crate::support::lacks;
use crate::support::node::Device;

/// Reason codes of MQTT 5.
const COMMITTED: u8 = 0x00;
const NOT_AUTHORIZED: u8 = 0x87;
const BANNED: u8 = 0x8A;
const TAKEN_OVER: u8 = 0x8E;
const ADMINISTRATIVE: u8 = 0x98;
const INVALID: u8 = 0x99;
/// Instants set aside for one stream; with ten streams still within the five minutes that a clock may be ahead.
const STREAM: i64 = 20_000;
/// What a 3.1.1 device is told at CONNECT.
const REFUSED_311: u8 = 5;

#[test]
fn mosquitto_3_1_1_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Mosquitto, Version::V311);
}

#[test]
fn mosquitto_5_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Mosquitto, Version::V5);
}

#[test]
fn paho_3_1_1_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Paho, Version::V311);
}

#[test]
fn paho_5_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Paho, Version::V5);
}

#[test]
fn aiomqtt_3_1_1_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Aiomqtt, Version::V311);
}

#[test]
fn aiomqtt_5_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Aiomqtt, Version::V5);
}

#[test]
fn mqttjs_3_1_1_gets_what_the_contract_promises() {
    keeps_the_contract(Client::MqttJs, Version::V311);
}

#[test]
fn mqttjs_5_gets_what_the_contract_promises() {
    keeps_the_contract(Client::MqttJs, Version::V5);
}

#[test]
fn rumqttc_3_1_1_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Rumqttc, Version::V311);
}

#[test]
fn rumqttc_5_gets_what_the_contract_promises() {
    keeps_the_contract(Client::Rumqttc, Version::V5);
}

#[test]
fn mosquitto_sub_may_listen_to_its_own_topics_only() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let ward = Ward::enter();
    let (own, other) = (&ward.bed().device, &ward.refusing_bed().device);
    let topics =
        [client::topic(own, "notices"), client::topic(own, "commands"), client::topic(other, "notices")];
    assert_eq!(mosquitto::subscribed(&ward, own, Version::V5, &topics), [1, 1, NOT_AUTHORIZED]);
    assert_eq!(mosquitto::subscribed(&ward, own, Version::V311, &topics), [1, 1, 0x80]);
}

fn keeps_the_contract(client: Client, version: Version) {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let ward = Ward::enter();
    let wearable = Wearable { ward: &ward, client, version };
    wearable.an_accepted_reading_comes_back();
    wearable.a_malformed_payload_is_refused();
    wearable.without_consent_it_is_refused();
    wearable.a_thousand_at_once_are_all_acknowledged();
    wearable.a_second_session_takes_over();
    wearable.a_revoked_token_ends_its_session();
    wearable.a_revocation_ends_the_stream();
}

/// One client in one protocol.
struct Wearable<'a> {
    ward: &'a Ward,
    client: Client,
    version: Version,
}

impl Wearable<'_> {
    fn an_accepted_reading_comes_back(&self) {
        let (bed, at) = (self.ward.bed(), self.ward.instant());
        let heard = self.publish(bed, vec![payload(at, 93)], 0);
        assert_eq!(connack(&heard), Some(COMMITTED), "{heard:?}");
        self.assert_acks(&heard, 1, |code, _reason| code == COMMITTED);
        let readings = self.ward.readings(bed, at, 1);
        assert_eq!(readings.len(), 1, "{readings:?}");
        assert_eq!(readings[0]["value"].as_f64(), Some(93.0));
        assert_eq!(readings[0]["device_id"], bed.device.device_id.as_str());
    }

    fn a_malformed_payload_is_refused(&self) {
        let heard = self.publish(self.ward.bed(), vec!["{\"ts\": 17".into()], 1);
        self.assert_acks(&heard, 1, |code, reason| {
            code == INVALID && reason.is_none_or(|why| !why.is_empty())
        });
        self.assert_notice(&heard);
    }

    fn without_consent_it_is_refused(&self) {
        let bed = self.ward.refusing_bed();
        let heard = self.publish(bed, vec![payload(self.ward.instant(), 94)], 1);
        assert_eq!(connack(&heard), Some(COMMITTED), "a device without a permit may connect: {heard:?}");
        self.assert_acks(&heard, 1, |code, reason| {
            code == NOT_AUTHORIZED && reason.is_none_or(|why| why.starts_with("E_") && why.contains("LGPD"))
        });
        self.assert_notice(&heard);
        let answer = self
            .ward
            .clinician
            .get(&format!("/api/v1/patients/{}/readings?signal=spo2", bed.device.patient_id));
        assert_eq!(answer.status, 403, "never an empty list: {answer:?}");
    }

    fn a_thousand_at_once_are_all_acknowledged(&self) {
        let count = i64::try_from(client::BURST).unwrap();
        let (bed, first) = (self.ward.bed(), self.ward.instants(count));
        let payloads = (first..first + count).map(|at| payload(at, 96)).collect();
        let heard = self.publish(bed, payloads, 0);
        self.assert_acks(&heard, client::BURST, |code, _reason| code == COMMITTED);
        assert_eq!(self.ward.readings(bed, first, count).len(), client::BURST);
        let most = heard.iter().find_map(|one| match one {
            Heard::Flight { most } => Some(*most),
            _ => None,
        });
        let most = most.expect("the client counts what is in flight");
        if self.client.ignores_receive_maximum() {
            assert!(most > client::RECEIVE_MAXIMUM, "{most} in flight at the most");
        } else if self.version == Version::V5 {
            assert!(most <= client::RECEIVE_MAXIMUM, "{most} in flight at the most");
        }
    }

    fn a_second_session_takes_over(&self) {
        let bed = self.ward.bed();
        let mut first = self.client.start(self.ward, &bed.device, self.version, Act::Hold);
        let begun = first.until(|heard| !matches!(heard, Heard::Connack { .. }) || !self.client.listens());
        assert_eq!(connack(&begun), Some(COMMITTED), "{begun:?}");
        let second = self.publish(bed, vec![payload(self.ward.instant(), 95)], 0);
        self.assert_acks(&second, 1, |code, _reason| code == COMMITTED);
        if self.client.stays_away(self.version) {
            self.assert_told(&first.rest(), TAKEN_OVER);
        } else {
            // It was ended, since it comes back.
            first.until(|heard| matches!(heard, Heard::Connack { .. }));
        }
    }

    fn a_revoked_token_ends_its_session(&self) {
        let (device, token) = self.ward.another_token(self.ward.bed());
        let mut live = self.client.start(self.ward, &device, self.version, Act::Hold);
        let begun = live.until(|heard| !matches!(heard, Heard::Connack { .. }) || !self.client.listens());
        assert_eq!(connack(&begun), Some(COMMITTED), "{begun:?}");
        self.ward.revoke_token(&device, &token);
        if self.client.stays_away(self.version) {
            self.assert_told(&live.rest(), NOT_AUTHORIZED);
        } else {
            // It was ended, since it comes back, and is not let in.
            live.until(|heard| matches!(heard, Heard::Connack { code: REFUSED_311 }));
        }
        self.assert_refused(&device);
        // The other valid token still opens a session.
        let heard = self.publish(self.ward.bed(), vec![payload(self.ward.instant(), 92)], 0);
        self.assert_acks(&heard, 1, |code, _reason| code == COMMITTED);
    }

    fn a_revocation_ends_the_stream(&self) {
        let (bed, first) = (self.ward.bed(), self.ward.instants(STREAM));
        let mut stream = self.client.start(self.ward, &bed.device, self.version, Act::Stream { first });
        let mut heard = vec![];
        while heard.iter().filter(|one| matches!(one, Heard::Puback { .. })).count() < 50 {
            heard.push(stream.next());
        }
        self.ward.revoke(bed);
        heard.extend(stream.rest());
        assert!(heard.contains(&Heard::Closed), "the device was not disconnected");
        let acks = acks(&heard);
        let committed = acks.iter().take_while(|(code, _)| code.is_none_or(|code| code == COMMITTED)).count();
        for (code, reason) in &acks[committed..] {
            assert_eq!(*code, Some(NOT_AUTHORIZED));
            assert!(reason.as_deref().is_none_or(|why| why.starts_with("E_REVOKED")), "{reason:?}");
        }
        self.assert_told(&heard, ADMINISTRATIVE);
        self.assert_refused(&bed.device);

        self.ward.grant(bed);
        let stored = self.ward.readings(bed, first, STREAM);
        let instants: BTreeSet<String> = stored.iter().map(|reading| reading["at"].to_string()).collect();
        assert_eq!(instants.len(), stored.len(), "nothing is stored twice");
        if self.version == Version::V5 && self.client.tells_codes() {
            assert!(stored.len() >= committed, "{committed} acknowledged, {} stored", stored.len());
            let unheard = stored.len() - committed;
            assert!(unheard <= client::WINDOW, "{unheard} stored without an acknowledgement");
        } else {
            assert!(stored.len() >= 50 - client::WINDOW, "{} stored", stored.len());
        }
    }

    fn publish(&self, bed: &Bed, payloads: Vec<String>, notices: usize) -> Vec<Heard> {
        let act = Act::Publish { payloads, notices };
        self.client.start(self.ward, &bed.device, self.version, act).rest()
    }

    /// A device that may not connect is told so.
    fn assert_refused(&self, device: &Device) {
        let refused = self.client.start(self.ward, device, self.version, Act::Hold).rest();
        let expected = if self.version == Version::V5 {
            vec![NOT_AUTHORIZED, BANNED]
        } else {
            vec![REFUSED_311, NOT_AUTHORIZED]
        };
        assert!(connack(&refused).is_some_and(|code| expected.contains(&code)), "{refused:?}");
    }

    /// As many acknowledgements as messages; where the client tells their codes, each is as `good` says.
    fn assert_acks(&self, heard: &[Heard], count: usize, good: impl Fn(u8, Option<&str>) -> bool) {
        let acks = acks(heard);
        assert_eq!(acks.len(), count, "{:?} {:?}: {heard:?}", self.client, self.version);
        for (code, reason) in acks {
            let told = self.version == Version::V5 && self.client.tells_codes();
            assert_eq!(code.is_some(), told, "{heard:?}");
            assert!(code.is_none_or(|code| good(code, reason.as_deref())), "{code:?} {reason:?}");
        }
    }

    /// The device was told why on its notices: the only way to tell a 3.1.1 device.
    fn assert_notice(&self, heard: &[Heard]) {
        if !self.client.listens() {
            return;
        }
        let notice = heard.iter().find_map(|one| match one {
            Heard::Notice { body } => Some(body),
            _ => None,
        });
        let notice = notice.unwrap_or_else(|| panic!("no notice: {heard:?}"));
        assert!(notice["code"].as_str().is_some_and(|code| code.starts_with("E_")), "{notice}");
        assert_eq!(notice["payload_sha256"].as_str().map(str::len), Some(64), "{notice}");
    }

    /// A 5 device was told why its session ended; 3.1.1 has no word for it, and aiomqtt keeps most to itself.
    fn assert_told(&self, heard: &[Heard], code: u8) {
        let told = heard.iter().find_map(|one| match one {
            Heard::Disconnect { code } if self.client.tells_codes() => Some(*code),
            _ => None,
        });
        let expected = (self.version == Version::V5 && self.client.tells_codes()).then_some(code);
        assert_eq!(told, expected, "{:?} {:?}", self.client, self.version);
    }
}

/// One reading of oxygen saturation, which no seeded rule judges.
fn payload(at: i64, value: u8) -> String {
    format!("{{\"ts\": {at}, \"values\": {{\"spo2\": {value}}}}}")
}

fn connack(heard: &[Heard]) -> Option<u8> {
    heard.iter().find_map(|one| match one {
        Heard::Connack { code } => Some(*code),
        _ => None,
    })
}

fn acks(heard: &[Heard]) -> Vec<(Option<u8>, Option<String>)> {
    let ack = |one: &Heard| match one {
        Heard::Puback { code, reason } => Some((*code, reason.clone())),
        _ => None,
    };
    heard.iter().filter_map(ack).collect()
}
