//! The kinds of settings that have pages: where they are, what they are called, and who may do what.

use crate::Key;
use domain::Can;

/// A kind of setting that has pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// Who is paged in which order.
    #[default]
    Policies,
    /// Service levels, each on its clock.
    ServiceLevels,
    /// When a team works.
    Calendars,
    /// What messages say.
    Templates,
}

impl Kind {
    /// Those that belong together, in the order of the tabs.
    pub(crate) const ALL: [Self; 4] = [Self::Policies, Self::ServiceLevels, Self::Calendars, Self::Templates];

    /// Whether it is this one.
    #[must_use]
    pub(crate) fn is(self, other: &Self) -> bool {
        self == *other
    }

    /// The address of the list.
    #[must_use]
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Policies => "/policies",
            Self::ServiceLevels => "/service-levels",
            Self::Calendars => "/calendars",
            Self::Templates => "/message-templates",
        }
    }

    /// The right that opens the list.
    #[must_use]
    pub(crate) const fn needs(self) -> Can {
        match self {
            Self::Policies | Self::ServiceLevels | Self::Calendars => Can::SeePolicies,
            Self::Templates => Can::SeeTemplates,
        }
    }

    /// The right to write a version.
    #[must_use]
    pub(crate) const fn changed_by(self) -> Can {
        match self {
            Self::Policies | Self::ServiceLevels => Can::ProposePolicies,
            Self::Calendars => Can::ManageSchedules,
            Self::Templates => Can::ManageTemplates,
        }
    }

    /// The right to decide on a proposal.
    #[must_use]
    pub(crate) const fn decided_by(self) -> Can {
        match self {
            Self::Policies | Self::ServiceLevels => Can::ApprovePolicies,
            Self::Calendars => Can::ManageSchedules,
            Self::Templates => Can::ManageTemplates,
        }
    }

    /// Whether people may add one; what messages there are is the program's.
    #[must_use]
    pub(crate) const fn grows(self) -> bool {
        !matches!(self, Self::Templates)
    }

    /// The word of its tab.
    #[must_use]
    pub(crate) const fn tab(self) -> Key {
        match self {
            Self::Policies => Key("kept-policies"),
            Self::ServiceLevels => Key("kept-service-levels"),
            Self::Calendars => Key("kept-calendars"),
            Self::Templates => Key("kept-templates"),
        }
    }

    /// The title of its list.
    #[must_use]
    pub(crate) const fn title(self) -> Key {
        match self {
            Self::Policies => Key("policies-title"),
            Self::ServiceLevels => Key("levels-title"),
            Self::Calendars => Key("calendars-title"),
            Self::Templates => Key("templates-title"),
        }
    }

    /// What it is for, and how it changes.
    #[must_use]
    pub(crate) const fn what(self) -> Key {
        match self {
            Self::Policies => Key("policies-what"),
            Self::ServiceLevels => Key("levels-what"),
            Self::Calendars => Key("calendars-what"),
            Self::Templates => Key("templates-what"),
        }
    }

    /// Adds one.
    #[must_use]
    pub(crate) const fn begin(self) -> Key {
        match self {
            Self::Policies | Self::Templates => Key("policies-begin"),
            Self::ServiceLevels => Key("levels-begin"),
            Self::Calendars => Key("calendars-begin"),
        }
    }
}
