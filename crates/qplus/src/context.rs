//! What handlers need beside the request itself.

use std::sync::Arc;

use relive_core::{Core, Dialect, Session};

use crate::{code::Code, config::Config};

/// The core on behalf of the client, and the settings of the adapter.
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Core,
    pub(crate) config: &'a Config,
}

impl Context<'_> {
    /// Finds the session of a `sessionId` and extends it (contract qplus §2).
    pub(crate) async fn session(&self, token: &str) -> Result<Arc<Session>, Code> {
        // Every issued token has 32 bytes.
        if token.len() != 32 {
            return Err(Code::SessionExpired);
        }
        Ok(self.core.sessions().authenticate(Dialect::Qplus, token).await?)
    }
}
