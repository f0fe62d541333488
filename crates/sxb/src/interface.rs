//! The table: every call of the seed, and of what came after it those that can be served. Whatever is not in it is an
//! unknown call, such as the first generation of the protocol and `live/linksig`, whose signature nobody knows.

use relive_wire::interfaces;

use crate::{
    Sxb, access, account, audience, call::Input, callback, code::Code, envelope::Payload, list, recording,
    room,
};

interfaces! {
    /// Every call, named `svc/cmd`.
    pub(crate) enum Api;
    async fn dispatch(sxb: &Sxb, input: Input<'_>) -> Result<Payload, Code>;
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
    /// Whether the call is made by somebody who has logged in. Logging out is not: its bad token has a code of its own.
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

    /// Decodes the call's fields, carries it out, encodes what it returns.
    pub(crate) async fn carry_out(self, sxb: &Sxb, input: Input<'_>) -> Result<Payload, Code> {
        dispatch(self, sxb, input).await
    }
}
