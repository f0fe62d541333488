//! The QPlus/Gotye live server's protocol: `/live/<Api>`, the dialect of seed 004.
//!
//! * **Transport.** Every call is a POST with one JSON object, whatever `Content-Type` says (iOS sends JSON as a form);
//!   `GET /live/GetUserHeadPic?id=N` alone is a GET and answers a picture. Paths are exact and case-sensitive. Bodies
//!   may have 64 KiB, with a head picture 16 MiB; a larger one is the only reply with an HTTP status other than 200.
//! * **Requests.** Member names match in any ASCII casing, missing, `null` and zero are the same: see `fields`.
//! * **Replies.** `{"access":"/live/<Api>","status":N,"desc":"…"}` and, on success, the call's own members beside
//!   them: see `envelope`. Codes and texts: see `code`.
//! * **Sessions.** Login opens one, up to 16 per account; its id travels as `sessionId` in the body and dies after an
//!   hour of silence. Order of checks: body, types, session, rules for the fields, state.
//! * **Quirks kept on purpose.** The anchor password goes out under two spellings; the lists' cursor lives on the
//!   server, one per session and list; a push stays on air a little longer than it asked for, because clients renew at
//!   the very second it would end.
//!
//! The interface table is in `interface`, one file per group of calls beside it. This crate decodes, calls the core and
//! encodes; it knows no HTTP server and no storage.

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
use relive_core::Core;
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};

use crate::{code::Code, context::Context, fields::Input, interface::Api};
pub use crate::{
    config::{Config, ExposeAnchorPassword, PasswordReset},
    delivery::{CodeDelivery, DeliveryError, DeliveryFuture, VerificationCode},
};

/// Deepest nesting of a body.
const DEPTH: u8 = 64;
/// Largest body in bytes.
const BODY: usize = 64 * 1024;
/// Largest body with a head picture in bytes: one client sends a second, full-size picture along (contract qplus §1.1).
const PICTURE_BODY: usize = 16 * 1024 * 1024;

/// The adapter.
pub struct Qplus(Context);

impl Qplus {
    /// An adapter over this core.
    pub fn new(core: Core, config: Config) -> Self {
        Self(Context { core, config })
    }

    async fn answer(&self, request: &Request) -> Reply {
        let Some(api) = Api::at(request.path()) else {
            return envelope::reply("unknown", Err(Code::Param)).with_status(StatusCode::NOT_FOUND);
        };
        let name = api.row().name;
        let Body::Whole(body) = &request.body else {
            return envelope::reply(name, Err(Code::Param)).with_status(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let object = match api {
            Api::GetUserHeadPic => Object::default(),
            // The original never looked at the method and found an empty body.
            _ if request.method != Method::POST => return envelope::reply(name, Err(Code::Param)),
            _ => match Object::parse(body, DEPTH) {
                Ok(object) => object,
                Err(_) => return envelope::reply(name, Err(Code::Param)),
            },
        };
        let input = Input { client: request.client, query: request.query(), body: object };
        envelope::reply(name, api.answer(&self.0, &input).await)
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
            Api::ModifyUserHeadPic => PICTURE_BODY,
            _ => BODY,
        };
        Some(Endpoint { body_limit })
    }

    fn call(&self, request: Request) -> ReplyFuture<'_> {
        Box::pin(async move { self.answer(&request).await })
    }
}
