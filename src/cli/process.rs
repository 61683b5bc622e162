//! What the process asks of the system before anything else.

/// Everything that is written, by us or by a library, is for its owner only: database, backups, exports, logs.
pub(super) fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
}

/// Raises the number of descriptors to what the system allows this process, and says how many that is.
pub(super) fn raise_descriptors() -> u64 {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // Where raising is refused, what there was still holds.
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        let allowed = if raised.is_ok() { maximum } else { current };
        allowed.unwrap_or(1_048_576)
    }
    #[cfg(not(unix))]
    8_192
}
