//! Password checks: the threads that hash, the queue before them, and the throttle against guessing.

pub(crate) mod hasher;
pub(crate) mod queue;
mod recent;
pub(crate) mod throttle;
