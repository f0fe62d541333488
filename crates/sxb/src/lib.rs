//! The protocol adapter for 随心播 (SuiXinBo, seed 003): a business server behind one script name.
//!
//! * **Transport.** Any method on `…/index.php?svc=S&cmd=C`; the query alone names the call. The body is one JSON
//!   object of any content type; an empty body means `{}`. The HTTP status is always 200, except 503 for a cloud
//!   callback that could not be stored.
//! * **Envelope.** `errorCode`, `errorInfo` and, with the same text, `errInfo`; `data` only if the call returns data.
//! * **Authentication.** Most calls require a `token` from login in their body. An account has one session: a login
//!   ends the previous one, and each use extends it. The seed's `timeStamp` and `sign` are ignored unless
//!   [`Config::require_sign`] demands them.
//! * **Order of checks.** Call known, body JSON, body an object, (sign,) token, fields, state.
//! * **Two profiles.** Two details of `recordlist` changed after the seed was written; the path that a client uses
//!   selects one of the two forms, see [`Config::client_profile`].
//!
//! **Invariant:** each call is decoded, runs operations of [`relive_core`], and is encoded. There is no HTTP server
//! and no SQL in this crate.

mod access;
mod account;
mod audience;
mod call;
mod callback;
mod code;
mod config;
mod context;
mod envelope;
mod fields;
mod identity;
mod interface;
mod list;
mod recording;
mod room;
mod route;
mod signature;

use http::{Method, StatusCode};
use relive_core::{Client, Core};
use relive_wire::{Adapter, Body, Endpoint, Interface, JsonError, Object, Reply, ReplyFuture, Request};

use crate::{
    call::{Input, caller},
    code::Code,
    context::Context,
    envelope::{Payload, reply},
    fields::Fields,
    interface::Api,
    route::{Profile, Routes},
};
pub use crate::{
    config::Config,
    identity::{admits_user_id, sent_passwords, stored_password},
};

/// The metric label of a request that names no call.
const UNKNOWN: &str = "unknown";

/// Deepest accepted nesting of a body: the original server's limit.
const MAX_DEPTH: u8 = 12;

/// Largest accepted body in bytes.
const BODY_LIMIT: usize = 64 * 1024;

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
///     is_exempt: true,
/// };
/// let reply = sxb.call(&request).await;
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
    /// Makes an adapter that uses this core.
    pub fn new(core: Core, config: Config) -> Self {
        let routes = Routes::new(&config);
        Self { core, config, routes }
    }

    async fn answer(&self, request: &Request) -> Reply {
        let Some(api) = Api::named(request.query()) else { return reply(UNKNOWN, Err(Code::BadRequest)) };
        reply_of(api, self.outcome(api, request).await)
    }

    async fn outcome(&self, api: Api, request: &Request) -> Result<Payload, Code> {
        let core = self.core.for_client(Client { address: request.client, is_exempt: request.is_exempt });
        let cx = &Context { core: &core, config: &self.config, routes: &self.routes };
        let Body::Whole(body) = &request.body else { return Err(Code::BadJson) };
        let object = match Object::parse(body, MAX_DEPTH) {
            Ok(object) => object,
            Err(JsonError::Empty) => Object::default(),
            Err(JsonError::Malformed | JsonError::Null) => return Err(Code::BadJson),
            Err(JsonError::NotAnObject) => return Err(Code::NotAnObject),
        };
        let fields = Fields(&object);
        if cx.config.require_sign && api != Api::Callback {
            signature::check(request, fields, cx.config, cx.core.now())?;
        }
        let caller = if api.needs_token() { Some(caller(cx, fields).await?) } else { None };
        let profile = cx.routes.profile(request.path()).unwrap_or(Profile::Seed);
        api.carry_out(cx, Input { fields, body, profile, caller }).await
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

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(self.answer(request))
    }

    fn busy(&self, request: &Request) -> Reply {
        Api::named(request.query())
            .map_or_else(|| reply(UNKNOWN, Err(Code::Busy)), |api| reply_of(api, Err(Code::Busy)))
    }
}

/// Writes the reply of a call. The cloud repeats a notice only if the HTTP status is not 200.
fn reply_of(api: Api, outcome: Result<Payload, Code>) -> Reply {
    let not_stored = api == Api::Callback && matches!(outcome, Err(Code::Busy | Code::Internal));
    let reply = reply(api.row().name, outcome);
    if not_stored { reply.with_status(StatusCode::SERVICE_UNAVAILABLE) } else { reply }
}
