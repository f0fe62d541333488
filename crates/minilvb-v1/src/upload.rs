//! Uploads: signs uploads of covers and videos to the clouds, and stores short videos after their upload.

use relive_core::{NewShortVideo, UserId};
use serde::Serialize;

use crate::{
    code::{Code, Refusal},
    envelope::Done,
    fields::{FILE_ID, Fields, TITLE, URL},
    identity::Context,
};

/// A call without fields.
pub(crate) struct NoFields;

impl<'a> TryFrom<Fields<'a>> for NoFields {
    type Error = Refusal;

    fn try_from(_: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

/// Reply of `GetCOSSign`.
#[derive(Serialize)]
pub(crate) struct Sign {
    sign: String,
}

/// Makes a COS v4 signature that allows uploads to the whole bucket for a short time.
pub(crate) async fn cos_sign(cx: &Context<'_>, _: NoFields) -> Result<Sign, Refusal> {
    let sign = cx.core.cloud().cos_v4().ok_or(Code::Internal)?;
    Ok(Sign { sign })
}

/// Reply of `GetCOSSignV2`.
#[derive(Serialize)]
pub(crate) struct SignKey {
    #[serde(rename = "signKey")]
    sign_key: String,
    #[serde(rename = "keyTime")]
    key_time: String,
}

/// Makes a COS v5 signing key.
pub(crate) async fn cos_key(cx: &Context<'_>, _: NoFields) -> Result<SignKey, Refusal> {
    let key = cx.core.cloud().cos_v5().ok_or(Code::Internal)?;
    Ok(SignKey { sign_key: key.sign_key, key_time: key.key_time })
}

/// Reply of `GetVodSignature` and `GetVodSignatureV2`.
#[derive(Serialize)]
pub(crate) struct Signature {
    signature: String,
}

/// Makes a signature for the upload of a video.
pub(crate) async fn vod_sign(cx: &Context<'_>, _: NoFields) -> Result<Signature, Refusal> {
    let signature = cx.core.cloud().vod_upload().ok_or(Code::Internal)?;
    Ok(Signature { signature })
}

/// Request of `UploadUGCVideo`.
pub(crate) struct UploadVideo {
    user_id: UserId,
    video: NewShortVideo,
}

impl<'a> TryFrom<Fields<'a>> for UploadVideo {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let info = fields.object("userinfo")?;
        Ok(Self {
            user_id: fields.user_id("userid")?,
            video: NewShortVideo {
                file_id: fields.required("file_id", FILE_ID)?.into(),
                title: fields.present("title", TITLE)?.into_owned(),
                play_url: fields.required("play_url", URL)?.into_owned(),
                // Without `userinfo`, the video is shown with the profile of its owner.
                user_info: if info.is_empty() { None } else { Some(info.user_info()?) },
                ..NewShortVideo::default()
            },
        })
    }
}

/// Stores a short video that has been uploaded to the cloud.
pub(crate) async fn short_video(cx: &Context<'_>, request: UploadVideo) -> Result<Done, Refusal> {
    let owner = cx.actor(&request.user_id).await?;
    cx.core.short_videos().upload(owner, request.video).await?;
    Ok(Done)
}
