//! Pages that wait for the reader, above every page of the dashboard: a number in the title and a sound follow it.

use askama::Template;

use crate::pages::Html;
use crate::{Key, Shell, Words};
use domain::Instant;

/// What waits for the reader.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Cases, the longest waiting first.
    pub cases: Vec<Case>,
    /// Whether some of it is still on its way: the browser asks again soon.
    pub on_its_way: bool,
}

impl View {
    /// Cases that somebody must come to.
    #[must_use]
    pub(crate) fn ringing(&self) -> usize {
        self.cases.iter().filter(|case| case.cause.rings()).count()
    }

    /// The others: to be known, not to be answered.
    #[must_use]
    pub(crate) fn notices(&self) -> usize {
        self.cases.len() - self.ringing()
    }
}

/// A case that the reader was called to, or a notice.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Where it is answered.
    pub link: String,
    /// When the reader was first called.
    pub since: Instant,
    /// How often.
    pub times: usize,
    /// Why.
    pub cause: Cause,
    /// Of a turn that begins: its schedule, by name.
    pub schedule: Option<String>,
}

/// Why somebody was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Their turn on call begins: to be known, not to be answered.
    OnCall,
    /// A turn on call is to be swapped, or was, or will not be.
    Swap,
    /// Somebody of the team noted an absence of their own.
    Absence,
    /// They changed it.
    AbsenceChanged,
    /// They took it back.
    AbsenceEnded,
    /// Somebody noted an absence of theirs.
    OwnAbsence,
    /// Somebody changed it.
    OwnAbsenceChanged,
    /// Somebody took it back.
    OwnAbsenceEnded,
    /// They stand in for somebody.
    StandIn,
    /// They do so at another time.
    StandInChanged,
    /// They do so no more.
    StandInEnded,
    /// A schedule has hours in which nobody could be called.
    Coverage,
    /// E-mail reaches somebody of the team no more.
    OutOfReach,
    /// A step of a policy names people who may not answer.
    DeadStep,
    /// A policy or a service level lets a red wait for too long.
    RedBounds,
    /// A program that they added wants no more calls.
    ProgramGone,
    /// A program does not take what it is called for.
    ProgramRefuses,
    /// They try whether they are reached: it rings as a page does.
    Trial,
    /// The SLA of an alert is nearly breached.
    Warned,
    /// The SLA of an alert is breached.
    Breached,
    /// The program is late with something it had planned.
    Lapse,
    /// The audit log does not hold.
    LogBroken,
    /// It was late while nobody read.
    Overnight,
    /// A red alert was in the same hands too often.
    Worn,
    /// An alert waits for an answer.
    Called,
    /// Nobody answered.
    Unreached,
}

impl Cause {
    /// From the message's template.
    #[must_use]
    pub(crate) fn of(template: &str) -> Self {
        match template {
            "handover" | "handover_alone" | "handover_several" => Self::OnCall,
            "coverage" => Self::Coverage,
            "absence" => Self::Absence,
            "absence_changed" => Self::AbsenceChanged,
            "absence_ended" => Self::AbsenceEnded,
            "own_absence" => Self::OwnAbsence,
            "own_absence_changed" => Self::OwnAbsenceChanged,
            "own_absence_ended" => Self::OwnAbsenceEnded,
            "stand_in" => Self::StandIn,
            "stand_in_changed" => Self::StandInChanged,
            "stand_in_ended" => Self::StandInEnded,
            "swap_asked" | "swap_taken" | "swap_declined" => Self::Swap,
            "unreachable" => Self::OutOfReach,
            "dead_step" => Self::DeadStep,
            "red_bounds" => Self::RedBounds,
            "webhook_gone" => Self::ProgramGone,
            "webhook_refuses" => Self::ProgramRefuses,
            "sla_warning" => Self::Warned,
            "sla_breach" => Self::Breached,
            "test" => Self::Trial,
            "lapse" => Self::Lapse,
            "lapses_overnight" => Self::Overnight,
            "log_broken" => Self::LogBroken,
            "held_too_long" => Self::Worn,
            "nobody_reached" => Self::Unreached,
            _ => Self::Called,
        }
    }

    /// Whether somebody must come: it sounds and counts in the title. The others are notices.
    #[must_use]
    pub(crate) const fn rings(self) -> bool {
        !matches!(
            self,
            Self::OnCall
                | Self::Coverage
                | Self::Swap
                | Self::Absence
                | Self::AbsenceChanged
                | Self::AbsenceEnded
                | Self::OwnAbsence
                | Self::OwnAbsenceChanged
                | Self::OwnAbsenceEnded
                | Self::StandIn
                | Self::StandInChanged
                | Self::StandInEnded
                | Self::OutOfReach
                | Self::DeadStep
                | Self::RedBounds
                | Self::ProgramGone
                | Self::ProgramRefuses
                | Self::Overnight
        )
    }

    /// What it says.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::OnCall => Key("pager-on-call"),
            Self::Coverage => Key("pager-coverage"),
            Self::Swap => Key("pager-swap"),
            Self::Absence => Key("pager-absence"),
            Self::AbsenceChanged => Key("pager-absence-changed"),
            Self::AbsenceEnded => Key("pager-absence-ended"),
            Self::OwnAbsence => Key("pager-own-absence"),
            Self::OwnAbsenceChanged => Key("pager-own-absence-changed"),
            Self::OwnAbsenceEnded => Key("pager-own-absence-ended"),
            Self::StandIn => Key("pager-stand-in"),
            Self::StandInChanged => Key("pager-stand-in-changed"),
            Self::StandInEnded => Key("pager-stand-in-ended"),
            Self::OutOfReach => Key("pager-out-of-reach"),
            Self::DeadStep => Key("pager-dead-step"),
            Self::RedBounds => Key("pager-red-bounds"),
            Self::ProgramGone => Key("pager-program-gone"),
            Self::ProgramRefuses => Key("pager-program-refuses"),
            Self::Warned => Key("pager-warned"),
            Self::Breached => Key("pager-breached"),
            Self::Trial => Key("pager-trial"),
            Self::Lapse => Key("pager-lapse"),
            Self::Overnight => Key("pager-overnight"),
            Self::LogBroken => Key("pager-log-broken"),
            Self::Worn => Key("pager-worn"),
            Self::Called => Key("pager-called"),
            Self::Unreached => Key("pager-unreached"),
        }
    }
}

#[derive(Template)]
#[template(path = "messages/pager.html")]
struct Part<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The part above every page.
///
/// # Errors
/// The formatter's.
pub(crate) fn part(shell: &Shell, view: &View) -> Html {
    Part { shell, w: &shell.words, view }.render()
}
