//! roomservice: RoomService of the `LiveRoom` component, through which second-generation 小直播 apps go live, list and watch.
//! Source: contract roomservice.
//!
//! * **Transport.** Any method on `/weapp/live_room/<name>` and `/weapp/utils/<name>`; `userID` and `token` stand in the query.
//!   The body is a JSON object of at most 64 KiB or a form; an empty body means `{}`. Both generations of names are the same
//!   calls (`interface`).
//! * **Envelope.** Always HTTP 200 and `{"code":…,"message":"…","timestamp":…,…}`, with the fields of the reply beside these;
//!   code 0 is success. The codes are in `code`. Every other path below `/weapp/` is HTTP 404.
//! * **Authentication.** `login` takes the `userSig` that minilvb-v2's `/login` hands out, and opens a session that ends when
//!   it is not used for a week (`identity`). A user id in a body must be the caller's.
//! * **Quirks kept on purpose.** `custom` is a text in the room list and an object in the calls about custom fields, because
//!   clients read it so; `merge_stream` succeeds without effect, because clients repeat a failure.

mod account;
mod anchor;
mod audience;
mod code;
mod config;
mod custom;
mod custom_object;
mod envelope;
mod fields;
mod identity;
mod interface;
mod list;
mod room;
mod room_object;
mod stream;

use http::{Method, StatusCode};
use relive_core::{Client, Core, Error};
use relive_wire::{Adapter, Body, Endpoint, Interface, Reply, ReplyFuture, Request};

pub use crate::config::Config;
use crate::{
    code::Code,
    envelope::{Answer, Nothing},
    fields::Input,
    identity::{Context, Parameters},
    interface::{Api, Called},
};

/// Largest accepted body in bytes (contract roomservice §2).
const BODY_LIMIT: usize = 65_536;

/// The adapter.
#[derive(Debug)]
pub struct RoomService {
    core: Core,
    config: Config,
}

impl RoomService {
    /// Makes an adapter that uses this core.
    pub fn new(core: Core, config: Config) -> Self {
        Self { core, config }
    }

    async fn answer(&self, called: Called<'_>, request: &Request) -> Result<Answer, Code> {
        if called.api == Api::Report {
            return Ok(Answer::from(Nothing {}));
        }
        let Body::Whole(body) = &request.body else { return Err(Code::Parameter("body too large")) };
        let core = self.core.for_client(Client { address: request.client, is_exempt: request.is_exempt });
        let input = Input::parse(&request.headers, body)?;
        let parameters = Parameters::new(request.query(), &input);
        let session =
            if called.api.is_open() { None } else { Some(parameters.caller(&core, &input.object).await?) };
        let cx = Context {
            core: &core,
            config: &self.config,
            parameters: &parameters,
            caller: session.as_deref(),
            name: called.name,
        };
        called.api.answer(&cx, &input.object).await
    }

    fn reply(&self, interface: &'static str, answer: Answer) -> Reply {
        answer.into_reply(interface, self.core.now())
    }
}

impl Adapter for RoomService {
    fn name(&self) -> &'static str {
        "roomservice"
    }

    fn interfaces(&self) -> &'static [Interface] {
        Api::TABLE
    }

    fn endpoint(&self, _method: &Method, path: &str) -> Option<Endpoint> {
        path.starts_with("/weapp/").then_some(Endpoint { body_limit: BODY_LIMIT })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(async move {
            let Some(called) = Called::at(request.path()) else {
                let refusal = Answer::from(Code::UnknownInterface);
                return self.reply("unknown", refusal).with_status(StatusCode::NOT_FOUND);
            };
            let answer = self.answer(called, request).await.unwrap_or_else(Answer::from);
            self.reply(called.api.row().name, answer)
        })
    }

    fn busy(&self, request: &Request) -> Reply {
        let name = Called::at(request.path()).map_or("unknown", |called| called.api.row().name);
        self.reply(name, Answer::from(Code::from(Error::Busy)))
    }
}
