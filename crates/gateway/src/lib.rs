//! The relive server: everything between a socket and a protocol adapter, and everything an operator touches.

mod observe;

pub mod config;
