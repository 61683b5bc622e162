//! Proof that the decision allowed it. Nobody outside this crate can make, copy, store or send one.

use std::fmt;
use std::marker::PhantomData;

use crate::Micros;
use crate::basis::Basis;
use crate::denied::{Code, Denied};
use crate::obligation::Obligations;
use crate::purpose::Purpose;

/// A yes, for a purpose known only at run time. Only [`crate::judge`] makes one; use it in the transaction
/// that asked, and drop it there.
///
/// ```compile_fail,E0451
/// let forged = consent::Verdict {
///     purpose: consent::Purpose::AlertEvaluate, basis: consent::Basis::Consent, epoch: 1,
///     measured_from: 0, decided_at: 0, obligations: Default::default(), row: "D30",
/// };
/// ```
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub(crate) purpose: Purpose,
    pub(crate) basis: Basis,
    pub(crate) epoch: i64,
    pub(crate) measured_from: Micros,
    pub(crate) decided_at: Micros,
    pub(crate) obligations: Obligations,
    pub(crate) row: &'static str,
}

impl Verdict {
    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What makes it lawful.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// The epoch of the row it read, to fence the write with; 0 when there is no row.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Readings measured before this instant are outside. `i64::MIN` when the basis is not consent.
    #[must_use]
    pub const fn measured_from(&self) -> Micros {
        self.measured_from
    }

    /// The `now` it was decided at.
    #[must_use]
    pub const fn decided_at(&self) -> Micros {
        self.decided_at
    }

    /// What it asks in return.
    #[must_use]
    pub const fn obligations(&self) -> Obligations {
        self.obligations
    }

    /// The row of the decision table that allowed it, such as `D30`.
    #[must_use]
    pub const fn row(&self) -> &'static str {
        self.row
    }

    /// The measured part of D27, reading by reading, so that one decision serves a message of many readings.
    ///
    /// # Errors
    /// `E_BEFORE_GRANT` when the reading was measured before the grant reaches.
    pub fn covers(&self, measured_at: Micros) -> Result<(), Denied> {
        if measured_at >= self.measured_from {
            return Ok(());
        }
        Err(Denied {
            code: Code::BeforeGrant,
            purpose: Some(self.purpose),
            since: Some(self.measured_from),
            cause: None,
        })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A purpose as a type, so that a signature can demand the permit for it. Sealed.
pub trait Typed: sealed::Sealed {
    /// The purpose.
    const PURPOSE: Purpose;
}

macro_rules! typed {
    ($($name:ident)+) => {$(
        #[doc = concat!("The purpose [`Purpose::", stringify!($name), "`] as a type; it has no value.")]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Typed for $name {
            const PURPOSE: Purpose = Purpose::$name;
        }
    )+};
}

// `share.commercial` has no type: a permit for it cannot even be written down.
typed! {
    TelemetryCollect AlertEvaluate AlertEscalate CareRemind EngageMessage AnalyticsIdentified AnalyticsAnonymous
    ShareEhr SharePortability ResearchIdentified RecordRetain AuditLog NoticeLegal AccountSecure
}

/// A purpose under which somebody is called or written to. Sealed with [`Typed`]: a message about a patient takes a
/// [`Permit`] for one of these.
pub trait Reaches: Typed {}

impl Reaches for AlertEscalate {}
impl Reaches for CareRemind {}
impl Reaches for EngageMessage {}
impl Reaches for NoticeLegal {}

/// A yes for the purpose `P`: what `store` demands before it touches telemetry. Only [`decide`](fn@crate::decide) makes
/// one; it lives no longer than the transaction that asked. It derefs to nothing, copies to nothing:
///
/// ```compile_fail,E0423
/// let forged = consent::Permit::<consent::TelemetryCollect>(panic!(), std::marker::PhantomData);
/// ```
/// ```compile_fail,E0599
/// fn twice(permit: consent::Permit<consent::TelemetryCollect>) {
///     let copy = permit.clone();
/// }
/// ```
/// ```compile_fail,E0382
/// fn twice(permit: consent::Permit<consent::TelemetryCollect>) {
///     drop(permit);
///     drop(permit);
/// }
/// ```
/// ```compile_fail,E0277
/// fn send(permit: &consent::Permit<consent::TelemetryCollect>) {
///     serde_json::to_string(permit);
/// }
/// ```
/// ```compile_fail,E0277
/// fn invent() -> consent::Permit<consent::TelemetryCollect> {
///     fn any<T: Default>() -> T { T::default() }
///     any()
/// }
/// ```
/// ```compile_fail,E0308
/// fn misuse(permit: consent::Permit<consent::AlertEvaluate>) -> consent::Permit<consent::TelemetryCollect> {
///     permit
/// }
/// ```
/// ```compile_fail,E0277
/// struct Mine;
/// impl consent::Typed for Mine { const PURPOSE: consent::Purpose = consent::Purpose::ShareCommercial; }
/// ```
/// ```compile_fail,E0277
/// fn call<P: consent::Reaches>(_permit: &consent::Permit<P>) {}
/// fn misuse(permit: &consent::Permit<consent::AlertEvaluate>) {
///     call(permit);
/// }
/// ```
#[must_use]
pub struct Permit<P: Typed>(Verdict, PhantomData<fn() -> P>);

impl<P: Typed> Permit<P> {
    pub(crate) const fn of(verdict: Verdict) -> Self {
        Self(verdict, PhantomData)
    }

    /// The same yes without its type, to log or to seal.
    pub const fn verdict(&self) -> &Verdict {
        &self.0
    }

    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        P::PURPOSE
    }

    /// What makes it lawful.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.0.basis
    }

    /// The epoch of the row it read, to fence the write with; 0 when there is no row.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.0.epoch
    }

    /// Readings measured before this instant are outside.
    #[must_use]
    pub const fn measured_from(&self) -> Micros {
        self.0.measured_from
    }

    /// The `now` it was decided at.
    #[must_use]
    pub const fn decided_at(&self) -> Micros {
        self.0.decided_at
    }

    /// What it asks in return.
    #[must_use]
    pub const fn obligations(&self) -> Obligations {
        self.0.obligations
    }

    /// The measured part of D27, reading by reading; see [`Verdict::covers`].
    ///
    /// # Errors
    /// `E_BEFORE_GRANT` when the reading was measured before the grant reaches.
    pub fn covers(&self, measured_at: Micros) -> Result<(), Denied> {
        self.0.covers(measured_at)
    }
}

impl<P: Typed> fmt::Debug for Permit<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Permit").field(&self.0).finish()
    }
}
