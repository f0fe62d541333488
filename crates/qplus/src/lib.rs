//! The QPlus/Gotye live server's protocol: `/live/<Api>`, the dialect of seed 004.
//!
//! * **Transport.** Every call is a POST with one JSON object, of any content type (iOS sends JSON as a form). The only
//!   exception is `GET /live/GetUserHeadPic?id=N`, which answers a picture. Paths are case-sensitive. The largest body
//!   is 64 KiB, with a head picture 16 MiB; only a larger one gets an HTTP status other than 200.
//! * **Requests.** Member names match in any ASCII casing; missing, `null` and zero are the same (`fields`).
//! * **Envelope.** `{"access":"/live/<Api>","status":N,"desc":"…"}` and, on success, the members of the call
//!   (`envelope`). Codes and texts are in `code`.
//! * **Authentication.** `Login` opens a session, up to 16 per account. Calls name it as `sessionId` in the body; it
//!   expires after an hour without a call.
//! * **Order of checks.** Body, types, session, rules for the fields, state.
//! * **Quirks kept on purpose.** The anchor password is sent under two spellings; the cursor of a list is kept on the
//!   server, one per session and list; a push stays on air a little longer than requested, because clients renew it in
//!   the very second in which it would end.
//!
//! **Invariant:** each call is decoded, runs operations of the core, and is encoded. There is no HTTP server and no
//! SQL in this crate.

mod account;
mod code;
mod config;
mod context;
mod delivery;
mod envelope;
mod fields;
mod interface;
mod list;
mod password;
mod picture;
mod room;
mod room_object;
mod stream;

use http::{Method, StatusCode};
use relive_core::{Client, Core};
use relive_wire::{
    Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request, replace_lone_surrogates,
};

use crate::{code::Code, context::Context, fields::Input, interface::Api};
pub use crate::{
    config::{Config, ExposeAnchorPassword, PasswordReset},
    delivery::{CodeDelivery, DeliveryError, DeliveryFuture, VerificationCode},
};

/// Deepest accepted nesting of a body.
const DEPTH: u8 = 64;
/// Largest accepted body in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// Largest accepted body with a head picture in bytes. One client sends a second, full-size picture in it (contract
/// qplus §1.1).
const PICTURE_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The adapter.
pub struct Qplus {
    core: Core,
    config: Config,
}

impl Qplus {
    /// Makes an adapter that uses this core.
    pub fn new(core: Core, config: Config) -> Self {
        Self { core, config }
    }

    async fn answer(&self, request: &Request) -> Reply {
        let Some(api) = Api::at(request.path()) else {
            return envelope::reply("unknown", Err(Code::Param)).with_status(StatusCode::NOT_FOUND);
        };
        let name = api.row().name;
        let Body::Whole(body) = &request.body else {
            return envelope::reply(name, Err(Code::Param)).with_status(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = replace_lone_surrogates(body);
        let object = match api {
            Api::GetUserHeadPic => Object::default(),
            // The original server ignored the method and refused the empty body of other methods.
            _ if request.method != Method::POST => return envelope::reply(name, Err(Code::Param)),
            _ => match Object::parse(&body, DEPTH) {
                Ok(object) => object,
                Err(_) => return envelope::reply(name, Err(Code::Param)),
            },
        };
        let core = self.core.for_client(Client { address: request.client, is_exempt: request.is_exempt });
        let cx = Context { core: &core, config: &self.config };
        let input = Input { query: request.query(), body: object };
        envelope::reply(name, api.answer(&cx, &input).await)
    }
}

impl Adapter for Qplus {
    fn name(&self) -> &'static str {
        "qplus"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Api::TABLE
    }

    fn endpoint(&self, _: &Method, path: &str) -> Option<Endpoint> {
        let body_limit = match Api::at(path)? {
            Api::ModifyUserHeadPic => PICTURE_BODY_LIMIT,
            _ => BODY_LIMIT,
        };
        Some(Endpoint { body_limit })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(self.answer(request))
    }

    fn busy(&self, request: &Request) -> Reply {
        let name = Api::at(request.path()).map_or("unknown", |api| api.row().name);
        envelope::reply(name, Err(Code::Server))
    }
}
