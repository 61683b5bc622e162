//! Pairing: the token and its QR code, shown once, and a light that turns green with the first connection.

use askama::Template;
use askama::filters::Safe;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::pages::Html;
use crate::{Lang, Section, Shell, Theme, Words};
use domain::{DeviceId, Instant};

/// The pairing of one device.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The device.
    pub device: DeviceId,
    /// What people call it.
    pub name: String,
    /// Where it connects, `host:port`.
    pub mqtt: String,
    /// Whether over TLS.
    pub tls: bool,
    /// The token, in the one answer that made it.
    pub token: Option<String>,
    /// When the token ends.
    pub ends_at: Option<Instant>,
    /// The first connection since the token was made.
    pub connected_at: Option<Instant>,
}

impl View {
    /// What the QR code holds: all that a device needs to connect.
    #[must_use]
    pub(crate) fn address(&self, token: &str) -> String {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        format!("{scheme}://{}@{}?token={token}", self.device, self.mqtt)
    }

    /// The code as SVG; `None` when the address is too long for one.
    #[must_use]
    pub(crate) fn qr(&self) -> Option<Safe<String>> {
        qr(&self.address(self.token.as_deref()?))
    }
}

/// A text as a QR code in SVG; `None` when it is too long for one.
#[must_use]
pub(crate) fn qr(text: &str) -> Option<Safe<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    drawn.find("<svg").and_then(|start| drawn.get(start..)).map(|svg| Safe(svg.to_owned()))
}

#[derive(Template)]
#[template(path = "devices/pairing.html", blocks = ["light"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The whole page. The answer to POST `/devices/{id}/pairing` carries the token; GET never does.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

/// The light alone, for `HX-Request-Type: partial`.
///
/// # Errors
/// The formatter's.
pub(crate) fn light(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.as_light().render()
}
