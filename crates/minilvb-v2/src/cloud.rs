//! Signatures with which clients use cloud services directly. If a key is not configured, the reply says so: a
//! signature made with an empty key would be refused by the cloud, without a reason that points to the configuration.

use relive_core::{CosKey, RoomServiceSign, UnixSeconds};
use relive_wire::Object;
use serde::Serialize;

use crate::{
    code::Code,
    fields::{self, Empty},
    identity::Context,
};

/// Request of `/get_roomservice_sign` (seed 001 §10). A user id is required, and [`Context::caller`] checks that it is
/// the caller's.
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

/// Makes the caller's signature for the room service.
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

/// Makes a signature for the upload of a video (seed 001 §11).
pub(crate) async fn get_vod_sign(cx: &Context<'_>, _: Empty) -> Result<GetVodSignReply, Code> {
    cx.caller().await?;
    let signature = cx.core.cloud().vod_upload();
    let signature = signature.ok_or(Code::ServerError("tencent.vod is not configured"))?;
    Ok(GetVodSignReply { signature })
}

/// Reply of `/get_cos_sign`. Seed 001 shows `keyTime` with a colon, but refers to the rule of the object storage, which
/// demands a semicolon.
#[derive(Serialize)]
pub(crate) struct GetCosSignReply {
    #[serde(rename = "signKey")]
    sign_key: String,
    #[serde(rename = "keyTime")]
    key_time: String,
}

/// Makes a signing key for the upload of a picture (seed 001 §12).
pub(crate) async fn get_cos_sign(cx: &Context<'_>, _: Empty) -> Result<GetCosSignReply, Code> {
    cx.caller().await?;
    let key = cx.core.cloud().cos_v5();
    let CosKey { sign_key, key_time } = key.ok_or(Code::ServerError("tencent.cos is not configured"))?;
    Ok(GetCosSignReply { sign_key, key_time })
}
