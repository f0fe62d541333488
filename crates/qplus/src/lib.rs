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
mod delivery;
mod envelope;
mod fields;
mod interface;
mod list;
mod password;
mod picture;
mod room;
mod stream;

use std::sync::Arc;

use http::{Method, StatusCode};
use relive_core::{Core, Dialect, Session};
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};

pub use self::delivery::{CodeDelivery, DeliveryError, DeliveryFuture};
use self::{code::Code, fields::Input, interface::Api};

/// Deepest nesting of a body.
const DEPTH: u8 = 64;
/// Largest body in bytes.
const BODY: usize = 64 * 1024;
/// Largest body with a head picture in bytes: one client sends a second, full-size picture along (contract qplus §1.1).
const PICTURE_BODY: usize = 16 * 1024 * 1024;

/// What the operator decides for this dialect.
#[derive(Clone)]
pub struct Config {
    /// Who may set a new password by phone number.
    pub password_reset: PasswordReset,
    /// Who is shown a room's anchor password.
    pub expose_anchor_password: ExposeAnchorPassword,
    /// How verification codes reach their phones; `None`: `AuthCode` answers 10001.
    pub delivery: Option<Arc<dyn CodeDelivery>>,
}

/// Who may set a new password by phone number (contract qplus §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum PasswordReset {
    /// Whoever knows the number, as published.
    Open,
    /// Whoever has a session of that account, a code sent to that phone, or a grant by the operator.
    Proof,
    /// Nobody.
    Off,
}

/// Who is shown a room's anchor password, with which one publishes into it (contract qplus §4.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the configuration offers exactly these")]
pub enum ExposeAnchorPassword {
    /// The room's owner.
    Owner,
    /// Everybody who is logged in, as published.
    All,
}

/// The adapter.
pub struct Qplus {
    core: Core,
    config: Config,
}

impl Qplus {
    /// An adapter over this core.
    pub fn new(core: Core, config: Config) -> Self {
        Self { core, config }
    }

    /// The session of a `sessionId`; every use prolongs it (contract qplus §2).
    async fn session(&self, token: &str) -> Result<Arc<Session>, Code> {
        // No other length was ever handed out: nothing to look up.
        if token.len() != 32 {
            return Err(Code::SessionExpired);
        }
        Ok(self.core.sessions().authenticate(Dialect::Qplus, token).await?)
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
        envelope::reply(name, api.answer(self, &input).await)
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
