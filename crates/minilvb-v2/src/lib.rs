//! minilvb-v2: 小直播 (`XiaoZhiBo`), second generation, one path per call. Source: seed 001, contract minilvb-v2.
//!
//! * **Transport.** `POST /<name>` with one JSON object of at most 64 KiB, of any content type; an empty body means
//!   `{}`. `/interface.php/<name>`, the path behind the rewrite rule of the original server, is the same call, and each
//!   path may end with one slash.
//! * **Envelope.** Always HTTP 200 and `{"code":…,"message":"…","data":{…}}`; code 200 is success, and `data` is `{}`
//!   if the call returns no data. The codes are in `code`.
//! * **Authentication.** `/login` opens a session and ends the older one of the same user. Every call but
//!   `/register`, `/login` and `/refresh` needs a proof of the session: the header `Liteav-Sig` over the bytes of the
//!   body, as the apps send it, or `Authorization: Bearer <token>`, or a field `token` (`identity`). A user id alone is
//!   no proof.
//! * **Quirks kept on purpose.** Counters of a replay are sent in the four spellings that apps read; `keyTime` is
//!   joined by `;`; times are texts in a fixed offset from UTC; upload calls require fewer fields than their seed
//!   lists, because apps leave some out.
//!
//! The notices of the media cloud (`/callback/…`) for both generations are received by the adapter of the first one.

mod account;
mod cloud;
mod code;
mod config;
mod envelope;
mod fields;
mod identity;
mod interface;
mod local_time;
mod page;
mod replay;
mod room;
mod short_video;
#[cfg(test)]
mod tests;

use http::{Method, StatusCode};
use relive_core::{Client, Core, Error};
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};

use crate::{code::Code, envelope::Answer, identity::Context, interface::Api};
pub use crate::{
    config::{Config, IndexMode},
    fields::admits_user_id,
};

/// Largest accepted body in bytes.
const BODY_LIMIT: usize = 65_536;
/// Deepest accepted nesting of a body.
const DEPTH_LIMIT: u8 = 64;

/// The adapter.
#[derive(Debug)]
pub struct MinilvbV2 {
    core: Core,
    config: Config,
}

impl MinilvbV2 {
    /// Makes an adapter that uses this core.
    pub fn new(core: Core, config: Config) -> Self {
        if core.cloud().user_sig(&"relive".into()).is_none() {
            tracing::warn!(
                adapter = "minilvb-v2",
                "no IM secret is configured: /login returns an empty userSig"
            );
        }
        Self { core, config }
    }

    async fn answer(&self, api: Api, request: &Request) -> Result<Answer, Code> {
        if request.method != Method::POST {
            return Err(Code::BadRequest("POST only"));
        }
        let Body::Whole(body) = &request.body else {
            return Err(Code::InvalidParameter("body too large"));
        };
        let object = if body.is_empty() { Object::default() } else { Object::parse(body, DEPTH_LIMIT)? };
        let core = self.core.for_client(Client { address: request.client, is_exempt: request.is_exempt });
        let cx = Context {
            core: &core,
            config: &self.config,
            headers: &request.headers,
            client: request.client,
            body,
            object: &object,
        };
        api.answer(&cx).await
    }
}

impl Adapter for MinilvbV2 {
    fn name(&self) -> &'static str {
        "minilvb-v2"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Api::TABLE
    }

    fn endpoint(&self, _method: &Method, path: &str) -> Option<Endpoint> {
        Api::at(path).map(|_| Endpoint { body_limit: BODY_LIMIT })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(async move {
            let Some(api) = Api::at(request.path()) else {
                let refusal = Answer::from(Code::BadRequest("unknown API"));
                return refusal.into_reply("unknown").with_status(StatusCode::NOT_FOUND);
            };
            self.answer(api, request).await.unwrap_or_else(Answer::from).into_reply(api.row().name)
        })
    }

    fn busy(&self, request: &Request) -> Reply {
        let name = Api::at(request.path()).map_or("unknown", |api| api.row().name);
        Answer::from(Code::from(Error::Busy)).into_reply(name)
    }
}
