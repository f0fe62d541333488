//! Password checks: the threads that hash, and the throttle against guessing.

pub(crate) mod hasher;
pub(crate) mod throttle;
