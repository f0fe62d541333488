//! Joint broadcasts: makes the addresses at which a viewer pushes and plays a second stream beside the host's.

use std::borrow::Cow;

use relive_core::{UnixSeconds, UserId};
use serde::Serialize;

use crate::{
    code::Refusal,
    fields::{Fields, TITLE, URL},
    identity::Context,
};

/// Request of `RequestLVBAddrForLinkMic`. `title` and `userinfo` have to be well-formed, but are not used.
pub(crate) struct RequestAddress {
    user_id: UserId,
}

impl<'a> TryFrom<Fields<'a>> for RequestAddress {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let user_id = fields.user_id("userid")?;
        fields.present("title", TITLE)?;
        fields.object("userinfo")?.user_info()?;
        Ok(Self { user_id })
    }
}

/// Reply of `RequestLVBAddrForLinkMic`: the addresses of the viewer's stream.
#[derive(Serialize)]
pub(crate) struct JointAddress {
    pushurl: String,
    timestamp: UnixSeconds,
    playurl: String,
}

/// Makes a push URL for a viewer. Its stream code differs from that of the viewer's own live.
pub(crate) async fn request_address(
    cx: &Context<'_>,
    request: RequestAddress,
) -> Result<JointAddress, Refusal> {
    let viewer = cx.broadcaster(&request.user_id).await?;
    let stream = cx.core.streams().link_mic(viewer).await?;
    let timestamp = stream.made_at;
    let playurl = cx.core.config().media.play_urls(&stream.code, timestamp).rtmp;
    Ok(JointAddress { pushurl: cx.core.streams().push_url(&stream.code, timestamp), timestamp, playurl })
}

/// Request of `RequestPlayUrlWithSignForLinkMic`.
pub(crate) struct SignPlayUrl<'a> {
    user_id: UserId,
    url: Cow<'a, str>,
}

impl<'a> TryFrom<Fields<'a>> for SignPlayUrl<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { user_id: fields.user_id("userid")?, url: fields.required(ORIGIN, URL)? })
    }
}

const ORIGIN: &str = "originStreamUrl";

/// Reply of `RequestPlayUrlWithSignForLinkMic`: the URL with its signature.
#[derive(Serialize)]
pub(crate) struct SignedUrl {
    #[serde(rename = "streamUrlWithSignature")]
    url: String,
    timestamp: UnixSeconds,
}

/// Signs the play URL of a stream of this server; any other URL is refused.
pub(crate) async fn sign_play_url(cx: &Context<'_>, request: SignPlayUrl<'_>) -> Result<SignedUrl, Refusal> {
    let timestamp = cx.core.now();
    let url = cx.core.config().media.signed_play_url(&request.url, timestamp);
    let url = url.ok_or(Refusal::value(ORIGIN))?;
    cx.core.accounts().may_act(cx.actor(&request.user_id).await?).await?;
    Ok(SignedUrl { url, timestamp })
}
