//! The rules over real tables, without a runtime, a thread or a read model.

mod account;
mod audience;
mod broadcast;
mod recording;
mod session;
mod stream_code;
mod tables;
