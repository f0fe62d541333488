//! The adapter's state, which every handler gets, and the look-up of sessions in it.

use std::sync::Arc;

use relive_core::{Core, Dialect, Session};

use crate::{code::Code, config::Config};

/// The core and the settings of the adapter.
pub(crate) struct Context {
    pub(crate) core: Core,
    pub(crate) config: Config,
}

impl Context {
    /// The session of a `sessionId`; every use prolongs it (contract qplus §2).
    pub(crate) async fn session(&self, token: &str) -> Result<Arc<Session>, Code> {
        // No other length was ever handed out: nothing to look up.
        if token.len() != 32 {
            return Err(Code::SessionExpired);
        }
        Ok(self.core.sessions().authenticate(Dialect::Qplus, token).await?)
    }
}
