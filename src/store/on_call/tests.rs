//! Schedules in the store, on both backends.
