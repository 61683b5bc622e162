//! What measurements stand on: a site, a load, devices, meters.

pub(in crate::bench) mod child;
pub(in crate::bench) mod colleagues;
pub(in crate::bench) mod dashboard;
pub(in crate::bench) mod device;
pub(in crate::bench) mod history;
pub(in crate::bench) mod limits;
pub(in crate::bench) mod load;
pub(in crate::bench) mod lone;
pub(in crate::bench) mod measure;
pub(in crate::bench) mod meter;
pub(in crate::bench) mod node;
pub(in crate::bench) mod seed;
pub(in crate::bench) mod site;
pub(in crate::bench) mod source;
pub(in crate::bench) mod strangers;
pub(in crate::bench) mod wire;
