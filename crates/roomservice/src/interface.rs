//! The table of all calls, and the paths of these calls.

use relive_wire::{Object, interfaces};

use crate::{
    account, anchor, audience, code::Code, custom, envelope::Answer, identity::Context, list, room, stream,
};

interfaces! {
    /// A call of this dialect, by its name in generation 2.
    pub(crate) enum Api;
    async fn dispatch(cx: &Context<'_>, object: &Object<'_>) -> Result<Answer, Code>;
    Login: "login" => account::login, "contract roomservice §4.1";
    Logout: "logout" => account::logout, "contract roomservice §4.2";
    GetAnchorUrl: "get_anchor_url" => stream::get_anchor_url, "contract roomservice §4.3";
    CreateRoom: "create_room" => room::create_room, "contract roomservice §4.4";
    AddAnchor: "add_anchor" => anchor::add_anchor, "contract roomservice §4.5";
    DeleteAnchor: "delete_anchor" => anchor::delete_anchor, "contract roomservice §4.6";
    AnchorHeartbeat: "anchor_heartbeat" => anchor::anchor_heartbeat, "contract roomservice §4.7";
    GetAnchors: "get_anchors" => list::get_anchors, "contract roomservice §4.8";
    GetRoomList: "get_room_list" => list::get_room_list, "contract roomservice §4.9";
    DestroyRoom: "destroy_room" => room::destroy_room, "contract roomservice §4.10";
    AddAudience: "add_audience" => audience::add_audience, "contract roomservice §4.11";
    DeleteAudience: "delete_audience" => audience::delete_audience, "contract roomservice §4.12";
    GetAudiences: "get_audiences" => audience::get_audiences, "contract roomservice §4.12";
    SetCustomField: "set_custom_field" => custom::set_custom_field, "contract roomservice §4.13";
    GetCustomInfo: "get_custom_info" => custom::get_custom_info, "contract roomservice §4.13";
    MergeStream: "merge_stream" => stream::merge_stream, "contract roomservice §4.14";
    GetLoginInfo: "get_login_info" => account::get_login_info, "contract roomservice §4.15";
    Report: "report" => account::report, "contract roomservice §1";
}

impl Api {
    /// Whether a call needs no token.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Login | Self::GetLoginInfo | Self::Report)
    }

    /// Whether a call is found below `utils` instead of `live_room`.
    fn is_utility(self) -> bool {
        matches!(self, Self::GetLoginInfo | Self::Report)
    }

    /// Decodes the request, runs its handler and encodes the reply.
    pub(crate) async fn answer(self, cx: &Context<'_>, object: &Object<'_>) -> Result<Answer, Code> {
        dispatch(self, cx, object).await
    }
}

/// A call and the name under which it was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Called<'a> {
    pub(crate) api: Api,
    pub(crate) name: &'a str,
}

impl<'a> Called<'a> {
    /// Finds the call at a path (contract roomservice §1, §2).
    pub(crate) fn at(path: &'a str) -> Option<Self> {
        let (folder, name) = path.strip_prefix("/weapp/")?.split_once('/')?;
        let name = name.strip_suffix('/').unwrap_or(name);
        let api = match (folder, name) {
            ("live_room", "get_im_login_info") | ("utils", "get_login_info_debug") => Api::GetLoginInfo,
            ("live_room", _) => Api::find(generation_2(name)).filter(|api| !api.is_utility())?,
            ("utils", _) => Api::find(name).filter(|api| api.is_utility())?,
            _ => return None,
        };
        Some(Self { api, name })
    }
}

/// The name in generation 2 of a call that had another name before.
fn generation_2(name: &str) -> &str {
    match name {
        "get_push_url" => "get_anchor_url",
        "add_pusher" => "add_anchor",
        "delete_pusher" => "delete_anchor",
        "pusher_heartbeat" => "anchor_heartbeat",
        "get_pushers" => "get_anchors",
        custom::OLD_NAME => "get_custom_info",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<&'static str> {
        Called::at(path).map(|called| called.api.row().name)
    }

    #[test]
    fn each_row_is_reached_with_and_without_a_slash() {
        for row in Api::TABLE {
            let folder = if ["get_login_info", "report"].contains(&row.name) { "utils" } else { "live_room" };
            for path in [format!("/weapp/{folder}/{}", row.name), format!("/weapp/{folder}/{}/", row.name)] {
                assert_eq!(at(&path), Some(row.name), "{path}");
            }
        }
    }

    #[test]
    fn both_generations_of_names_are_the_same_calls() {
        for (old, new) in [
            ("get_push_url", "get_anchor_url"),
            ("add_pusher", "add_anchor"),
            ("delete_pusher", "delete_anchor"),
            ("pusher_heartbeat", "anchor_heartbeat"),
            ("get_pushers", "get_anchors"),
            ("get_custom_Info", "get_custom_info"),
            ("get_im_login_info", "get_login_info"),
        ] {
            assert_eq!(at(&format!("/weapp/live_room/{old}")), Some(new), "{old}");
        }
        assert_eq!(at("/weapp/utils/get_login_info_debug"), Some("get_login_info"));
    }

    #[test]
    fn every_other_path_is_refused() {
        for path in [
            "/weapp/",
            "/weapp/live_room",
            "/weapp/live_room/",
            "/weapp/live_room/Login",
            "/weapp/live_room/login//",
            "/weapp/live_room/login/x",
            "/weapp/live_room/report",
            "/weapp/live_room/get_login_info",
            "/weapp/live_room/Get_custom_info",
            "/weapp/double_room/login",
            "/weapp/multi_room/login",
            "/weapp/utils/login",
            "/weapp/utils/get_test_pushurl",
            "/live_room/login",
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
