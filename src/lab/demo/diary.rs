//! A file on an alert of the demo: what Bento wrote down himself, attached by the agent who telephoned him.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::clinic::PATIENTS;
use super::replay::stopped;
use super::seed::DemoCast;
use domain::attachments::{FileName, MediaType};

use domain::{Clock, Email, PatientId, Role};
use store::alerts::attachments::attach;
use store::alerts::{StoredAlert, lists};
use store::attachments::NewAttachment;
use store::patients::audience::Audience;
use store::people::users;
use store::{Actor, Store};

const OWNER: &str = "Bento Simulado";
const NAME: &str = "diário de glicemia do Bento.csv";
const DIARY: &str = "hora;o que houve\n07:10;café: pão, queijo, suco de laranja\n09:40;caminhada de 20 minutos\n12:30;almoço em família, com sobremesa\n15:00;sede, fui ao banheiro várias vezes\n";
/// His alert comes with the history that his sensor sends first.
const LOOKS: usize = 90;
const PAUSE: Duration = Duration::from_secs(2);

/// Waits for an alert of his and attaches the file to it, once.
pub(super) async fn bring(store: Store, cast: &DemoCast, clock: Clock, mut shutdown: watch::Receiver<bool>) {
    let Some((owner, agent)) = people(cast) else { return };
    for _look in 0..LOOKS {
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stopped(&mut shutdown) => return,
        }
        let (store, clock, agent) = (store.clone(), clock.clone(), agent.clone());
        let attached = tokio::task::spawn_blocking(move || add(&store, owner, &agent, &clock)).await;
        match attached {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the demo's file is not attached");
                return;
            }
        }
    }
}

fn people(cast: &DemoCast) -> Option<(PatientId, Email)> {
    let device = PATIENTS.iter().take_while(|person| person.name != OWNER);
    let device = cast.devices.get(device.map(|person| person.wearables.len()).sum::<usize>())?;
    let agent = cast.users.iter().find(|user| user.role == Role::Agent.name())?;
    Some((device.patient_id, agent.email.parse().ok()?))
}

fn add(store: &Store, owner: PatientId, agent: &Email, clock: &Clock) -> store::Result<bool> {
    let (alert, agent) = store.read(|view| {
        let owner = Audience::program().patient(view, owner)?;
        let alert = lists::of_patient(view, owner.key(), 1)?.first().map(StoredAlert::id);
        Ok((alert, users::find_by_email(view, agent)?))
    })?;
    let (Some(alert), Some(agent)) = (alert, agent) else { return Ok(false) };
    let by = Actor::User { id: agent.user.id, role: Role::Agent };
    let name = FileName::of(NAME, MediaType::Csv);
    let file = NewAttachment { name: &name, media: MediaType::Csv, bytes: DIARY.as_bytes() };
    store.write(by, clock.now(), |tx| {
        let alert = Audience::program().alert(tx, alert)?;
        attach(tx, alert, &file)
    })?;
    Ok(true)
}
