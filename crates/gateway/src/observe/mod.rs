//! What the server tells of itself: log lines and metrics. Never a body, a query value, a token or a key.

pub(crate) mod logging;
pub(crate) mod recorder;
pub(crate) mod series;
