//! The table of all calls. The name of a call is the value of `Action`.

use crate::{
    account, audience,
    code::{Fault, Refusal},
    envelope::Success,
    fields::Fields,
    identity::Context,
    link_mic, list, live, upload,
};

relive_wire::interfaces! {
    /// A call of this dialect.
    pub(crate) enum Api;
    async fn dispatch(cx: &Context<'_>, input: Fields<'_>) -> Result<Success, Refusal>;
    RequstLVBAddr: "RequstLVBAddr" => live::request_address, "seed 000 (its §1 spells it so)";
    RequestLVBAddr: "RequestLVBAddr" => live::request_address, "seed 000 §1, seed 002 §1";
    ChangeStatus: "ChangeStatus" => live::change_status, "seed 000 §2, seed 002 §2";
    ChangeCount: "ChangeCount" => live::change_count, "seed 000 §3, seed 002 §3";
    FetchList: "FetchList" => list::fetch_list, "seed 000 §4, seed 002 §4";
    GetCOSSign: "GetCOSSign" => upload::cos_sign, "seed 000 §5, seed 002 §5";
    EnterGroup: "EnterGroup" => audience::enter, "seed 002 §6";
    QuitGroup: "QuitGroup" => audience::quit, "seed 002 §7";
    FetchGroupMemberList: "FetchGroupMemberList" => audience::members, "seed 002 §8";
    GetUserInfo: "GetUserInfo" => list::user_info, "seed 000 §6, seed 002 §9";
    UploadUGCVideo: "UploadUGCVideo" => upload::short_video, "contract minilvb-v1 §7";
    VODFetchList: "VODFetchList" => list::recordings_of, "contract minilvb-v1 §7";
    GetCOSSignV2: "GetCOSSignV2" => upload::cos_key, "contract minilvb-v1 §7";
    GetVodSignature: "GetVodSignature" => upload::vod_sign, "contract minilvb-v1 §7";
    GetVodSignatureV2: "GetVodSignatureV2" => upload::vod_sign, "contract minilvb-v1 §7";
    RequestLVBAddrForLinkMic:
        "RequestLVBAddrForLinkMic" => link_mic::request_address, "contract minilvb-v1 §7";
    RequestPlayUrlWithSignForLinkMic:
        "RequestPlayUrlWithSignForLinkMic" => link_mic::sign_play_url, "contract minilvb-v1 §7";
    ReportUser: "ReportUser" => account::report, "contract minilvb-v1 §7";
}

impl Api {
    /// Finds the call that `Action` names, exactly and case-sensitively: the original server looked for a class file of
    /// that name.
    pub(crate) fn named_by(fields: Fields<'_>) -> Result<Self, Refusal> {
        const ACTION: &str = "Action";
        let value = fields.get(ACTION).ok_or(Refusal::input(ACTION, Fault::Missing))?;
        let name = value.text().ok_or(Refusal::input(ACTION, Fault::WrongType))?;
        Self::find(name).ok_or(Refusal::input(ACTION, Fault::OutOfRange))
    }
}
