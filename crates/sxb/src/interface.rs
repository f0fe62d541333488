//! The table of all calls: every call of the seed, and the later calls that can be served. Missing are, for example,
//! the protocol's first generation and `live/linksig`, whose signature is undocumented; such calls are unknown calls.

use relive_wire::interfaces;

use crate::{
    access, account, audience, call::Input, callback, code::Code, context::Context, envelope::Payload, list,
    recording, room,
};

interfaces! {
    /// A call, named `svc/cmd`.
    pub(crate) enum Api;
    async fn dispatch(cx: &Context<'_>, input: Input<'_>) -> Result<Payload, Code>;
    Regist: "account/regist" => account::regist, "seed 003 §一";
    Login: "account/login" => account::login, "seed 003 §二";
    Create: "live/create" => room::create, "seed 003 §三";
    ReportRoom: "live/reportroom" => room::report, "seed 003 §四";
    RoomList: "live/roomlist" => list::rooms, "seed 003 §五";
    ReportMemId: "live/reportmemid" => audience::report, "seed 003 §六";
    RoomIdList: "live/roomidlist" => audience::list, "seed 003 §七";
    Heartbeat: "live/heartbeat" => audience::heartbeat, "seed 003 §八";
    RequestMic: "live/request" => audience::request_mic, "seed 003 §九";
    ReportStatus: "live/reportstatus" => audience::report_status, "seed 003 §十";
    ReportRecord: "live/reportrecord" => recording::report, "seed 003 §十一";
    ExitRoom: "live/exitroom" => room::exit, "seed 003 §十二";
    RecordList: "live/recordlist" => recording::list, "seed 003 §十三";
    LiveStreamList: "live/livestreamlist" => list::streams, "seed 003 §十四";
    GetRoomPlayUrl: "live/getroomplayurl" => list::play_url, "seed 003 §十五";
    Logout: "account/logout" => account::logout, "seed 003 §十六";
    Callback: "live/callback" => callback::receive, "seed 003 §十七";
    GetSign: "cos/get_sign" => access::cos_sign, "contract sxb §4.B";
    Kickout: "account/kickout" => access::kickout, "contract sxb §4.B";
    Verify: "account/verify" => access::verify, "contract sxb §4.B";
    AuthPrivMap: "account/authPrivMap" => access::auth_priv_map, "contract sxb §4.B";
}

impl Api {
    /// Whether the call requires a valid token. `account/logout` does not: an invalid token has a code of its own
    /// there.
    pub(crate) fn needs_token(self) -> bool {
        !matches!(
            self,
            Self::Regist
                | Self::Login
                | Self::Logout
                | Self::Callback
                | Self::GetSign
                | Self::Kickout
                | Self::Verify
                | Self::AuthPrivMap
        )
    }

    /// Decodes the request, runs its handler and encodes the reply.
    pub(crate) async fn carry_out(self, cx: &Context<'_>, input: Input<'_>) -> Result<Payload, Code> {
        dispatch(self, cx, input).await
    }

    /// Finds the call that a query names.
    pub(crate) fn named(query: &str) -> Option<Self> {
        // Nearly all queries are free of escapes: do not decode these.
        if query.contains(['%', '+']) {
            among(form_urlencoded::parse(query.as_bytes()))
        } else {
            among(query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
        }
    }
}

/// Finds the call that the parameters `svc` and `cmd` name. The last value of a repeated parameter counts.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_with_and_without_escapes_name_the_same_call() {
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
            assert_eq!(Api::named(query), among(form_urlencoded::parse(query.as_bytes())), "{query}");
        }
        assert_eq!(Api::named("svc=x&svc=live&cmd=heartbeat"), Api::find("live/heartbeat"));
        assert_eq!(Api::named("s%76c=l%69ve&cmd=heartbea%74"), Api::find("live/heartbeat"));
        assert_eq!(Api::named("svc=live&cmd=heart+beat"), None);
    }
}
