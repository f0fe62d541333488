//! minilvb-v2: 小直播 (`XiaoZhiBo`), second generation, one path per call. Source: seed 001, contract minilvb-v2.
//!
//! **Transport.** `POST /<name>` with one JSON object of at most 64 KiB, whatever the content type says; no bytes at all
//! mean `{}`. `/interface.php/<name>`, the target behind the original's rewrite rule, is the same, and so is either with
//! one slash at the end.
//!
//! **Envelope.** Always HTTP 200 and `{"code":…,"message":"…","data":{…}}`; 200 is success, `data` is `{}` where there is
//! nothing to say. See `code` for the numbers.
//!
//! **Who calls.** `/login` opens the user's one session. Every call but `/register`, `/login` and `/refresh` proves it: by
//! the header `Liteav-Sig` over the bytes of the body (what the apps do), by `Authorization: Bearer <token>`, or by a
//! field `token`. See `call`. A user id alone never proves anything.
//!
//! **Quirks kept on purpose.** Counters of a replay go out in the four spellings that apps read; `keyTime` is joined by
//! `;`; times are text in a fixed offset from UTC; upload calls ask for less than their seed lists, because apps leave
//! things out.
//!
//! The notices of the media cloud (`/callback/…`) are served by the adapter of the first generation for both.

mod account;
mod call;
mod cloud;
mod code;
mod envelope;
mod fields;
mod interface;
mod list;
mod local_time;
mod replay;
mod room;
mod short_video;
#[cfg(test)]
mod tests;

use http::{Method, StatusCode};
use relive_core::Core;
use relive_wire::{Adapter, Body, Endpoint, Interface, JsonError, Object, ReplyFuture, Request};

use crate::{call::Call, code::Code, envelope::Answer, interface::Api};

/// Largest accepted body in bytes.
const BODY_LIMIT: usize = 65_536;
/// Deepest accepted nesting of a body.
const DEPTH_LIMIT: u8 = 64;

/// How this dialect is to behave. The lives of its tokens are the core's business
/// ([`relive_core::SessionConfig`]), and so are all cloud keys ([`relive_core::CloudConfig`]).
#[derive(Debug, Clone)]
pub struct Config {
    /// Seconds by which a client's clock may be off in either direction (contract minilvb-v2 §2.4).
    pub clock_skew: i64,
    /// What `index` of the two lists counts.
    pub index_mode: IndexMode,
    /// Seconds east of UTC of the times in replies; 28,800 is UTC+8. At most 93,599 either way.
    pub utc_offset: i32,
    /// Age in seconds at which an entry leaves the two lists; 0 = never.
    pub list_window: i64,
    /// Whether `cos_info.Appid` is a JSON number instead of a string, for iOS builds that stop at a string.
    pub cos_appid_as_number: bool,
}

impl Default for Config {
    /// What seed 001 and its clients expect.
    fn default() -> Self {
        Self {
            clock_skew: 300,
            index_mode: IndexMode::Offset,
            utc_offset: 28_800,
            list_window: 7 * 86_400,
            cos_appid_as_number: false,
        }
    }
}

/// What `index` of a list counts (contract minilvb-v2 §8, conflict 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMode {
    /// Entries from 0, as seed 001 has it.
    Offset,
    /// Pages from 1, as the original server had it; 0 is the first page too.
    Page,
}

/// The adapter.
#[derive(Debug)]
pub struct MinilvbV2 {
    core: Core,
    config: Config,
}

impl MinilvbV2 {
    /// An adapter over this core.
    pub fn new(core: Core, config: Config) -> Self {
        if core.cloud().user_sig("relive").is_none() {
            tracing::warn!(
                adapter = "minilvb-v2",
                "no IM secret is configured: /login hands out an empty userSig"
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
        let call = Call {
            core: &self.core,
            config: &self.config,
            headers: &request.headers,
            client: request.client,
            body,
            object: &object,
        };
        api.answer(&call).await
    }
}

impl From<JsonError> for Code {
    fn from(error: JsonError) -> Self {
        Self::InvalidParameter(match error {
            JsonError::Empty | JsonError::Malformed => "body is not JSON",
            JsonError::NotAnObject { .. } => "body is not a JSON object",
        })
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

    fn call(&self, request: Request) -> ReplyFuture<'_> {
        Box::pin(async move {
            let Some(api) = Api::at(request.path()) else {
                let refusal = Answer::from(Code::BadRequest("unknown API"));
                return refusal.into_reply("unknown").with_status(StatusCode::NOT_FOUND);
            };
            self.answer(api, &request).await.unwrap_or_else(Answer::from).into_reply(api.row().name)
        })
    }
}
