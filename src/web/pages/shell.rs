//! What surrounds every page: who looks, in which language, zone and scheme, and where they may go.

use actix_web::HttpRequest;
use actix_web::http::header;
use chrono_tz::Tz;

use crate::assets;
use crate::http::address::url_encoded;
use crate::text::l10n::{Key, Lang, Words};
use domain::{Can, Clock, Instant, Role};

/// The cookie that keeps the reader's language.
pub(crate) const LANG_COOKIE: &str = "zelo_lang";
/// The cookie that keeps the reader's scheme.
pub(crate) const THEME_COOKIE: &str = "zelo_theme";

/// Where people live until they say otherwise.
pub(crate) const DEFAULT_ZONE: Tz = chrono_tz::America::Sao_Paulo;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The name as shown at the foot of the rail.
    pub name: String,
    /// The role that decides what is offered.
    pub role: Role,
}

impl Viewer {
    /// The word of the role.
    #[must_use]
    pub(crate) const fn role_word(&self) -> Key {
        role_word(self.role)
    }
}

/// The word of a role.
#[must_use]
pub(crate) const fn role_word(role: Role) -> Key {
    match role {
        Role::Agent => Key("role-agent"),
        Role::Technician => Key("role-technician"),
        Role::Clinician => Key("role-clinician"),
        Role::Manager => Key("role-manager"),
        Role::Auditor => Key("role-auditor"),
        Role::Dpo => Key("role-dpo"),
        Role::Admin => Key("role-admin"),
        Role::Patient => Key("role-patient"),
        Role::Service => Key("role-service"),
    }
}

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every scheme, in the order of the switch.
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The cookie's value and the `data-theme` of the page.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From the cookie; anything else is [`Theme::Auto`].
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }

    /// Its label.
    #[must_use]
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Auto => Key("theme-auto"),
            Self::Light => Key("theme-light"),
            Self::Dark => Key("theme-dark"),
        }
    }
}

/// A place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The triage queue, and one alert.
    Queue,
    /// Patients.
    Patients,
    /// Who is on call.
    Schedules,
    /// Devices and pairing.
    Devices,
    /// Rules.
    Rules,
    /// Escalation policies.
    Policies,
    /// The audit explorer.
    Audit,
    /// Users.
    Users,
    /// Engine, ingest and storage.
    Status,
    /// The patient's own things.
    Me,
    /// None of them: sign-in, errors, the API's documentation.
    Elsewhere,
}

impl Section {
    /// Those of the navigation, in its order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Queue,
        Self::Patients,
        Self::Schedules,
        Self::Devices,
        Self::Rules,
        Self::Policies,
        Self::Audit,
        Self::Users,
        Self::Status,
        Self::Me,
    ];

    /// Its address.
    #[must_use]
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Queue => "/queue",
            Self::Patients => "/patients",
            Self::Schedules => "/schedules",
            Self::Devices => "/devices",
            Self::Rules => "/rules",
            Self::Policies => "/policies",
            Self::Audit => "/audit",
            Self::Users => "/users",
            Self::Status => "/status",
            Self::Me => "/me",
            Self::Elsewhere => "/",
        }
    }

    /// Its name.
    #[must_use]
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Queue => Key("nav-queue"),
            Self::Patients => Key("nav-patients"),
            Self::Schedules => Key("nav-schedules"),
            Self::Devices => Key("nav-devices"),
            Self::Rules => Key("nav-rules"),
            Self::Policies => Key("nav-policies"),
            Self::Audit => Key("nav-audit"),
            Self::Users => Key("nav-users"),
            Self::Status => Key("nav-status"),
            Self::Me => Key("nav-me"),
            Self::Elsewhere => Key("app-name"),
        }
    }

    /// Its icon in the sprite.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Queue => "siren",
            Self::Patients => "users",
            Self::Schedules => "clock",
            Self::Devices => "watch",
            Self::Rules => "sliders-horizontal",
            Self::Policies => "bell",
            Self::Audit => "scroll-text",
            Self::Users => "key-round",
            Self::Status => "activity",
            Self::Me => "heart-pulse",
            Self::Elsewhere => "circle",
        }
    }

    /// The right that opens it.
    #[must_use]
    pub(crate) const fn needs(self) -> Can {
        match self {
            Self::Queue => Can::SeeAlerts,
            Self::Patients => Can::SeeContacts,
            Self::Schedules => Can::SeeSchedules,
            Self::Devices => Can::SeeDevices,
            Self::Rules => Can::SeeRules,
            Self::Policies => Can::SeePolicies,
            Self::Audit => Can::ReadAudit,
            Self::Users => Can::VouchForUsers,
            Self::Status => Can::SeeStatus,
            Self::Me => Can::OwnThings,
            Self::Elsewhere => Can::Anyone,
        }
    }
}

/// Where a role lands after signing in.
#[must_use]
pub(crate) const fn landing(role: Role) -> &'static str {
    match role {
        Role::Agent | Role::Clinician | Role::Manager => "/queue",
        Role::Technician => "/devices",
        Role::Auditor | Role::Dpo => "/audit",
        Role::Admin | Role::Service => "/status",
        Role::Patient => "/me",
    }
}

/// A path of this site to come back to, or `/`: an address elsewhere is never followed.
#[must_use]
pub(crate) fn back(asked: &str) -> &str {
    // Browsers take a backslash for a slash, and leave tabs and line ends out before they read an address.
    let elsewhere = asked.starts_with("//") || asked.contains(|c: char| c == '\\' || c.is_control());
    if asked.starts_with('/') && !elsewhere { asked } else { "/" }
}

/// An address of this site with the values that are not empty in its query.
#[must_use]
pub(crate) fn address(path: &str, values: &[(&str, &str)]) -> String {
    let given = values.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", url_encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// What surrounds a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Language, zone and the instant of the answer.
    pub words: Words,
    /// Light or dark.
    pub theme: Theme,
    /// Who is signed in; `None` on the sign-in page.
    pub viewer: Option<Viewer>,
    /// The place that is marked as current.
    pub section: Section,
    /// The address of this page with its query, to come back to after a switch.
    pub path: String,
    /// Open red alerts, for the number in the rail; `None` for those who see no alerts.
    pub red_open: Option<u32>,
}

impl Shell {
    /// The places this viewer may go, in order.
    #[must_use]
    pub(crate) fn places(&self) -> Vec<Section> {
        let Some(viewer) = &self.viewer else { return Vec::new() };
        Section::ALL.into_iter().filter(|section| section.needs().held_by(viewer.role)).collect()
    }

    /// Whether a policy may call the viewer: those who work here.
    #[must_use]
    pub(crate) fn may_be_paged(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| !matches!(viewer.role, Role::Patient | Role::Service))
    }

    /// Whether the viewer is told who is away: whoever keeps the schedules, and those who take calls.
    #[must_use]
    pub(crate) fn sees_absences(&self) -> bool {
        self.may(Can::ManageSchedules) || self.may(Can::AnswerCalls)
    }

    /// Whether the viewer holds a right.
    #[must_use]
    pub(crate) fn may(&self, right: Can) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| right.held_by(viewer.role))
    }

    /// The address of an asset.
    #[must_use]
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    /// With another place marked as current.
    #[must_use]
    pub(crate) fn at(mut self, section: Section) -> Self {
        self.section = section;
        self
    }
}

/// The shell of a request before anyone is known: language and scheme from cookies and headers, the clock from
/// the app data.
#[must_use]
pub(crate) fn of(request: &HttpRequest) -> Shell {
    let cookie = |name: &str| request.cookie(name).map(|cookie| cookie.value().to_owned());
    let accept = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let clock = request.app_data::<actix_web::web::Data<Clock>>();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Shell {
        words: Words {
            lang: Lang::choose(cookie(LANG_COOKIE).as_deref(), accept),
            zone: DEFAULT_ZONE,
            now: clock.map_or(Instant::default(), |clock| clock.now()),
        },
        theme: cookie(THEME_COOKIE).map_or_else(Theme::default, |name| Theme::from_name(&name)),
        viewer: None,
        section: Section::Elsewhere,
        path: path.to_owned(),
        red_open: None,
    }
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn nobody_is_led_to_another_site() {
        for elsewhere in
            ["//evil.example", "/\t/evil.example", "/\n/evil.example", "/\\evil.example", "evil", "/\u{7f}/e"]
        {
            assert_eq!(back(elsewhere), "/", "{elsewhere:?}");
        }
        assert_eq!(back("/queue?state=open"), "/queue?state=open");
    }
}
