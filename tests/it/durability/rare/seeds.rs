//! Everything personal or measured that the house can be told, once each, and the forms in which it might lie on disk.

use std::sync::Mutex;

use consent::{Context, Datum, Giver, Purpose, Request};
use domain::alerts::Act as OnAlert;
use domain::attachments::{FileName, MediaType};
use domain::{AlertId, Clock, DeviceIdentity, Outcome, PatientIdentity, Role, StaffIdentity};
use store::attachments::NewAttachment;
use store::db::idempotency;
use store::devices::{self, commands, status};
use store::patients::audience::Audience;
use store::people::{links, sessions, throttles, users};
use store::readings::quarantine;
use store::{Act, Actor, Result, Tx, View, alerts, consents, patients};

use crate::support::clinic::{Bed, CPF, Clinic, EMAIL, NAME};

/// Few digits, so that it has few forms, and enough of them that no form is mostly zeros.
pub(super) const RARE: f64 = 173.406_287_31;
const SCALED: u64 = 17_340_628_731;
/// For an instant that has a value already.
pub(super) const ANOTHER: f64 = 174.406_287_31;
pub(super) const IMPLAUSIBLE: f64 = 17_340.628_713_93;
/// Before [`SCALED`], in CBOR: a decimal fraction of eight digits with an integer of eight bytes (RFC 8949 §3.4.4).
const DECIMAL: [u8; 4] = [0xc4, 0x82, 0x27, 0x1b];
const PHONE: &str = "+5511987650173";
const CNS: &str = "700000000000005";
const STAFF: &str = "Hermenegilda Ypiranga Quaresma";
const STAFF_EMAIL: &str = "hermenegilda.quaresma@clinica.invalid";
const ADDRESS: &str = "203.0.113.173";
const TOTP: &[u8] = b"Totp-Xavantina-Secret";
const KEY: &str = "chave-de-xavantina-173";
const SERIAL: &str = "SN-XAVANTINA-173";

/// One sentence for each place where somebody writes freely.
const WORDS: [&str; 14] = [
    "nota do alerta: desmaiou na feira de Xique-Xique",
    "motivo da liberacao: pulseira emprestada ao vizinho",
    "motivo do descarte: crianca brincou com o sensor",
    "comando: mostre o recado de Quiteria",
    "resposta: recado mostrado a Quiteria",
    "estado: pulseira esquecida na casa de Xique-Xique",
    "corpo repetido: consulta com a oncologista",
    "resposta guardada: consulta com a oncologista",
    "prova: digitou Quiteria Z. Xavantina",
    "rotulo: pulseira da avo Quiteria",
    "detalhe do registro: visto pela vizinha",
    "nome do arquivo: laudo da oncologista de Xavantina",
    "bytes do arquivo: nodulo de 12 mm, pede biopsia",
    "motivo da remocao: laudo da irma de Quiteria",
];

/// What the program itself made up while it was seeded: secrets and hashes.
#[derive(Default)]
pub(super) struct MadeUp(Mutex<Vec<(String, Vec<u8>)>>);

impl MadeUp {
    fn note(&self, what: &str, bytes: &[u8]) {
        self.0.lock().unwrap().push((what.into(), bytes.to_vec()));
    }

    /// Everything that must not be found.
    pub(super) fn needles(self, payloads: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
        let digits: Vec<String> =
            CPF.as_bytes().chunks(3).map(|part| String::from_utf8_lossy(part).into()).collect();
        let cpf = format!("{}.{}.{}-{}", digits[0], digits[1], digits[2], digits[3]);
        let single = f32::from_bits(0x432d_6802);
        assert!((f64::from(single) - RARE).abs() < 0.000_01);
        let mut needles = self.0.into_inner().unwrap();
        let mut add = |what: &str, bytes: &[u8]| needles.push((what.into(), bytes.to_vec()));
        add("the value as text", RARE.to_string().as_bytes());
        add("the value as a scaled integer in text", SCALED.to_string().as_bytes());
        add("the value, big-endian", &RARE.to_be_bytes());
        add("the value, little-endian", &RARE.to_le_bytes());
        add("the value as a CBOR double", &[&[0xfb][..], &RARE.to_be_bytes()].concat());
        add("the value as a CBOR single", &[&[0xfa][..], &single.to_be_bytes()].concat());
        add("the value as a CBOR decimal", &[&DECIMAL[..], &SCALED.to_be_bytes()].concat());
        add("the value as a scaled integer, big-endian", &SCALED.to_be_bytes());
        add("the value as a scaled integer, little-endian", &SCALED.to_le_bytes());
        add("another value for the same instant", ANOTHER.to_string().as_bytes());
        add("another value, big-endian", &ANOTHER.to_be_bytes());
        add("another value, little-endian", &ANOTHER.to_le_bytes());
        add("an implausible value as text", IMPLAUSIBLE.to_string().as_bytes());
        add("an implausible value, big-endian", &IMPLAUSIBLE.to_be_bytes());
        add("an implausible value, little-endian", &IMPLAUSIBLE.to_le_bytes());
        for part in [NAME, "Xavantina", STAFF, "Quaresma", EMAIL, STAFF_EMAIL, "1980-05-04"] {
            add("a name, an address or a birth date", part.as_bytes());
        }
        for part in [CPF, &cpf, CNS, PHONE, "11987650173", ADDRESS, KEY, SERIAL, "PAYLOAD-XAVANTINA"] {
            add("a document, a telephone number, an address, a key or a serial number", part.as_bytes());
        }
        add("a second factor", TOTP);
        WORDS.iter().for_each(|words| add("free words", &words.as_bytes()[..28]));
        for payload in payloads {
            let hash = audit::merkle::sha256(payload);
            add("the hash of a payload", &hash);
        }
        for guessable in [CPF, EMAIL, STAFF_EMAIL, PHONE, CNS, ADDRESS, KEY, WORDS[6], WORDS[12]] {
            add("the hash of what can be guessed", &audit::merkle::sha256(guessable.as_bytes()));
        }
        needles
    }
}

/// Tells the house one of each.
pub(super) fn seed(clinic: &Clinic, bed: &Bed, alert: AlertId) -> MadeUp {
    let made_up = MadeUp::default();
    let now = Clock::System.now();
    let write = |what: &dyn Fn(&mut Tx<'_>) -> Result<()>| {
        clinic.store.write(Actor::Operator, now, |tx| what(tx)).unwrap()
    };

    write(&|tx| {
        let identity = PatientIdentity {
            name: NAME.parse().unwrap(),
            birth_date: chrono::NaiveDate::from_ymd_opt(1980, 5, 4).unwrap(),
            cpf: None,
            cns: Some(CNS.parse().unwrap()),
            email: Some(EMAIL.parse().unwrap()),
            phone: Some(PHONE.parse().unwrap()),
        };
        let (zone, language) = ("America/Sao_Paulo".into(), "pt-BR".into());
        patients::insert(tx, &patients::Details { identity, zone, language })?;
        let serial = Some(SERIAL.into());
        let identity = DeviceIdentity { label: WORDS[9].into(), model: "Z1".into(), serial };
        devices::insert(tx, &identity).map(drop)
    });
    write(&|tx| {
        let identity = StaffIdentity { name: STAFF.parse().unwrap(), email: STAFF_EMAIL.parse().unwrap() };
        let new = users::NewUser { identity, role: Role::Clinician, password: None, patient: None };
        let user = users::insert(tx, &new)?;
        users::set_totp(tx, user.id, Some(TOTP), None)?;
        let link = links::insert(tx, user.id, links::Purpose::Password, std::time::Duration::from_secs(600))?;
        made_up.note("a one-time link", link.reveal().as_bytes());
        let (_, secret) = sessions::create(tx, user.id, sessions::Kind::Browser)?;
        made_up.note("a session's secret", secret.reveal().as_bytes());
        let tried = throttles::Tried { account: STAFF_EMAIL, network: ADDRESS, browser: None };
        for _ in 0..30 {
            throttles::failed(tx, tried)?;
        }
        let acted = alerts::acted(tx, alert, user.id, OnAlert::Ack, Some(WORDS[0]));
        assert!(acted.is_ok());
        let resolve = OnAlert::Resolve { outcome: Outcome::FalseAlarm };
        assert!(alerts::acted(tx, alert, user.id, resolve, Some(WORDS[0])).is_ok());
        let visible = Audience::operator().alert(tx, alert)?;
        let name = FileName::of(WORDS[11], MediaType::Text);
        let bytes = WORDS[12].as_bytes();
        let file = NewAttachment { name: &name, media: MediaType::Text, bytes };
        alerts::attachments::attach(tx, visible, &file)?;
        let twice = bytes.repeat(20_000);
        let file = NewAttachment { name: &name, media: MediaType::Text, bytes: &twice };
        let (gone, _) = alerts::attachments::attach(tx, visible, &file)?;
        let gone = Audience::operator().attachment(tx, gone.id.into())?;
        alerts::attachments::detach(tx, visible, gone, &WORDS[13].into())?;
        Ok(())
    });
    write(&|tx| {
        let id = commands::insert(
            tx,
            bed.device,
            &serde_json::json!({ "show": WORDS[3] }),
            tx.now().plus(commands::LASTS),
        )?;
        commands::reply(tx, bed.device, id, &serde_json::json!({ "done": WORDS[4] }))?;
        status::report(tx, bed.device, WORDS[5].as_bytes())?;
        let call = idempotency::Call {
            actor: "operator",
            route: "POST /api/v1/patients",
            key: KEY,
            body: WORDS[6].as_bytes(),
        };
        let answer = idempotency::Answer { status: 201, body: WORDS[7].as_bytes().to_vec() };
        idempotency::insert(tx, &call, store::Subject::Patient(bed.patient), &answer)?;
        let proof = serde_json::json!({ "typed": WORDS[8] });
        let hand = consents::Hand { giver: Giver::Subject, evidence: Some(proof) };
        consents::revoke(tx, bed.patient, Purpose::AlertEscalate, &hand)?;
        let body = serde_json::json!({ "who": WORDS[10], "reading": RARE });
        tx.audit(&Act::new("access.reveal").patient(bed.patient).body(body))
    });
    let waiting = clinic.store.read(|view| aside(view, bed)).unwrap();
    assert!(waiting.len() >= 2, "a conflict and an implausible value were set aside");
    for reading in waiting.iter().filter_map(|item| item.reading.as_ref()) {
        assert!(
            [ANOTHER, IMPLAUSIBLE].contains(&reading.value),
            "kept as it was sent, or the wrong bytes are sought"
        );
    }
    write(&|tx| {
        quarantine::decide(tx, &waiting[0], bed.patient, true, WORDS[1])?;
        quarantine::decide(tx, &waiting[1], bed.patient, false, WORDS[2])
    });
    made_up
}

fn aside(view: &mut View<'_>, bed: &Bed) -> Result<Vec<quarantine::Item>> {
    let ledger = consents::ledger::of(view, bed.patient_key)?;
    let context = Context { data: &[Datum::Reading], ..Context::system(Clock::System.now().micros()) };
    let (bases, subject) = (consent::Bases::default(), consent::Subject::default());
    let request = Request { bases: &bases, records: &ledger, subject: &subject, context: &context };
    let permits = (consent::decide(&request).unwrap(), consent::decide(&request).unwrap());
    quarantine::waiting(view, &permits.0, &permits.1, bed.patient_key, 10)
}

/// The same value once in every format that devices speak; the last two without an instant of their own.
pub(super) fn payloads(at: i64) -> Vec<Vec<u8>> {
    let at = |n: i64| at + n * 1_000;
    let seconds = |n: i64| at(n) / 1_000;
    let rfc3339 = |n: i64| domain::Instant::from_millis(at(n)).rfc3339();
    let openmhealth = serde_json::json!({
        "header": { "id": "243c773b-8936-407e-9c23-270d0ea49cc4", "schema_id": { "namespace": "omh", "name": "heart-rate", "version": "2.0" } },
        "body": { "heart_rate": { "value": RARE, "unit": "beats/min" }, "effective_time_frame": { "date_time": rfc3339(0) } },
    });
    let fhir = serde_json::json!({
        "resourceType": "Observation", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
        "effectiveDateTime": rfc3339(1),
        "valueQuantity": { "value": RARE, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" },
    });
    let senml = format!(r#"[{{"n":"heart_rate","u":"beat/min","t":{},"v":{RARE}}}]"#, seconds(2));
    let time = u32::try_from(seconds(3)).unwrap().to_be_bytes();
    let cbor = |value: &[u8]| {
        // [{0: "heart_rate", 6: time, 2: value}]
        [&[0x81, 0xa3, 0x00, 0x6a][..], b"heart_rate", &[0x06, 0x1a], &time, &[0x02], value].concat()
    };
    let double = [&[0xfb][..], &RARE.to_be_bytes()].concat();
    let decimal = [&DECIMAL[..], &SCALED.to_be_bytes()].concat();
    vec![
        openmhealth.to_string().into_bytes(),
        fhir.to_string().into_bytes(),
        senml.into_bytes(),
        cbor(&double),
        cbor(&decimal),
        format!(r#"{{"heart_rate":{RARE}}}"#).into_bytes(),
        format!(r#"{{"PAYLOAD-XAVANTINA":1,"spo2":"{RARE}"}}"#).into_bytes(),
    ]
}
