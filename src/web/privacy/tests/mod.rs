//! Every look is noted, and a patient gets what is theirs.

pub(crate) mod accesses;
pub(crate) mod own_data;
