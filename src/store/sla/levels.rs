//! Service levels, stored in versions.

use crate::alerts::reds;
use crate::versions::Versioned;
use crate::{Result, View};
use domain::Instant;
use domain::sla::ServiceLevel;

impl Versioned for ServiceLevel {
    const KIND: &'static str = "service_level";

    fn fits_reds(&self, view: &mut View<'_>, name: &str, now: Instant) -> Result<()> {
        reds::service_level(view, name, self, now)
    }
}
