//! The table of all calls. The name of a call is the last segment of its path.

use crate::{
    account, code::Code, context::Context, envelope::Answer, fields::Input, list, password, picture, room,
    stream,
};

relive_wire::interfaces! {
    /// A call of this dialect.
    pub(crate) enum Api;
    async fn dispatch(cx: &Context<'_>, input: &Input<'_>) -> Result<Answer, Code>;
    Login: "Login" => account::login, "seed 004 /live/Login";
    Register: "Register" => account::register, "seed 004 /live/Register";
    ModifyUserPwd: "ModifyUserPwd" => password::reset, "seed 004 /live/ModifyUserPwd";
    ModifyUserInfo: "ModifyUserInfo" => account::modify, "seed 004 /live/ModifyUserInfo";
    ModifyUserHeadPic: "ModifyUserHeadPic" => picture::set, "seed 004 /live/ModifyUserHeadPic";
    GetLiveRoomList: "GetLiveRoomList" => list::next_page, "seed 004 /live/GetLiveRoomList";
    GetMyLiveRoomId: "GetMyLiveRoomId" => room::own_number, "seed 004 /live/GetMyLiveRoomId";
    GetMyLiveRoom: "GetMyLiveRoom" => room::own, "seed 004 /live/GetMyLiveRoom";
    ModifyMyLiveRoom: "ModifyMyLiveRoom" => room::modify, "seed 004 /live/ModifyMyLiveRoom";
    CreateLiveRoom: "CreateLiveRoom" => room::create, "seed 004 /live/CreateLiveRoom";
    FollowLiveRoom: "FollowLiveRoom" => list::follow, "seed 004 /live/FollowLiveRoom";
    PushLiveStream: "PushLiveStream" => stream::push, "seed 004 /live/PushLiveStream";
    SearchLiveStream: "SearchLiveStream" => room::search, "seed 004 /live/SearchLiveStream";
    GetUserHeadPic: "GetUserHeadPic" => picture::get, "seed 004 /live/GetUserHeadPic";
    SearchLiveRoom: "SearchLiveRoom" => room::search, "contract qplus §4.13";
    AuthCode: "AuthCode" => password::send_code, "contract qplus §5.1";
    PlayLiveStream: "PlayLiveStream" => stream::play, "contract qplus §5.2";
    GetLiveroomNumber: "GetLiveroomNumber" => stream::viewers, "contract qplus §5.3";
}

impl Api {
    /// Finds the call at a path, mount prefix removed.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.strip_prefix("/live/")? {
            // One published iOS client spells it so (contract qplus §0).
            "GetUserHighPic" => Some(Self::GetUserHeadPic),
            name => Self::find(name),
        }
    }

    /// Decodes the request, runs its handler and encodes the reply.
    pub(crate) async fn answer(self, cx: &Context<'_>, input: &Input<'_>) -> Result<Answer, Code> {
        dispatch(self, cx, input).await
    }
}
