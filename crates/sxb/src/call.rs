//! From a request to a reply: the checks that come before a call's own, in their order (contract sxb §2.3).

use std::net::IpAddr;

use http::{Method, StatusCode};
use relive_core::{AccountId, Dialect};
use relive_wire::{Body, JsonError, Object, Reply, Request};

use crate::{
    Sxb,
    code::Code,
    envelope::{Payload, preflight, reply},
    fields::Fields,
    interface::Api,
    route::Profile,
    signature,
};

/// The original's limit; deeper is a JSON error.
const MAX_DEPTH: u8 = 12;

/// The metric label of what names no call.
const UNKNOWN: &str = "unknown";

/// What a call decodes its request from.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The members of the body.
    pub(crate) fields: Fields<'a>,
    /// The body as it came.
    pub(crate) body: &'a [u8],
    /// What the client expects, by the path it used.
    pub(crate) profile: Profile,
    /// Where the client is.
    pub(crate) client: IpAddr,
    /// Who has logged in, for calls that need it.
    caller: Option<AccountId>,
}

/// A request by somebody who has logged in.
pub(crate) struct Authed<T> {
    pub(crate) caller: AccountId,
    pub(crate) request: T,
}

impl<'a, T: TryFrom<Input<'a>, Error = Code>> TryFrom<Input<'a>> for Authed<T> {
    type Error = Code;

    fn try_from(input: Input<'a>) -> Result<Self, Code> {
        let caller = input.caller.ok_or(Code::TokenExpired)?;
        Ok(Self { caller, request: T::try_from(input)? })
    }
}

/// Answers whatever comes.
pub(crate) async fn answer(sxb: &Sxb, request: &Request) -> Reply {
    if request.method == Method::OPTIONS {
        return preflight(UNKNOWN);
    }
    let Some(api) = named(request.query()) else { return reply(UNKNOWN, Err(Code::BadRequest)) };
    let outcome = outcome(sxb, api, request).await;
    // The cloud asks again only if the status tells it to.
    let lost = api == Api::Callback && matches!(outcome, Err(Code::Busy | Code::Internal));
    let reply = reply(api.row().name, outcome);
    if lost { reply.with_status(StatusCode::SERVICE_UNAVAILABLE) } else { reply }
}

/// The call a query names.
fn named(query: &str) -> Option<Api> {
    // Hardly any client escapes what needs no escape.
    if query.contains(['%', '+']) {
        among(form_urlencoded::parse(query.as_bytes()))
    } else {
        among(query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
    }
}

/// The call some parameters name; of a repeated one the last counts.
fn among<T: AsRef<str>>(parameters: impl Iterator<Item = (T, T)>) -> Option<Api> {
    let (mut svc, mut cmd) = (None, None);
    for (name, value) in parameters {
        match name.as_ref() {
            "svc" => svc = Some(value),
            "cmd" => cmd = Some(value),
            _ => {}
        }
    }
    Api::find(&[svc?.as_ref(), cmd?.as_ref()].join("/"))
}

async fn outcome(sxb: &Sxb, api: Api, request: &Request) -> Result<Payload, Code> {
    let Body::Whole(body) = &request.body else { return Err(Code::BadJson) };
    let object = match Object::parse(body, MAX_DEPTH) {
        Ok(object) => object,
        Err(JsonError::Empty) => Object::default(),
        Err(JsonError::Malformed | JsonError::NotAnObject { null: true }) => return Err(Code::BadJson),
        Err(JsonError::NotAnObject { null: false }) => return Err(Code::NotAnObject),
    };
    let fields = Fields(&object);
    if sxb.config.require_sign && api != Api::Callback {
        signature::check(request, fields, &sxb.config, sxb.core.now())?;
    }
    let caller = if api.needs_token() { Some(caller(sxb, fields).await?) } else { None };
    let profile = sxb.routes.profile(request.path()).unwrap_or(Profile::Seed);
    api.carry_out(sxb, Input { fields, body, profile, client: request.client, caller }).await
}

async fn caller(sxb: &Sxb, fields: Fields<'_>) -> Result<AccountId, Code> {
    let token = fields.filled("token")?;
    Ok(sxb.core.sessions().account(Dialect::Sxb, token).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_means_the_same_whether_it_is_unescaped_or_not() {
        for query in [
            "svc=live&cmd=heartbeat",
            "cmd=heartbeat&a=b=c&svc=live",
            "svc=x&svc=live&cmd=y&cmd=heartbeat",
            "&&svc=live&=&cmd=heartbeat&",
            "svc=live",
            "svc&cmd",
            "svc=live&cmd=heartbeat=",
            "SVC=live&cmd=heartbeat",
            "svc=\u{76f4}&cmd=heartbeat",
            "",
        ] {
            assert_eq!(named(query), among(form_urlencoded::parse(query.as_bytes())), "{query}");
        }
        assert_eq!(named("svc=x&svc=live&cmd=heartbeat"), Api::find("live/heartbeat"));
        assert_eq!(named("s%76c=l%69ve&cmd=heartbea%74"), Api::find("live/heartbeat"));
        assert_eq!(named("svc=live&cmd=heart+beat"), None);
    }
}
