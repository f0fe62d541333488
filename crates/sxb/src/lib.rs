//! The protocol adapter for 随心播 (SuiXinBo, seed 003): a business server behind one script name.
//!
//! * **Transport.** Any method on `…/index.php?svc=S&cmd=C`; the query alone names the call, the body is one JSON object
//!   whatever its content type says (none: `{}`). HTTP status is always 200, except 503 for a cloud callback that could
//!   not be stored. Every reply may be read by any web page.
//! * **Envelope.** `errorCode`, `errorInfo` and, with the same text, `errInfo`; `data` only where there is something to
//!   say.
//! * **Authentication.** A `token` from login in the body of every call that somebody makes who has logged in; one per
//!   account, the last login wins, each use prolongs it. The seed's `timeStamp` and `sign` are ignored unless
//!   [`Config::require_sign`] asks for them.
//! * **Order of checks.** Call known, body JSON, body an object, (sign,) token, fields, state.
//! * **Two profiles.** Two details of `recordlist` changed after the seed was written; which of both a client gets
//!   depends on the path it uses, see [`Config::client_profile`].
//!
//! Decodes, calls one operation of [`relive_core`], encodes. Knows no storage and no HTTP server.

mod access;
mod account;
mod audience;
mod call;
mod callback;
mod code;
mod envelope;
mod fields;
mod interface;
mod list;
mod recording;
mod room;
mod route;
mod signature;

use http::Method;
use relive_core::Core;
use relive_wire::{Adapter, Endpoint, Interface, ReplyFuture, Request};
use secrecy::SecretString;

pub use self::account::stored_password;
use crate::{interface::Api, route::Routes};

/// Largest accepted body in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// What an operator may set for this adapter.
#[derive(Debug, Clone)]
pub struct Config {
    /// Routes (a path behind the mount, such as `/sxb_dev`) whose clients get the later form of `recordlist`: `playurl`
    /// as an array, `index` as a page number from 1. They are served in addition to the fixed ones (contract sxb §1.5).
    pub client_profile: Vec<String>,
    /// Whether `timeStamp` and `sign` are checked (contract sxb §2.1).
    pub require_sign: bool,
    /// What is appended to the URL before it is hashed for `sign`; may be empty.
    pub sign_secret: SecretString,
    /// Seconds by which `timeStamp` may differ from the server's clock.
    pub sign_window: i64,
    /// Ids of the accounts that may use `account/kickout`.
    pub admins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_profile: vec!["/sxb_dev".to_owned(), "/sxb_new".to_owned()],
            require_sign: false,
            sign_secret: SecretString::default(),
            sign_window: 300,
            admins: Vec::new(),
        }
    }
}

/// The adapter.
///
/// ```
/// # use std::sync::Arc;
/// # use relive_core::{Core, SystemClock, SystemRandom};
/// # use relive_wire::{Adapter, Body, Request};
/// # let folder = tempfile::tempdir()?;
/// # let config = relive_core::Config::sqlite(folder.path().join("relive.db"));
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom))?;
/// let sxb = sxb::Sxb::new(core, sxb::Config::default());
/// let request = Request {
///     method: http::Method::GET,
///     uri: "/index.php".parse()?,
///     mount_len: 0,
///     headers: http::HeaderMap::new(),
///     body: Body::Whole(bytes::Bytes::new()),
///     client: [127, 0, 0, 1].into(),
/// };
/// let reply = sxb.call(request).await;
/// assert_eq!((reply.status.as_u16(), reply.code), (200, 10001));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sxb {
    core: Core,
    config: Config,
    routes: Routes,
}

impl Sxb {
    /// An adapter over this core.
    pub fn new(core: Core, config: Config) -> Self {
        let routes = Routes::new(&config.client_profile);
        Self { core, config, routes }
    }
}

impl Adapter for Sxb {
    fn name(&self) -> &'static str {
        "sxb"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Api::TABLE
    }

    fn endpoint(&self, _method: &Method, path: &str) -> Option<Endpoint> {
        self.routes.profile(path).map(|_| Endpoint { body_limit: BODY_LIMIT })
    }

    fn call(&self, request: Request) -> ReplyFuture<'_> {
        Box::pin(async move { call::answer(self, &request).await })
    }
}
