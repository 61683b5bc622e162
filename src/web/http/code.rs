//! The one table of refusals: code → status → what it is called and what to do, in Fluent. A code without a
//! row does not compile.

use actix_web::http::StatusCode;

use crate::text::l10n::Key;

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $title:expr, $detail:expr, $article:literal;)+) => {
        /// Why a request was refused. The name is part of the contract and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $name] $variant,)+ }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, `E_…`.
            #[must_use]
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From the name, as `consent` and `store` spell it.
            #[must_use]
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The HTTP status (RFC 9110 §15).
            #[must_use]
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What it is called, in a few words.
            #[must_use]
            pub(crate) const fn title(self) -> Key {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do.
            #[must_use]
            pub(crate) const fn detail(self) -> Key {
                match self { $(Self::$variant => $detail,)+ }
            }

            /// The rule of law behind it, or nothing.
            #[must_use]
            pub(crate) const fn article(self) -> Option<&'static str> {
                let article = match self { $(Self::$variant => $article,)+ };
                if article.is_empty() { None } else { Some(article) }
            }
        }
    };
}

codes! {
    SignIn = "E_SIGN_IN", UNAUTHORIZED, Key("code-sign-in"), Key("code-sign-in-detail"), "";
    Credentials = "E_CREDENTIALS", UNAUTHORIZED, Key("code-credentials"), Key("code-credentials-detail"), "";
    Totp = "E_TOTP", UNAUTHORIZED, Key("code-totp"), Key("code-totp-detail"), "";
    Role = "E_ROLE", FORBIDDEN, Key("code-role"), Key("code-role-detail"), "LGPD art. 6 III";
    CrossSite = "E_CROSS_SITE", FORBIDDEN, Key("code-cross-site"), Key("code-cross-site-detail"), "";
    NotFound = "E_NOT_FOUND", NOT_FOUND, Key("code-not-found"), Key("code-not-found-detail"), "";
    Method = "E_METHOD", METHOD_NOT_ALLOWED, Key("code-method"), Key("code-method-detail"), "";
    Malformed = "E_MALFORMED", BAD_REQUEST, Key("code-invalid"), Key("code-invalid-detail"), "";
    Invalid = "E_INVALID", UNPROCESSABLE_ENTITY, Key("code-invalid"), Key("code-invalid-detail"), "";
    ReasonMissing = "E_REASON", UNPROCESSABLE_ENTITY, Key("code-reason"), Key("code-reason-detail"), "";
    TooLarge = "E_TOO_LARGE", PAYLOAD_TOO_LARGE, Key("code-too-large"), Key("code-too-large-detail"), "";
    Length = "E_LENGTH", LENGTH_REQUIRED, Key("code-length"), Key("code-length-detail"), "";
    Attachments = "E_ATTACHMENTS", CONFLICT, Key("code-attachments"), Key("code-attachments-detail"), "";
    MediaType = "E_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE, Key("code-media-type"), Key("code-media-type-detail"), "";
    Claimed = "E_CLAIMED", CONFLICT, Key("code-claimed"), Key("code-claimed-detail"), "";
    Absent = "E_ABSENT", CONFLICT, Key("code-absent"), Key("code-absent-detail"), "";
    StaleStep = "E_STALE_STEP", CONFLICT, Key("code-stale-step"), Key("code-stale-step-detail"), "";
    FourEyes = "E_FOUR_EYES", FORBIDDEN, Key("code-four-eyes"), Key("code-four-eyes-detail"), "LGPD art. 46";
    StepUp = "E_STEP_UP", FORBIDDEN, Key("code-step-up"), Key("code-step-up-detail"), "LGPD art. 46";
    Held = "E_HELD", FORBIDDEN, Key("code-held"), Key("code-held-detail"), "LGPD art. 46";
    Factor = "E_FACTOR", FORBIDDEN, Key("code-factor"), Key("code-factor-detail"), "LGPD art. 46";
    LastAdmin = "E_LAST_ADMIN", CONFLICT, Key("code-last-admin"), Key("code-last-admin-detail"), "";
    Capacity = "E_CAPACITY", CONFLICT, Key("code-capacity"), Key("code-capacity-detail"), "";
    Doubt = "E_DOUBT", CONFLICT, Key("code-doubt"), Key("code-doubt-detail"), "";
    State = "E_STATE", CONFLICT, Key("code-state"), Key("code-state-detail"), "";
    Conflict = "E_CONFLICT", CONFLICT, Key("code-conflict"), Key("code-conflict-detail"), "";
    Transition = "E_TRANSITION", CONFLICT, Key("code-state"), Key("code-state-detail"), "LGPD art. 8";
    Retroactive = "E_RETROACTIVE", UNPROCESSABLE_ENTITY, Key("code-before-grant"), Key("code-before-grant-detail"), "LGPD art. 8";
    StaleTerm = "E_STALE_TERM", CONFLICT, Key("code-stale-term"), Key("code-stale-term-detail"), "LGPD art. 8 §4";
    Idempotency = "E_IDEMPOTENCY", CONFLICT, Key("code-idempotency"), Key("code-idempotency-detail"), "";
    Precondition = "E_PRECONDITION", PRECONDITION_FAILED, Key("code-precondition"), Key("code-precondition-detail"), "";
    PreconditionRequired = "E_PRECONDITION_REQUIRED", PRECONDITION_REQUIRED, Key("code-precondition-required"), Key("code-precondition-required-detail"), "";
    Rate = "E_RATE", TOO_MANY_REQUESTS, Key("code-rate"), Key("code-rate-detail"), "";
    Audit = "E_AUDIT", SERVICE_UNAVAILABLE, Key("code-audit"), Key("code-audit-detail"), "LGPD art. 37";
    Busy = "E_BUSY", SERVICE_UNAVAILABLE, Key("code-busy"), Key("code-busy-detail"), "";
    Unsure = "E_UNSURE", SERVICE_UNAVAILABLE, Key("code-unsure"), Key("code-unsure-detail"), "";
    DiskFull = "E_DISK_FULL", SERVICE_UNAVAILABLE, Key("code-disk-full"), Key("code-disk-full-detail"), "";
    Internal = "E_INTERNAL", INTERNAL_SERVER_ERROR, Key("code-internal"), Key("code-internal-detail"), "";
    NoRecord = "E_NO_RECORD", FORBIDDEN, Key("code-no-record"), Key("code-no-record-detail"), "LGPD art. 11 I";
    Pending = "E_PENDING", FORBIDDEN, Key("code-pending"), Key("code-pending-detail"), "LGPD art. 11 I";
    Refused = "E_REFUSED", FORBIDDEN, Key("code-refused"), Key("code-refused-detail"), "LGPD art. 18 VIII";
    Revoked = "E_REVOKED", FORBIDDEN, Key("code-revoked"), Key("code-revoked-detail"), "LGPD art. 8 §5";
    Suspended = "E_SUSPENDED", FORBIDDEN, Key("code-suspended"), Key("code-suspended-detail"), "LGPD art. 18 IV";
    Expired = "E_EXPIRED", FORBIDDEN, Key("code-expired"), Key("code-expired-detail"), "LGPD art. 15 I";
    TermsChanged = "E_TERMS_CHANGED", FORBIDDEN, Key("code-terms-changed"), Key("code-terms-changed-detail"), "LGPD art. 8 §6";
    Parent = "E_PARENT", FORBIDDEN, Key("code-parent"), Key("code-parent-detail"), "LGPD art. 8 §4";
    Guardian = "E_GUARDIAN", FORBIDDEN, Key("code-guardian"), Key("code-guardian-detail"), "LGPD art. 14 §1";
    BeforeGrant = "E_BEFORE_GRANT", FORBIDDEN, Key("code-before-grant"), Key("code-before-grant-detail"), "LGPD art. 8 §5";
    Scope = "E_SCOPE", FORBIDDEN, Key("code-scope"), Key("code-scope-detail"), "LGPD art. 6 I";
    NotNecessary = "E_NOT_NECESSARY", FORBIDDEN, Key("code-not-necessary"), Key("code-not-necessary-detail"), "LGPD art. 6 III";
    Erased = "E_ERASED", FORBIDDEN, Key("code-erased"), Key("code-erased-detail"), "LGPD art. 18 VI";
    Blocked = "E_BLOCKED_18_IV", FORBIDDEN, Key("code-blocked"), Key("code-blocked-detail"), "LGPD art. 18 IV";
    UnknownPurpose = "E_UNKNOWN_PURPOSE", UNPROCESSABLE_ENTITY, Key("code-unknown-purpose"), Key("code-unknown-purpose-detail"), "LGPD art. 6 I";
    NotAsked = "E_NOT_ASKED", UNPROCESSABLE_ENTITY, Key("code-not-asked"), Key("code-not-asked-detail"), "LGPD art. 6 I";
    Prohibited = "E_PROHIBITED", FORBIDDEN, Key("code-prohibited"), Key("code-prohibited-detail"), "LGPD art. 11 §4";
    NoCarePlan = "E_NO_CARE_PLAN", FORBIDDEN, Key("code-no-care-plan"), Key("code-no-care-plan-detail"), "LGPD art. 11 II f";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_again_by_its_name_and_refuses() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
            assert!(code.name().starts_with("E_") && code.status().as_u16() >= 400);
        }
    }
}
