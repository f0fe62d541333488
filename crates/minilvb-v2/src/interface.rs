//! The table of all calls, and the paths of these calls.

use relive_wire::{Object, interfaces};

use crate::{account, cloud, code::Code, envelope::Answer, identity::Context, replay, room, short_video};

interfaces! {
    /// A call of this dialect, in the order of seed 001.
    pub(crate) enum Api;
    async fn dispatch(cx: &Context<'_>, object: &Object<'_>) -> Result<Answer, Code>;
    Register: "register" => account::register, "seed 001 §1";
    Login: "login" => account::login, "seed 001 §2";
    Refresh: "refresh" => account::refresh, "seed 001 §3";
    GetUserInfo: "get_user_info" => account::get_user_info, "seed 001 §4";
    UploadUserInfo: "upload_user_info" => account::upload_user_info, "seed 001 §5";
    GetVodList: "get_vod_list" => replay::get_vod_list, "seed 001 §6";
    UploadRoom: "upload_room" => room::upload_room, "seed 001 §7";
    UploadUgc: "upload_ugc" => short_video::upload_ugc, "seed 001 §8";
    GetUgcList: "get_ugc_list" => short_video::get_ugc_list, "seed 001 §9";
    GetRoomserviceSign: "get_roomservice_sign" => cloud::get_roomservice_sign, "seed 001 §10";
    GetVodSign: "get_vod_sign" => cloud::get_vod_sign, "seed 001 §11";
    GetCosSign: "get_cos_sign" => cloud::get_cos_sign, "seed 001 §12";
}

impl Api {
    /// Finds the call at a path (contract minilvb-v2 §1).
    pub(crate) fn at(path: &str) -> Option<Self> {
        let name = path.strip_prefix("/interface.php").unwrap_or(path).strip_prefix('/')?;
        Self::find(name.strip_suffix('/').unwrap_or(name))
    }

    /// Decodes the request, runs its handler and encodes the reply.
    pub(crate) async fn answer(self, cx: &Context<'_>) -> Result<Answer, Code> {
        dispatch(self, cx, cx.object).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_reached_under_four_paths() {
        for row in Api::TABLE {
            for path in [
                format!("/{}", row.name),
                format!("/{}/", row.name),
                format!("/interface.php/{}", row.name),
                format!("/interface.php/{}/", row.name),
            ] {
                assert_eq!(Api::at(&path).map(Api::row), Some(*row), "{path}");
            }
        }
    }

    #[test]
    fn every_other_path_is_refused() {
        for path in [
            "/",
            "",
            "/interface.php",
            "/interface.php/",
            "/interface.phplogin",
            "/login//",
            "//login",
            "/Login",
            "/LOGIN",
            "login",
            "/login/x",
            "/interface.php/interface.php/login",
            "/getsig",
            "/get_visitor_info",
            "/callback/tape_callback.php",
            "/%6cogin",
            "/登录",
        ] {
            assert_eq!(Api::at(path), None, "{path}");
        }
    }
}
