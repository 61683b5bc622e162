//! The stream from the outside, read line by line.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::*;
use store::patients::audience::Audience;
use store::privacy::pseudonyms;

struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(house: &House, who: &str, last: Option<&str>) -> Self {
        let address = house.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        write!(socket, "GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nAuthorization: {who}\r\n{last}\r\n")
            .unwrap();
        let mut stream = Self(BufReader::new(socket));
        assert!(stream.line().unwrap().starts_with("HTTP/1.1 200"));
        stream.until("retry:");
        stream
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(n) if n > 0 => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    /// The first line that begins so.
    fn until(&mut self, start: &str) -> String {
        loop {
            let line = self.line().unwrap_or_else(|| panic!("the stream ended before `{start}`"));
            if line.starts_with(start) {
                return line;
            }
        }
    }

    fn event(&mut self) -> (String, Value) {
        let name = self.until("event: ").trim_start_matches("event: ").to_owned();
        let data = self.until("data: ");
        (name, serde_json::from_str(data.trim_start_matches("data: ")).unwrap())
    }
}

#[test]
fn a_listener_hears_names_and_ids_of_what_its_role_may_know() {
    for house in houses() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let mut clinician = Stream::open(&house, &house.staff(Role::Clinician), None);
        let reader = house.user(Role::Auditor, None);
        let mut auditor = Stream::open(&house, &house.enter(reader, Role::Auditor), None);
        let id = json!(ana.id);
        let mut hears = |name: &str| {
            let (heard, data) = clinician.event();
            assert_eq!((heard.as_str(), &data["patient_id"]), (name, &id));
        };
        // Heard before she is blocked: from then on it is nobody's to know.
        house.home.announce("readings.changed", ana.id);
        hears("readings.changed");
        house.write(|tx| {
            patients::block(tx, ana.id, true)?;
            tx.signal("consent.changed", ana.id)
        });
        hears("patient.changed");
        hears("consent.changed");
        let known = house.home.read(|view| pseudonyms::of(view, reader, ana.id)).unwrap();
        let (heard, data) = auditor.event();
        assert_eq!((heard.as_str(), &data["patient_id"]), ("consent.changed", &json!(known)));
        assert_ne!(known, ana.id, "an auditor hears a pseudonym");
    }
}

#[test]
fn that_a_patient_has_readings_is_told_to_whoever_may_see_them_and_to_nobody_else() {
    for house in houses() {
        let ana = house.patient("Ana");
        let bia = house.write(|tx| {
            let mut identity = patients::get(tx, &Audience::program(), ana.id)?.identity.unwrap();
            identity.cpf = None;
            let (zone, language) = ("America/Sao_Paulo".to_owned(), "pt-BR".to_owned());
            patients::insert(tx, &patients::Details { identity, zone, language })
        });
        house.grant_all(ana.id);
        house.grant_all(bia.id);
        let who = house.staff(Role::Clinician);
        let mut clinician = Stream::open(&house, &who, None);
        let me = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
        let mut own = Stream::open(&house, &me, None);
        let measure = |patient: PatientId| {
            house.write(|tx| {
                tx.audit(&store::Act::new("admin.config"))?;
                tx.signal("readings.changed", patient)
            });
        };
        measure(ana.id);
        let heard = |stream: &mut Stream, name: &str, patient: PatientId| {
            let (event, data) = stream.event();
            assert_eq!((event.as_str(), &data["patient_id"]), (name, &json!(patient)));
        };
        heard(&mut clinician, "readings.changed", ana.id);
        let seen = house.home.read(store::live::signals::newest).unwrap();
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        measure(ana.id);
        measure(bia.id);
        heard(&mut clinician, "consent.changed", ana.id);
        heard(&mut clinician, "readings.changed", bia.id);
        // What was missed follows the same law.
        let mut back = Stream::open(&house, &who, Some(&seen.to_string()));
        heard(&mut back, "consent.changed", ana.id);
        heard(&mut back, "readings.changed", bia.id);
        // Their own readings are theirs to see.
        for name in ["readings.changed", "consent.changed", "readings.changed"] {
            heard(&mut own, name, ana.id);
        }
        let agent = house.staff(Role::Agent);
        let term = house.term(&agent, "alert.evaluate");
        let again = json!({ "purpose": "alert.evaluate", "action": "grant", "term_sha256": term });
        house.post(&agent, &format!("/api/v1/patients/{}/consents", ana.id), &again).must(201);
        measure(ana.id);
        heard(&mut clinician, "consent.changed", ana.id);
        heard(&mut clinician, "readings.changed", ana.id);
    }
}

#[test]
fn a_listener_that_comes_back_hears_what_it_missed_and_an_unknown_one_starts_anew() {
    for house in houses() {
        let who = house.staff(Role::Clinician);
        let first = house.patient("Ana");
        let mut stream = Stream::open(&house, &who, None);
        house.write(|tx| patients::block(tx, first.id, true));
        let id = stream.until("id: ");
        let id = loop {
            let next = stream.line().unwrap();
            if next.starts_with("event: patient.changed") {
                break id;
            }
            if let Some(newer) = next.strip_prefix("id: ") {
                break newer.to_owned();
            }
        };
        drop(stream);
        house.write(|tx| patients::block(tx, first.id, false));
        let mut back = Stream::open(&house, &who, Some(id.trim_start_matches("id: ")));
        assert_eq!(back.event().0, "patient.changed");
        let mut lost = Stream::open(&house, &who, Some("999999"));
        assert_eq!(lost.event().0, "reset");
        let mut odd = Stream::open(&house, &who, Some("never"));
        assert_eq!(odd.event().0, "reset");
    }
}

#[test]
fn a_listener_between_two_commits_hears_the_later_one_although_it_began_first() {
    for house in houses() {
        let store::Url::Postgres(_) = house.home.url() else { continue };
        let who = house.staff(Role::Clinician);
        let (slow, quick) = (PatientId::new(NOW), PatientId::new(NOW));
        let say = |store: &Store, patient: PatientId, before_commit: &mut dyn FnMut()| {
            let recorded = store.keep_house(store::Urgency::Urgent, "test", NOW, |tx| {
                tx.signal("patient.changed", patient)?;
                before_commit();
                Ok(())
            });
            recorded.unwrap();
        };
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel();
        let store = (*house.home).clone();
        let first = std::thread::spawn(move || {
            say(&store, slow, &mut || {
                begun.send(()).unwrap();
                may_go.recv().unwrap();
            });
        });
        has_begun.recv().unwrap();
        say(&house.home, quick, &mut || ());
        let seen = house.home.read(store::live::signals::newest).unwrap();
        let mut fresh = Stream::open(&house, &who, None);
        fresh.until("id: ");
        let mut back = Stream::open(&house, &who, Some(&seen.to_string()));
        go.send(()).unwrap();
        first.join().unwrap();
        for stream in [&mut fresh, &mut back] {
            assert_eq!(stream.event().1["patient_id"], json!(slow));
        }
    }
}

#[test]
fn a_stream_ends_with_its_session_and_with_the_server() {
    let mut house = houses().remove(0);
    let user = house.user(Role::Clinician, None);
    let mut one = Stream::open(&house, &house.enter(user, Role::Clinician), None);
    let mut two = Stream::open(&house, &house.staff(Role::Manager), None);
    house.write(|tx| sessions::kill_all(tx, user, "admin"));
    while one.line().is_some() {}
    let begun = std::time::Instant::now();
    let running = house.running.take().unwrap();
    house.runtime.block_on(running.stop());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    while two.line().is_some() {}
}
