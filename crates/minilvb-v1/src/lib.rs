//! The first generation of 小直播 (Mini LVB): one path, the call named by the member `Action` of the body.
//!
//! * **Transport.** `POST /interface.php` with a JSON object, whatever the content type; HTTP status 200 always,
//!   because the apps read nothing else. See [`MinilvbV1`] for the paths.
//! * **Envelope.** `{"returnValue":0,"returnMsg":"…","returnData":{…}}`: all three members in every reply, the data an
//!   object, empty if the call returns no data (`envelope`).
//! * **Authentication.** Requests carry no credential. A user id that is not registered is a guest and may make every
//!   call; the user id of a registered account needs the request signature of the second generation, header
//!   `Liteav-Sig` (`identity`).
//! * **Quirks kept on purpose.** `RequstLVBAddr` is `RequestLVBAddr` (seed 000 spells it so); `status` is 0 = online in
//!   requests and `"1"` = online in lists; `type` 0 of `ChangeCount` still counts viewers (`interface` lists all
//!   calls).
//! * **Order of checks.** Body, `Action`, presence and type and length and range of all fields, defined values,
//!   identity, existence. A refused request changes nothing.
//!
//! The notices of the media cloud for both generations are received by [`Callbacks`], a separate adapter.
//!
//! **Invariant:** each call is decoded, runs one operation of the core, and is encoded. There is no HTTP server and no
//! SQL in this crate.

mod account;
mod audience;
mod callback;
mod code;
mod config;
mod envelope;
mod fields;
mod identity;
mod interface;
mod link_mic;
mod list;
mod live;
mod pusher;
mod upload;

use http::Method;
use relive_core::{Client, Core};
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};

pub use crate::{callback::Callbacks, config::Config, fields::admits_user_id};
use crate::{
    code::{Code, Refusal},
    envelope::Success,
    fields::{DEPTH, Fields},
    identity::Context,
    interface::{Api, dispatch},
};

/// Metric label of a request that names no call.
const UNKNOWN: &str = "unknown";

/// The adapter: `/interface.php` and `/interface.php/` with any method, `POST /`.
///
/// Source: contract minilvb-v1 §1.
#[derive(Debug)]
pub struct MinilvbV1 {
    core: Core,
    config: Config,
}

impl MinilvbV1 {
    /// Makes an adapter that uses this core.
    pub const fn new(core: Core, config: Config) -> Self {
        Self { core, config }
    }

    async fn answer(&self, request: &Request) -> Reply {
        let Body::Whole(body) = &request.body else { return envelope::refuse(UNKNOWN, &Code::Json.into()) };
        let Ok(object) = Object::parse(body, DEPTH) else {
            return envelope::refuse(UNKNOWN, &Code::Json.into());
        };
        let fields = Fields::of(&object);
        let api = match Api::named_by(fields) {
            Ok(api) => api,
            Err(refusal) => return envelope::refuse(UNKNOWN, &refusal),
        };
        let core = self.core.for_client(Client { address: request.client, is_exempt: request.is_exempt });
        let cx = Context::new(&core, self.config, &request.headers, body, fields);
        let outcome: Result<Success, Refusal> = dispatch(api, &cx, fields).await;
        let name = api.row().name;
        match outcome {
            Ok(success) => envelope::accept(name, success),
            Err(refusal) => envelope::refuse(name, &refusal),
        }
    }
}

impl Adapter for MinilvbV1 {
    fn name(&self) -> &'static str {
        "minilvb-v1"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Api::TABLE
    }

    fn endpoint(&self, method: &Method, path: &str) -> Option<Endpoint> {
        /// A larger body is answered with "json format error".
        const BODY_LIMIT: usize = 1024 * 1024;
        let ours = match path {
            "/interface.php" | "/interface.php/" => true,
            "/" => method == Method::POST,
            _ => false,
        };
        ours.then_some(Endpoint { body_limit: BODY_LIMIT })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(self.answer(request))
    }

    fn busy(&self, _: &Request) -> Reply {
        envelope::refuse(UNKNOWN, &Code::Busy.into())
    }
}
