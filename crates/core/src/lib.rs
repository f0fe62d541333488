//! Placeholder: map follows.
mod clock;
mod config;
mod error;
mod random;
pub mod sign;

pub use clock::{Clock, SystemClock, TestClock, UnixSeconds};
pub use config::*;
pub use error::{Error, Result, StartError};
pub use random::{Random, SystemRandom, TestRandom};
