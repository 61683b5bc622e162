//! Who answers for the data: the organisation, and its data protection officer (LGPD art. 41).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Reply};
use crate::http::fault::Fault;
use domain::line;
use store::db::settings::{self, Officer};

/// Who answers for the data.
#[derive(Serialize, ToSchema)]
pub(crate) struct Organisation {
    name: Option<String>,
    /// IANA: in which zone its days begin and end, for figures.
    zone: &'static str,
    /// Null until one is named.
    dpo: Option<DataProtectionOfficer>,
}

/// The data protection officer: public, as LGPD art. 41 §1 demands.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataProtectionOfficer {
    name: String,
    /// An e-mail address, and what else there is.
    contact: String,
}

/// The organisation and how its data protection officer is reached.
#[utoipa::path(get, path = "/api/v1/organisation", tag = "privacy", responses((status = 200, body = Organisation)))]
pub(crate) async fn get(call: Call) -> Answer {
    call.run(|desk| {
        desk.read(|view| {
            let dpo = settings::officer(view)?;
            let dpo = dpo.map(|Officer { name, contact }| DataProtectionOfficer { name, contact });
            let (name, zone) = (settings::get(view, settings::ORGANISATION)?, settings::zone(view)?.name());
            Reply::ok(&Organisation { name, zone, dpo })
        })
    })
    .await
}

/// Says who the data protection officer is and how they are reached; patients see it on their page.
#[utoipa::path(put, path = "/api/v1/organisation/dpo", tag = "privacy", request_body = DataProtectionOfficer, responses((status = 200, body = DataProtectionOfficer)))]
pub(crate) async fn put_dpo(call: Call, body: Body<DataProtectionOfficer>) -> Answer {
    call.run(move |desk| {
        let DataProtectionOfficer { name, contact } = body.value;
        let name = line_of("name", &name)?;
        let contact = line_of("contact", &contact)?;
        if !contact.contains('@') {
            return Err(Fault::invalid("contact", "an e-mail address, and what else there is"));
        }
        let officer = Officer { name, contact };
        desk.write(|tx| Ok(settings::set_officer(tx, &officer)?))?;
        Reply::ok(&DataProtectionOfficer { name: officer.name, contact: officer.contact })
    })
    .await
}

fn line_of(field: &str, text: &str) -> Result<String, Fault> {
    line::read(text, 200).map_err(|why| Fault::invalid(field, &why.to_string()))
}
