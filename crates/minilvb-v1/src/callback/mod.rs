//! Receives the notices of the media cloud for both minilvb generations: stream started, stream stopped, recording
//! ready.
//!
//! Notices have an adapter of their own, because their paths, replies and signatures are the same in both generations.
//! The cloud repeats a notice unless the HTTP status is 200. Therefore the status is 503 if the storage failed, and 200
//! in all other cases, refusals included: a repetition would not change the outcome.
//!
//! Source: contract minilvb-v1 §6.3, contract minilvb-v2 §6.

mod code;
mod event;
mod interface;

use http::Method;
use relive_core::{
    Core, Seconds,
    sign::callback::{Notice, NoticeError, authenticate},
};
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};

use self::{
    code::Code,
    interface::{Event, dispatch},
};
use crate::fields::DEPTH;

/// The adapter: `/callback/Live_callback.php`, `/callback/tape_callback.php`, `/callback/tape_callback` and
/// `/tape_callback`, which all do the same with any method. Mount it together with either minilvb adapter.
#[derive(Debug)]
pub struct Callbacks {
    core: Core,
}

impl Callbacks {
    /// Makes an adapter that uses this core, whose configuration has the callback key.
    pub const fn new(core: Core) -> Self {
        Self { core }
    }

    async fn answer(&self, body: &Body) -> Reply {
        let notice = match self.verified(body) {
            Ok(notice) => notice,
            Err(code) => return code.reply("unknown"),
        };
        let event = Event::of(notice.event_type);
        let outcome: Result<Code, Code> = dispatch(event, &self.core, &notice).await;
        outcome.unwrap_or_else(|code| code).reply(event.row().name)
    }

    /// Parses a notice and verifies its signature. The members that every notice has are checked before the signature.
    fn verified(&self, body: &Body) -> Result<Notice, Code> {
        /// Length of time for which a notice is accepted after its `t`, because the cloud repeats notices.
        const GRACE: Seconds = Seconds(600);
        let Body::Whole(body) = body else { return Err(Code::Malformed) };
        if Object::parse(body, DEPTH).is_err() {
            return Err(Code::Malformed);
        }
        let notice = Notice::parse(body).map_err(|_| Code::Malformed)?;
        if notice.event_type.is_none() || notice.stream_id.as_ref().is_none_or(String::is_empty) {
            return Err(Code::Incomplete);
        }
        let key = (&self.core.config().cloud.callback_key).into();
        match authenticate(&notice, key, self.core.now(), GRACE) {
            Ok(()) => Ok(notice),
            Err(NoticeError::Missing) => Err(Code::Incomplete),
            Err(NoticeError::BadSign | NoticeError::Expired | NoticeError::TooFar) => Err(Code::Unproven),
        }
    }
}

impl Adapter for Callbacks {
    fn name(&self) -> &'static str {
        "callback"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Event::TABLE
    }

    fn endpoint(&self, _: &Method, path: &str) -> Option<Endpoint> {
        /// A larger body is answered like one that is not a JSON object.
        const BODY_LIMIT: usize = 64 * 1024;
        let ours = matches!(
            path,
            "/callback/Live_callback.php"
                | "/callback/tape_callback.php"
                | "/callback/tape_callback"
                | "/tape_callback"
        );
        ours.then_some(Endpoint { body_limit: BODY_LIMIT })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(self.answer(&request.body))
    }

    fn busy(&self, _: &Request) -> Reply {
        Code::Failed.reply("unknown")
    }
}
