//! Signatures with which clients talk to the clouds themselves. A key that is not configured is said so: a signature made
//! with an empty key would only fail elsewhere.

use relive_core::{CosKey, RoomServiceSign, UnixSeconds};
use relive_wire::Object;
use serde::Serialize;

use crate::{
    code::Code,
    fields::{self, Empty},
    identity::Context,
};

/// Request of `/get_roomservice_sign` (seed 001 §10): it has to name a user, and [`Context::caller`] sees to it that this
/// is the caller.
pub(crate) struct GetRoomserviceSign;

impl TryFrom<&Object<'_>> for GetRoomserviceSign {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        fields::required_user_id(object).map(|_| Self)
    }
}

/// Reply of `/get_roomservice_sign`.
#[derive(Serialize)]
pub(crate) struct GetRoomserviceSignReply {
    #[serde(rename = "txTime")]
    tx_time: UnixSeconds,
    sign: String,
}

/// `/get_roomservice_sign`: the caller's own and nobody else's.
pub(crate) async fn get_roomservice_sign(
    cx: &Context<'_>,
    _: GetRoomserviceSign,
) -> Result<GetRoomserviceSignReply, Code> {
    let caller = cx.caller().await?;
    let signed = cx.core.cloud().room_service(caller.user_id());
    let RoomServiceSign { expires, sign } =
        signed.ok_or(Code::ServerError("tencent.api_key is not configured"))?;
    Ok(GetRoomserviceSignReply { tx_time: expires, sign })
}

/// Reply of `/get_vod_sign`.
#[derive(Serialize)]
pub(crate) struct GetVodSignReply {
    signature: String,
}

/// `/get_vod_sign`: leave to upload a video (seed 001 §11).
pub(crate) async fn get_vod_sign(cx: &Context<'_>, _: Empty) -> Result<GetVodSignReply, Code> {
    cx.caller().await?;
    let signature = cx.core.cloud().vod_upload();
    let signature = signature.ok_or(Code::ServerError("tencent.vod is not configured"))?;
    Ok(GetVodSignReply { signature })
}

/// Reply of `/get_cos_sign`. Seed 001 shows `keyTime` with a colon, but asks for the storage's own rule, and that has a
/// semicolon.
#[derive(Serialize)]
pub(crate) struct GetCosSignReply {
    #[serde(rename = "signKey")]
    sign_key: String,
    #[serde(rename = "keyTime")]
    key_time: String,
}

/// `/get_cos_sign`: leave to upload a picture (seed 001 §12).
pub(crate) async fn get_cos_sign(cx: &Context<'_>, _: Empty) -> Result<GetCosSignReply, Code> {
    cx.caller().await?;
    let key = cx.core.cloud().cos_v5();
    let CosKey { sign_key, key_time } = key.ok_or(Code::ServerError("tencent.cos is not configured"))?;
    Ok(GetCosSignReply { sign_key, key_time })
}
