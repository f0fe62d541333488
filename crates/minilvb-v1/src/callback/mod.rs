//! The media cloud's notices for both minilvb generations: stream up, stream down, recording ready.
//!
//! An adapter of its own because its paths, its reply and its proof are the same whichever generation is served. The
//! cloud looks at the HTTP status alone and sends a notice again unless that is 200: so it is 200 for everything that a
//! repetition cannot change, refusals included, and 503 where the storage failed.
//!
//! Source: contract minilvb-v1 §6.3, contract minilvb-v2 §6.

mod code;
mod event;
mod interface;

use http::Method;
use relive_core::{
    Core,
    sign::callback::{Notice, NoticeError, authenticate},
};
use relive_wire::{Adapter, Body, Endpoint, Interface, Object, Reply, ReplyFuture, Request};
use secrecy::ExposeSecret as _;

use self::{
    code::Code,
    interface::{Event, dispatch},
};
use crate::fields::DEPTH;

/// The adapter: `/callback/Live_callback.php`, `/callback/tape_callback.php`, `/callback/tape_callback` and
/// `/tape_callback`, all alike, any method. To be mounted when either minilvb adapter is.
#[derive(Debug)]
pub struct Callbacks {
    core: Core,
}

impl Callbacks {
    /// An adapter over a running core, whose configuration has the callback key.
    pub const fn new(core: Core) -> Self {
        Self { core }
    }

    async fn answer(&self, body: Body) -> Reply {
        let notice = match self.believe(&body) {
            Ok(notice) => notice,
            Err(code) => return code.reply("unknown"),
        };
        let event = Event::of(notice.event_type);
        let outcome: Result<Code, Code> = dispatch(event, &self.core, &notice).await;
        outcome.unwrap_or_else(|code| code).reply(event.row().name)
    }

    /// Reads a notice and checks who sent it. The members every notice has are asked for before the signature.
    fn believe(&self, body: &Body) -> Result<Notice, Code> {
        /// Seconds for which a notice is still taken after its `t`: the cloud repeats it for a while.
        const GRACE: i64 = 600;
        let Body::Whole(body) = body else { return Err(Code::Malformed) };
        if Object::parse(body, DEPTH).is_err() {
            return Err(Code::Malformed);
        }
        let notice = Notice::parse(body).map_err(|_| Code::Malformed)?;
        if notice.event_type.is_none() || notice.stream_id.as_ref().is_none_or(String::is_empty) {
            return Err(Code::Incomplete);
        }
        let key = self.core.config().cloud.callback_key.expose_secret();
        match authenticate(&notice, key, self.core.now(), GRACE) {
            Ok(()) => Ok(notice),
            Err(NoticeError::Missing) => Err(Code::Incomplete),
            Err(NoticeError::BadSign | NoticeError::Expired) => Err(Code::Unproven),
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
        /// Above, the answer is "not JSON".
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

    fn call(&self, request: Request) -> ReplyFuture<'_> {
        Box::pin(self.answer(request.body))
    }
}
