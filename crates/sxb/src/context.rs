//! What handlers need beside the request itself.

use relive_core::Core;

use crate::{config::Config, route::Routes};

/// The core on behalf of the client, the settings and the paths of the adapter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Core,
    pub(crate) config: &'a Config,
    pub(crate) routes: &'a Routes,
}
