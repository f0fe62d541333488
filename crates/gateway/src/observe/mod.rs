//! Log lines and metrics. They never contain a body, a query value, a token or a key.

pub(crate) mod logging;
pub(crate) mod recorder;
pub(crate) mod repeats;
pub(crate) mod series;
