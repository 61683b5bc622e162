//! What can be done with people, devices, consents and keys, as `--help` tells it.

use clap::{Args, Subcommand, ValueEnum};

use domain::Inscription;

/// A role that somebody signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    Agent,
    Technician,
    Clinician,
    Manager,
    Auditor,
    Dpo,
    Admin,
    Patient,
}

/// People who sign in.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add somebody; prints {"id", "link"}: the one-time link sets the password
    Add {
        /// As what
        #[arg(long, value_enum)]
        role: RoleName,
        /// E-mail address to sign in with
        #[arg(long)]
        email: String,
        /// Full name
        #[arg(long)]
        name: String,
        /// For the role patient: whose record it is
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
    },
    /// List them
    List,
    /// Print a one-time link that sets a new password
    Reset {
        /// E-mail address
        email: String,
    },
    /// Give somebody another role; their sessions end
    Role {
        /// E-mail address
        email: String,
        /// As what
        #[arg(value_enum)]
        role: RoleName,
    },
    /// End a sign-in and its sessions, until it is unlocked
    Disable {
        /// E-mail address
        email: String,
    },
    /// Vouch for what somebody else did to an account, after asking its owner
    Vouch {
        /// E-mail address
        email: String,
    },
    /// Let a disabled sign-in in again, and forget its failed attempts
    Unlock {
        /// E-mail address
        email: String,
    },
}

/// Signing in at a running node.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// E-mail address
    #[arg(long)]
    pub email: String,
    /// The six digits of the second factor, where one is set
    #[arg(long, value_name = "DIGITS")]
    pub totp: Option<String>,
}

/// Patients.
#[derive(Debug, Subcommand)]
pub(crate) enum Patient {
    /// Register one; prints {"id"}
    Add {
        /// Full name
        #[arg(long)]
        name: String,
        /// YYYY-MM-DD
        #[arg(long, value_name = "DATE")]
        born: String,
        /// CPF
        #[arg(long)]
        cpf: Option<String>,
        /// CNS
        #[arg(long)]
        cns: Option<String>,
        /// E-mail
        #[arg(long)]
        email: Option<String>,
        /// Telephone
        #[arg(long)]
        phone: Option<String>,
        /// IANA time zone
        #[arg(long, default_value = "America/Sao_Paulo")]
        zone: String,
        /// pt-BR or en
        #[arg(long, default_value = "pt-BR")]
        language: String,
    },
    /// List ids and since when; names only with --names
    List {
        /// Show names
        #[arg(long)]
        names: bool,
    },
}

/// Wearables.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Enrol one; prints {"id", "token"}: MQTT user name and password, the token only now
    Add {
        /// What people call it
        #[arg(long)]
        label: Inscription,
        /// Maker and model
        #[arg(long)]
        model: Inscription,
        /// The maker's serial number
        #[arg(long)]
        serial: Option<Inscription>,
        /// Bind it to this patient at once
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
    },
    /// Another token; two hold at once, so a device can change over; prints {"id", "token", "token_id"}
    Token {
        /// The device's id
        device: String,
    },
    /// It measures this patient from now on, or from an instant
    Bind {
        /// The device's id
        device: String,
        /// The patient's id
        patient: String,
        /// RFC 3339 [default: now]
        #[arg(long, value_name = "INSTANT")]
        from: Option<String>,
        /// Charts and rules prefer it to the patient's other devices
        #[arg(long)]
        preferred: bool,
    },
    /// It measures nobody from now on, or from an instant
    Unbind {
        /// The device's id
        device: String,
        /// Whose binding is meant: their id; also one that ended later than it should have [default: whoever has it]
        #[arg(long)]
        patient: Option<String>,
        /// RFC 3339 [default: now]
        #[arg(long, value_name = "INSTANT")]
        at: Option<String>,
    },
    /// End one token and the connection that came with it
    RevokeToken {
        /// The device's id
        device: String,
        /// The token's id (jti)
        #[arg(value_name = "TOKEN_ID")]
        id: String,
    },
    /// It may not connect any more: every token ends, and its connection
    Disable {
        /// The device's id
        device: String,
    },
    /// It may connect again, with a new token
    Enable {
        /// The device's id
        device: String,
    },
    /// List them
    List,
}

/// Consent.
#[derive(Debug, Subcommand)]
pub(crate) enum Consent {
    /// A yes to the current term; prints {"id", "purpose", "state", "epoch"}
    Grant {
        /// The patient's id
        patient: String,
        /// As in telemetry.collect
        purpose: String,
        /// Readings from when, RFC 3339; earlier than now only in a first grant
        #[arg(long, value_name = "INSTANT")]
        measured_from: Option<String>,
        /// Which language's term
        #[arg(long, default_value = "pt-BR")]
        lang: String,
    },
    /// A yes is taken back, and every purpose that leans on it
    Revoke {
        /// The patient's id
        patient: String,
        /// As in telemetry.collect
        purpose: String,
    },
    /// A patient's consents as they stand
    List {
        /// The patient's id
        patient: String,
    },
}

/// Key files.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Files, epochs and fingerprints; never a key
    List,
    /// Make the next epoch of the key-encryption key; new data keys are wrapped by it
    Generate,
    /// Wrap every data key again under the newest epoch, some at a time; a running node does so by itself
    Rewrap,
    /// End an epoch that wraps no key any more: its file is not asked for again
    Retire {
        /// Which
        epoch: u32,
    },
}
