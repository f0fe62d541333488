//! The layers inside the crates: their order, and the check of it.

mod check;
mod order;

pub(crate) use self::{check::problems, order::orders};
