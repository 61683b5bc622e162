//! One file per noun of the command line.

pub(super) mod audit;
pub(super) mod backup;
pub(super) mod consent;
pub(super) mod device;
pub(super) mod doctor;
pub(super) mod init;
pub(super) mod keys;
pub(super) mod patient;
pub(super) mod user;
