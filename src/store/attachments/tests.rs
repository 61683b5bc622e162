//! Files on an alert's case, on both backends.

use diesel::prelude::*;

use super::content::{self, PIECE};
use super::{Attachment, NewAttachment, download, get, of};
use crate::alerts::attachments::{attach, detach};
use crate::db::schema::{attachment_pieces, attachments, looks};
use crate::keys::seal::Broken;
use crate::on_call::testing::person;
use crate::patients::Patient;
use crate::patients::audience::{Audience, Visible};
use crate::testing::{NOW, entries, grant_calls, stores};
use crate::tests::{act, patient};
use crate::{Actor, Class, Error, Keyed, Store, Subject, Urgency, alerts, keys};
use domain::alerts::Level;
use domain::attachments::{AttachedTo, FileName, MOST_BYTES, MediaType};
use domain::{AlertId, AttachmentId, Role, Rule, UserId};
use rules::{Change, Episode, Finding};

/// Maria, her alert, and who works on it.
struct Case {
    maria: Patient,
    alert: Visible<AlertId>,
    ana: Actor,
    agent: Actor,
}

fn raise(store: &Store, patient: &Patient) -> AlertId {
    let rule = &Rule::seeds()[0];
    let opened = Change::Opened { level: Level::Red, started_at: NOW, at: NOW };
    let episode = Episode::opened(rule, &opened).unwrap();
    let finding = Finding::of(rule, Level::Red, &[]);
    act(store, |tx| {
        grant_calls(tx, patient.id)?;
        alerts::open(tx, Keyed { key: patient.key, id: patient.id }, rule, &episode, &finding, false)
    })
    .unwrap()
}

impl Case {
    fn new(store: &Store) -> Self {
        let maria = patient(store, "Maria");
        let alert = raise(store, &maria);
        let alert = store.read(|view| Audience::program().alert(view, alert)).unwrap();
        let user = |role: Role| Actor::User { id: person(store, role), role };
        Self { maria, alert, ana: user(Role::Clinician), agent: user(Role::Agent) }
    }

    fn to(&self) -> AttachedTo {
        AttachedTo::Alert(self.alert.id())
    }

    fn try_attach(&self, store: &Store, who: Actor, bytes: &[u8]) -> crate::Result<(Attachment, bool)> {
        let name = FileName::of("relato da vizinha.txt", MediaType::Text);
        let file = NewAttachment { name: &name, media: MediaType::Text, bytes };
        store.write(who, NOW, |tx| attach(tx, self.alert, &file))
    }

    fn attach(&self, store: &Store, bytes: &[u8]) -> Attachment {
        self.try_attach(store, self.agent, bytes).unwrap().0
    }

    fn seen(&self, store: &Store, id: AttachmentId) -> Visible<AttachmentId> {
        store.read(|view| Audience::program().attachment(view, id.into())).unwrap()
    }

    fn detach(&self, store: &Store, who: Actor, id: AttachmentId) -> crate::Result<Attachment> {
        let file = self.seen(store, id);
        store.write(who, NOW, |tx| detach(tx, self.alert, file, &"da paciente errada".into()))
    }
}

fn bytes_of(store: &Store, file: &Attachment) -> crate::Result<Vec<u8>> {
    let parts = (0..content::pieces(file)).map(|place| store.read(|view| content::piece(view, file, place)));
    Ok(parts.collect::<crate::Result<Vec<_>>>()?.concat())
}

#[test]
fn a_file_comes_back_whole_from_pieces_of_a_bounded_size() {
    for store in stores() {
        let case = Case::new(&store);
        for size in [1, PIECE - 1, PIECE, PIECE + 1, MOST_BYTES] {
            let bytes: Vec<u8> = (0..size).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
            let file = case.attach(&store, &bytes);
            assert_eq!(usize::try_from(content::pieces(&file)).unwrap(), size.div_ceil(PIECE));
            assert!(bytes_of(&store, &file).unwrap() == bytes, "{size}");
            assert_eq!(file.name.as_deref(), Some("relato da vizinha.txt"));
            let after = content::pieces(&file);
            assert!(store.read(|view| content::piece(view, &file, after)).is_err());
        }
        let longest: Vec<Vec<u8>> = store
            .read(|view| Ok(attachment_pieces::table.select(attachment_pieces::content).load(view.conn)?))
            .unwrap();
        assert!(longest.iter().all(|piece| piece.len() <= PIECE + 64));
        assert_eq!(store.read(|view| of(view, case.to())).unwrap().len(), 5);
    }
}

#[test]
fn the_same_bytes_are_on_a_subject_once_and_its_bounds_hold() {
    for store in stores() {
        let case = Case::new(&store);
        let first = case.attach(&store, b"um");
        let again = case.try_attach(&store, case.ana, b"um").unwrap();
        assert_eq!((again.0.id, again.1), (first.id, false));
        assert_eq!(entries(&store, "attachment.added"), 1);
        for n in 1..20 {
            case.attach(&store, format!("{n}").as_bytes());
        }
        let full =
            |outcome: crate::Result<_>| matches!(outcome, Err(Error::Refused { code: "E_ATTACHMENTS", .. }));
        assert!(full(case.try_attach(&store, case.agent, b"vinte e um")));
        assert!(
            !case.try_attach(&store, case.agent, b"um").unwrap().1,
            "what is there is answered, full or not"
        );
        case.detach(&store, case.agent, first.id).unwrap();
        case.attach(&store, b"vinte e um");
        // Once removed, the same bytes are a new file.
        assert!(full(case.try_attach(&store, case.agent, b"um")));
        let other = Case::new(&store);
        for n in 0..5_u8 {
            other.attach(&store, &vec![b'a' + n; MOST_BYTES]);
        }
        assert!(full(other.try_attach(&store, other.agent, b"x")));
    }
}

#[test]
fn a_removed_file_leaves_who_when_and_why_and_no_byte() {
    for store in stores() {
        let case = Case::new(&store);
        let file = case.attach(&store, b"relato");
        let technician = Actor::User { id: person(&store, Role::Technician), role: Role::Technician };
        let colleague = Actor::User { id: person(&store, Role::Agent), role: Role::Agent };
        for who in [technician, colleague] {
            let refused = case.detach(&store, who, file.id);
            assert!(matches!(refused, Err(Error::Refused { code: "E_ROLE", .. })), "{refused:?}");
        }
        assert!(case.try_attach(&store, technician, b"outro").is_err());
        let gone = case.detach(&store, case.ana, file.id).unwrap();
        let removed = gone.removed.clone().unwrap();
        assert_eq!((removed.by, removed.at), (case.ana.name(), NOW));
        assert_eq!((removed.reason.as_deref(), gone.name.as_deref()), (Some("da paciente errada"), None));
        assert!(matches!(bytes_of(&store, &gone), Err(Error::NotFound(_))));
        let left: i64 =
            store.read(|view| Ok(attachment_pieces::table.count().get_result(view.conn)?)).unwrap();
        assert_eq!((left, entries(&store, "attachment.removed")), (0, 1));
        case.detach(&store, case.ana, file.id).unwrap();
        assert_eq!(entries(&store, "attachment.removed"), 1, "twice is once");
        // Of another case there is no such file.
        let other = Case::new(&store);
        assert!(matches!(store.read(|view| get(view, other.to(), file.id)), Err(Error::NotFound(_))));
    }
}

#[test]
fn each_download_is_an_entry_and_a_look_and_the_log_agrees() {
    for store in stores() {
        let case = Case::new(&store);
        let file = case.attach(&store, b"relato");
        for secs in 0..3 {
            let at = NOW.plus(std::time::Duration::from_secs(secs));
            store.write(case.ana, at, |tx| download(tx, &file)).unwrap();
        }
        assert_eq!(entries(&store, "access.read"), 3);
        let seen =
            looks::table.filter(looks::what.eq("attachments").and(looks::patient_key.eq(case.maria.key)));
        assert_eq!(store.read(|view| Ok(seen.count().get_result::<i64>(view.conn)?)).unwrap(), 3);
    }
}

#[test]
fn a_file_of_an_erased_person_is_unreadable_and_so_is_one_that_somebody_moved() {
    for store in stores() {
        let case = Case::new(&store);
        let (file, moved) = (case.attach(&store, b"relato"), case.attach(&store, b"outro relato"));
        let other = Case::new(&store);
        let sql = |tx: &mut crate::Tx<'_>| {
            diesel::update(attachments::table.find(moved.id.to_string()))
                .set(attachments::subject.eq(other.alert.id().to_string()))
                .execute(tx.conn)?;
            Ok(())
        };
        store.keep_house(Urgency::Urgent, "test", NOW, sql).unwrap();
        assert!(matches!(store.read(|view| get(view, other.to(), moved.id)), Err(Error::Corrupt(_))));
        act(&store, |tx| keys::destroy(tx, Subject::Patient(case.maria.id), Class::Clinical)).unwrap();
        let left = store.read(|view| get(view, case.to(), file.id)).unwrap();
        assert_eq!((left.name.as_deref(), left.size), (None, 6));
        let bytes = bytes_of(&store, &left);
        assert!(matches!(bytes, Err(Error::Sealed(Broken::KeyDestroyed, _))), "{bytes:?}");
        assert!(case.try_attach(&store, case.agent, b"mais um").is_err(), "and none is attached any more");
    }
}

#[test]
fn only_a_user_of_a_role_or_the_program_attaches() {
    for store in stores() {
        let case = Case::new(&store);
        let nobody = Actor::User { id: UserId::new(NOW), role: Role::Auditor };
        assert!(matches!(case.try_attach(&store, nobody, b"x"), Err(Error::Refused { code: "E_ROLE", .. })));
    }
}
