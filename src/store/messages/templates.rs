//! Templates, stored in versions.

use crate::versions::Versioned;
use domain::templates::Template;

impl Versioned for Template {
    const KIND: &'static str = "template";
}
