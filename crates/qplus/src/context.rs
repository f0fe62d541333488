//! The state of the adapter, shared by all handlers.

use std::sync::Arc;

use relive_core::{Core, Dialect, Session};

use crate::{code::Code, config::Config};

/// The core and the settings of the adapter.
pub(crate) struct Context {
    pub(crate) core: Core,
    pub(crate) config: Config,
}

impl Context {
    /// Finds the session of a `sessionId` and extends it (contract qplus §2).
    pub(crate) async fn session(&self, token: &str) -> Result<Arc<Session>, Code> {
        // Every issued token has 32 bytes.
        if token.len() != 32 {
            return Err(Code::SessionExpired);
        }
        Ok(self.core.sessions().authenticate(Dialect::Qplus, token).await?)
    }
}
